"""What the NMS explorer draws: every answer for every slider position, computed here, looked up in the browser."""

import torch
from torch import Tensor

from core.figures.palette import class_colour
from core.figures.sent.nms import Suppressed
from core.figures.transport import data_url, packed, rounded
from core.i18n import _
from core.nms import Decay, Sweep, correct, soft_sweep, sweep
from core.values import Detections

MOST_BOXES = 300
_SOFT_STEPS = 65535  # a soft score from 0 to 1 travels as 16 bits


def explorer_data(
    image: Tensor,
    found: Detections,
    classes: tuple[str, ...],
    per_class: bool,
    decay: Decay,
    truth: dict[str, Tensor] | None = None,
) -> Suppressed:
    """Return, ready for JSON, the best ``MOST_BOXES`` boxes ``found`` in ``image`` (3, H, W) uint8 and all NMS answers.

    ``boxes``, ``scores`` and ``labels`` are best first. ``runs`` has for each box a list of
    ``[row, suppressor, IoU, correct]``: from that row of the grid of IoU thresholds on (0.00, 0.01, ... 1.00) that box
    suppresses it at that IoU, or, where it is -1, it is kept; ``correct`` says whether a kept box is right by the
    ``truth`` (its ``boxes`` and ``labels``), where there is one. ``soft`` holds the scores after soft-NMS, row by row,
    in base64 of little-endian 16-bit parts of 65535; one row stands for all where the threshold plays no part.
    """
    found = _best(found)
    labels = found.labels if per_class else None
    swept = sweep(found.boxes, found.scores, labels)
    rows = swept.thresholds if decay == "linear" else swept.thresholds[:1]
    soft = soft_sweep(found.boxes, found.scores, decay, labels=labels, thresholds=rows)
    right = torch.zeros_like(swept.kept)
    if truth is not None:
        right = correct(swept, found.boxes, found.labels, truth["boxes"], truth["labels"])
    return {
        "image": data_url(image),
        "width": image.shape[2],
        "height": image.shape[1],
        "classes": [{"name": _(name), "colour": class_colour(label)} for label, name in enumerate(classes)],
        "boxes": rounded(found.boxes, 2),
        "scores": rounded(found.scores, 4),
        "labels": found.labels.tolist(),
        "runs": _runs(swept, right),
        "soft": packed((soft.clamp(0, 1) * _SOFT_STEPS).round(), "u2"),
        "truth": None if truth is None else {"boxes": rounded(truth["boxes"], 2), "labels": truth["labels"].tolist()},
    }


def _best(found: Detections) -> Detections:
    order = found.scores.argsort(descending=True, stable=True)[:MOST_BOXES]
    return Detections(found.boxes[order], found.scores[order], found.labels[order])


def _runs(swept: Sweep, right: Tensor) -> list[list[list[float]]]:
    """Shorten what happens to each box over the thresholds to the rows where it changes."""
    state = torch.stack([swept.suppressor, right.long()])
    changes = torch.ones_like(swept.kept)
    changes[1:] = (state[:, 1:] != state[:, :-1]).any(0)
    runs: list[list[list[float]]] = [[] for _ in range(swept.kept.shape[1])]
    for row, box in changes.nonzero().tolist():
        suppressor = int(swept.suppressor[row, box])
        iou = 0.0 if suppressor < 0 else round(float(swept.overlaps[suppressor, box]), 3)
        runs[box].append([row, suppressor, iou, int(right[row, box])])
    return runs
