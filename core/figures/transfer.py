"""What the transfer learning page shows, ready for JSON: three ways of learning one task, side by side."""

import base64
import io
from collections.abc import Collection, Sequence
from functools import lru_cache

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from core.figures.sent.transfer import CountScores, NetworkLayer, TransferAnswers, TransferState, TransferWay
from core.pretrained import Name
from core.transfer.ways import WAYS, Layer, Learnt, Look, Opened, Plan, Way, layers

COLOURS: dict[Way, tuple[str, str]] = {  # on a light page and on a dark one
    "head": ("#009E73", "#2FC99A"),
    "everything": ("#0072B2", "#56B4E9"),
    "scratch": ("#D55E00", "#FF8A3C"),
}
DASHES: dict[Way, str] = {"head": "solid", "everything": "dashed", "scratch": "dotted"}
THUMBNAIL = 72  # pixels
DIGITS = 4


def board_data(
    plans: Sequence[Plan], opened: Opened | None, looks: Sequence[Look], learnt: Collection[Learnt]
) -> TransferState:
    """Return everything that is known of ``plans``, one for each way, and the scores of all that was ``learnt``.

    ``ways`` have their ``layers``, their ``looks`` as points [step, loss, accuracy], and the ``result`` where there is
    one; ``counts`` the accuracies by way and number of images a class; ``pictures`` are the fixed validation images.
    """
    results = {one.plan: one for one in learnt}
    classes = len(opened.classes) if opened else 10
    return {
        "ways": [_way(plan, classes, looks, results.get(plan)) for plan in plans],
        "steps": plans[0].steps,
        "counts": counts_data(plans, learnt),
        "chosen": plans[0].per_class,
        "classes": list(opened.classes) if opened else [],
        "truth": [opened.truth[index] for index in opened.fixed] if opened else [],
        "pictures": [_address(picture) for picture in opened.pictures] if opened else [],
        "answers": {plan.way: _answers(opened, results[plan]) for plan in plans if opened and plan in results},
    }


def _way(plan: Plan, classes: int, looks: Sequence[Look], result: Learnt | None) -> TransferWay:
    own = result.looks if result else [look for look in looks if look.plan == plan]
    network = network_of(plan.trunk, plan.way, classes)
    learning = sum(layer.parameters for layer in network if not layer.frozen)
    return {
        "key": plan.way,
        "colours": COLOURS[plan.way],
        "dash": DASHES[plan.way],
        "layers": [_layer(layer) for layer in network],
        "learning": learning,
        "parameters": sum(layer.parameters for layer in network),
        "looks": [[look.step, round(look.loss, DIGITS), round(look.accuracy, DIGITS)] for look in own],
        "epoch": result.timing.epoch if result else None,
        "accuracy": result.accuracy if result else None,
    }


def _layer(layer: Layer) -> NetworkLayer:
    return {
        "parameters": layer.parameters,
        "channels": layer.channels,
        "side": layer.side,
        "frozen": layer.frozen,
        "new": layer.new,
    }


@lru_cache(maxsize=64)
def network_of(trunk: Name, way: Way, classes: int) -> tuple[Layer, ...]:
    """Return the layers of a network, as ``core.transfer.ways.layers`` does; they are remembered."""
    return layers(trunk, way, classes)


def counts_data(plans: Sequence[Plan], learnt: Collection[Learnt]) -> list[CountScores]:
    """Return, by way and images a class, the accuracies of all seeds among ``learnt`` that differ in nothing else."""
    found: dict[tuple[Way, int], list[float]] = {}
    for plan in plans:
        for one in learnt:
            if one.plan.same_but_for_draw(plan):
                found.setdefault((plan.way, one.plan.per_class), []).append(one.accuracy)
    return [
        {"way": way, "count": count, "scores": [round(score, DIGITS) for score in sorted(scores)]}
        for (way, count), scores in sorted(found.items(), key=lambda item: (WAYS.index(item[0][0]), item[0][1]))
    ]


def _answers(opened: Opened, result: Learnt) -> TransferAnswers:
    """Return what the fixed images are taken for, and the confusion matrix: a row for each class that is true."""
    classes = len(opened.classes)
    confusion = [[0] * classes for _row in range(classes)]
    for truth, answer in zip(opened.truth, result.answers, strict=True):
        confusion[truth][answer] += 1
    return {
        "labels": [result.answers[index] for index in opened.fixed],
        "certainties": [round(result.certainties[index], 2) for index in opened.fixed],
        "confusion": confusion,
    }


def strip(pictures: Sequence[Tensor]) -> bytes:
    """Draw ``pictures`` (3, S, S) uint8 side by side, as a WebP file."""
    return _webp(torch.cat(list(pictures), 2))


def _address(picture: Tensor) -> str:
    small = resize(picture, [THUMBNAIL, THUMBNAIL], antialias=True)
    return f"data:image/webp;base64,{base64.b64encode(_webp(small)).decode()}"


def _webp(picture: Tensor) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(buffer, "WEBP", quality=80)
    return buffer.getvalue()
