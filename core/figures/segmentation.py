"""What the segmentation page shows, ready for JSON: label maps with their figures, how an FCN fuses, instances."""

import base64
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from core.backbones import Lite0
from core.data.scenes import label_map
from core.families import SHAPES, AnyFamily, card_of
from core.figures.pooling import viridis
from core.figures.sent import NamedColour, PictureData
from core.figures.sent.segmentation import Compared, Explored, FieldLayer, FoundInstances, Fused
from core.figures.transport import packed, rounded
from core.figures.yolo import picture_data
from core.i18n import _
from core.models import MODELS
from core.segmentation.base import VOID, true_labels
from core.segmentation.components import components, findable, matched
from core.segmentation.evaluation import labels_of
from core.segmentation.fcn import FCN
from core.segmentation.instance import SURE, MaskRCNN, topmost
from core.segmentation.patch_cnn import PATCH, PatchCNN
from core.segmentation.quality import as_report, summed_up
from core.segmentation.receptive_field import ReceptiveField, receptive_fields, trunk_fields
from core.stages import Staged, Trace
from core.values import Instances, ScoreMap

BACKGROUND = "#8C8C8C"
MOST_SAMPLES = 256  # of a side: the probabilities of a large image are sent for every so many pixels
CONNECTED = {"conv1": "fc6", "conv2": "fc7", "conv3": "score"}  # AlexNet's names for what follows its convolutions
FIRST_LAYERS = ("conv5", "block7")  # the last that all segmenters of a trunk have
VOID_COLOUR = "#E0E0C0"  # as Pascal VOC draws it
FUSED_SCALE = 100  # logits travel as whole hundredths


def squeezed(values: ArrayLike, dtype: str = "u1") -> str:
    """Return ``values``, row by row, as base64 of compressed little-endian numbers, for the browser's ``inflate``."""
    return base64.b64encode(zlib.compress(base64.b64decode(packed(values, dtype)))).decode()


def segmented_data(image: Tensor, classes: tuple[str, ...]) -> PictureData:
    """Return ``image`` (3, H, W) uint8 and the names and colours of its ``classes``, the background first and grey."""
    data = picture_data(image, classes)
    data["classes"][0]["colour"] = BACKGROUND
    return data


def void_colour(true: Tensor | None) -> NamedColour | None:
    """Return how pixels are drawn of which the ``true`` labels (H, W) say nothing, None where there are none."""
    if true is None or not (true == VOID).any():
        return None
    return {"name": _("not known"), "colour": VOID_COLOUR}


def explore_data(model: Staged, trace: Trace, truth: dict[str, Tensor] | None = None) -> Explored:
    """Return what ``model`` made of an image: ``labels``, and ``truth``, a byte a pixel.

    ``shares`` says which part of the image each class has in either. ``probabilities`` (K + 1, h, w) are bytes up to
    255, of every pixel or of one in ``every`` x ``every``; of a model of instances they are the best score of a mask
    there. ``layers`` are those of ``layers_of``, of which ``layer`` is shown first, ``figures`` this image's of
    ``core.segmentation.quality``, and ``start`` (x, y) is the pixel deepest inside an object.
    """
    labels = labels_of(trace.result)
    true = None if truth is None else true_labels(truth)
    maps = {"labels": labels} if true is None else {"labels": labels, "truth": true}
    every = ceil(max(labels.shape) / MOST_SAMPLES)
    layers = layers_of(model, *labels.shape)
    return {
        **segmented_data(trace.image, model.classes),
        "labels": squeezed(labels),
        "truth": None if true is None else squeezed(true),
        "void": void_colour(true),
        "shares": {name: _shares(one, len(model.classes)) for name, one in maps.items()},
        "instances": isinstance(trace.result, Instances),
        "every": every,
        "probabilities": squeezed((255 * _per_class(trace, len(model.classes), every)).round()),
        "layers": layers,
        "layer": next(one["name"] for one in layers if one["name"] in FIRST_LAYERS),
        "figures": figures_of(trace, truth, model.classes),
        "start": _deepest(labels),
    }


def figures_of(trace: Trace, truth: dict[str, Tensor] | None, classes: tuple[str, ...]) -> dict[str, Any] | None:
    """Return how near a segmenter's run comes to the ``truth``, if there is any: ``quality.as_report`` of one image."""
    if truth is None:
        return None
    return as_report(summed_up([(labels_of(trace.result), true_labels(truth), trace.seconds)], classes))


def _shares(labels: Tensor, classes: int) -> list[float]:
    return rounded(labels.flatten().bincount(minlength=classes)[:classes] / labels.numel(), 4)


def _per_class(trace: Trace, classes: int, every: int) -> Tensor:
    """Return each class's probability, or the best score of an instance's mask, at one of ``every`` x ``every`` pixels.

    The result is (K + 1, h, w).
    """
    height, width = trace.image.shape[1:]
    last = trace.result
    if isinstance(last, Instances):
        masks = _sampled(last.masks, every)
        best = torch.zeros(classes, *masks.shape[1:])
        for mask, label, score in zip(masks, last.labels.tolist(), last.scores, strict=True):
            best[label] = torch.maximum(best[label], score * mask)
        return best
    scored = [step.value for step in trace.steps if isinstance(step.value, ScoreMap)][-1]
    values = scored.values.softmax(0).repeat_interleave(scored.stride, 1).repeat_interleave(scored.stride, 2)
    return _sampled(values[:, :height, :width], every)


def _sampled(values: Tensor, every: int) -> Tensor:
    """Take one of ``every`` x ``every`` pixels of ``values`` (C, H, W), from their middle where there is one."""
    rows, columns = (
        (torch.arange(0, length, every) + every // 2).clamp(max=length - 1) for length in values.shape[-2:]
    )
    return values[:, rows][:, :, columns]


def _deepest(labels: Tensor) -> list[int]:
    """Return the pixel (x, y) furthest inside the objects of ``labels`` (H, W), or inside the image."""
    inside = (labels > 0).numpy() if labels.any() else np.ones(labels.shape, bool)
    depth = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return [int(column), int(row)]


def layers_of(model: Staged, height: int, width: int) -> list[FieldLayer]:
    """Return the layers of ``model`` on an image of ``height`` x ``width``, with the receptive field of their cells.

    All in pixels of the image: cell i sees ``size`` pixels from ``start + i * stride`` on, and stands for the pixels
    from ``first + i * stride`` on; there are ``rows`` x ``columns`` of them.
    """
    around = (PATCH - model.trunk.stride) // 2 if isinstance(model, PatchCNN) else 0
    scale = model.facts.scale(height, width) if isinstance(model, MaskRCNN) else 1.0
    layers: list[FieldLayer] = []
    for field in _fields(model):
        first = 0
        rows, columns = (ceil(round(length * scale) / field.stride) for length in (height, width))
        if around or isinstance(model.trunk, Lite0):  # a cell stands for the middle of what it sees
            first = field.start - around + (field.size - field.stride) // 2
        if around:
            rows, columns = (
                (model.trunk.stride * (ceil(length / model.trunk.stride) - 1) + PATCH - field.size) // field.stride + 1
                for length in (height, width)
            )
        layers.append(
            {
                "name": field.name,
                "channels": field.channels,
                "size": field.size / scale,
                "stride": field.stride / scale,
                "start": (field.start - around) / scale,
                "first": first / scale,
                "rows": rows,
                "columns": columns,
            }
        )
    return layers


def _fields(model: Staged) -> list[ReceptiveField]:
    """Return the fields of the layers of ``model``; fully connected ones count as the convolutions that they are."""
    fields = trunk_fields(model.trunk)
    behind: list[nn.Module] = []
    if isinstance(model, FCN):
        behind = [*model.layers, model.score[0]]
    if isinstance(model, PatchCNN):
        connected = [layer for layer in (*model.layers, model.score) if isinstance(layer, nn.Linear)]
        sides = (model.cells, 1, 1)
        behind = [nn.Conv2d(1, one.out_features, side) for one, side in zip(connected, sides, strict=True)]
    return fields + [
        replace(one, name=CONNECTED.get(one.name, "pool3")) for one in receptive_fields(behind, begin=fields[-1])
    ]


def compared_data(
    models: Mapping[str, Staged],
    traces: Mapping[str, Trace],
    truth: dict[str, Tensor] | None = None,
    family: AnyFamily = SHAPES,
) -> Compared:
    """Return what each of ``models`` made of the image of its trace: ``labels``, ``figures``, ``ms``, ``parameters``.

    ``tested`` are the figures over the test images, from the model's card in ``family``, None where it has none.
    """
    image = next(iter(traces.values())).image
    classes = next(iter(models.values())).classes
    true = None if truth is None else true_labels(truth)
    return {
        **segmented_data(image, classes),
        "truth": None if true is None else squeezed(true),
        "void": void_colour(true),
        "models": [
            {
                "name": name,
                "title": MODELS[name].title,
                "labels": squeezed(labels_of(traces[name].result)),
                "figures": figures_of(traces[name], truth, classes),
                "tested": card_of(name, family).get("evaluation"),
                "ms": 1000 * traces[name].seconds,
                "parameters": sum(weights.numel() for weights in model.parameters()),
            }
            for name, model in models.items()
        ],
    }


def fusion_data(model: FCN, trace: Trace) -> Fused:
    """Return how ``model`` came from its coarsest scores to its finest: one of ``stages`` a stride.

    Each has ``scores`` (K + 1, ``rows``, ``columns``) in hundredths; a skip also ``enlarged``, the coarser stage's
    scores after deconvolution, and ``skip``, what was added to them. ``lowest`` and ``highest`` are each class's, and
    ``start`` is the class with the most pixels, the background aside.
    """
    scored = [step.value for step in trace.steps if isinstance(step.value, ScoreMap) and step.value.stride > 1]
    stages: list[dict[str, Tensor]] = [{"scores": scored[0].values}]
    for number, value in enumerate(scored[1:]):
        with torch.no_grad():
            enlarged = model.deconvolution[number](stages[-1]["scores"][None])[0]
        enlarged = enlarged[:, : value.values.shape[1], : value.values.shape[2]]
        stages.append({"enlarged": enlarged, "skip": value.values - enlarged, "scores": value.values})
    every = torch.cat([maps.flatten(1) for stage in stages for maps in stage.values()], 1)
    return {
        "palette": viridis(),
        "start": int(labels_of(trace.result).flatten().bincount(minlength=2)[1:].argmax()) + 1,
        "classes": segmented_data(trace.image, model.classes)["classes"],
        "lowest": every.amin(1).tolist(),
        "highest": every.amax(1).tolist(),
        "stages": [
            {
                "stride": value.stride,
                "rows": value.values.shape[1],
                "columns": value.values.shape[2],
                "maps": {name: squeezed((FUSED_SCALE * maps).round(), "i2") for name, maps in stage.items()},
            }
            for value, stage in zip(scored, stages, strict=True)
        ],
    }


def instances_data(
    semantic: Trace, masks: Trace, classes: tuple[str, ...], truth: dict[str, Tensor] | None
) -> FoundInstances:
    """Return instances of one image: the ``semantic`` run's components, those of the ``masks`` run, and the ``truth``.

    Each of ``panels`` has ``ids`` (H, W), the number of the instance at each pixel counted from 1, the instances'
    ``labels`` and ``scores``, and in ``middles`` (x, y) a pixel inside of each. ``fates`` say how many true instances
    each found, merged, split and missed; ``perfect`` is what the components of the true label map would. Of a truth
    with void pixels those count for no mask, and objects without pixels of their own are not looked for.
    """
    labels = labels_of(semantic.result)
    found = masks.result
    assert isinstance(found, Instances)
    panels = {"components": components(labels), "masks": _sure(found)}
    fates = {}
    if truth is not None:
        truth = findable(truth)
        fates = {name: _counted(matched(one, truth)) for name, one in panels.items()}
        true = Instances(truth["boxes"], torch.ones(len(truth["labels"])), truth["labels"], truth["masks"])
        panels["truth"] = true
        perfect = components(label_map(truth["masks"], truth["labels"]))
        fates["perfect"] = _counted(matched(perfect, truth))
    return {
        **segmented_data(semantic.image, classes),
        "labels": squeezed(labels),
        "panels": {
            name: {
                "ids": squeezed(topmost(one.masks, 1 + torch.arange(len(one)))),
                "labels": one.labels.tolist(),
                "scores": rounded(one.scores, 2),
                "middles": [_deepest(mask) for mask in one.masks],
            }
            for name, one in panels.items()
        },
        "fates": fates,
    }


def _counted(fates: Sequence[str]) -> dict[str, int]:
    return dict(Counter(fates))


def _sure(found: Instances) -> Instances:
    """Return the instances that a label map would show."""
    sure = found.scores >= SURE
    return replace(
        found, boxes=found.boxes[sure], scores=found.scores[sure], labels=found.labels[sure], masks=found.masks[sure]
    )
