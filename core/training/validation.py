"""How a model that is being trained does on images that it does not learn from: scores, and what it makes of a few."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from core.evaluation import Samples, Target, average_precision
from core.models import MODELS
from core.segmentation.evaluation import Segmented, evaluate
from core.stages import Staged, run
from core.values import ClassScores, Detections, Value

SEGMENTATION_SCORES = ("mask_ap50", "mean_iou", "pixel_accuracy")


@dataclass(frozen=True)
class Look:
    """One sample: its ``image`` (3, H, W) uint8, its ``truth``, and what the model ``made`` of it, on the CPU."""

    image: Tensor
    truth: Target
    made: Value


@dataclass(frozen=True)
class Measuring:
    """The part ``done`` of a look or a score, which may take a while; nothing is learnt meanwhile."""

    done: float


def looks(model: Staged, samples: Samples, count: int) -> Iterator[Look]:
    """Yield what ``model``, set to evaluation mode, makes of ``count`` of ``samples``, the same every time."""
    model.eval()
    for index in spread(len(samples), count):
        image, truth = samples[index]
        made = run(model, image).result
        on_cpu: dict[str, Any] = {name: value.cpu() for name, value in vars(made).items() if isinstance(value, Tensor)}
        yield Look(image, truth, replace(made, **on_cpu))


def spread(length: int, count: int) -> Sequence[int]:
    """Return at most ``count`` indices of ``length``, evenly apart."""
    return range(0, length, max(1, -(-length // count)))


def measured(model: Staged, samples: Samples, count: int) -> Generator[Measuring, None, dict[str, float]]:
    """Measure ``model``, set to evaluation mode, on ``count`` of ``samples``: yield the parts done, return the scores.

    The headline comes first. A detector has ``map50``; a segmenter ``mean_iou`` and ``pixel_accuracy``, and before them
    ``mask_ap50`` if it tells instances apart; a classifier ``accuracy``.
    """
    seen = looks(model, samples, count)
    if MODELS[model.name].kind == "segmenter":  # one label map or mask after the other: all at once would be gigabytes
        report = evaluate((Segmented(one.made, one.truth, 0.0) for one in seen), model.classes)
        return {name: max(0.0, report[name]) for name in SEGMENTATION_SCORES if name in report}
    pairs: list[tuple[Value, Target]] = []
    for one in seen:
        pairs.append((one.made, {name: one.truth[name] for name in _JUDGED_BY if name in one.truth}))
        yield Measuring(len(pairs) / len(spread(len(samples), count)))
    right = [made.values.argmax() == truth["label"] for made, truth in pairs if isinstance(made, ClassScores)]
    if right:
        return {"accuracy": float(torch.stack(right).float().mean())}
    found = [made for made, _truth in pairs if isinstance(made, Detections)]
    return {"map50": max(0.0, float(average_precision(found, [truth for _made, truth in pairs], [0.5])["map"]))}


_JUDGED_BY = ("boxes", "labels", "iscrowd", "label")
