"""What the page on region proposals draws: a hierarchy of merges, curves of recall, and an RPN's anchors.

All answers are computed here, for every position of every slider; the browser looks them up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.boxes import assign, clip, decode
from core.data.scenes import CLASSES
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.recall import COUNTS, Covered, Curve, Proposed, cover, curve
from core.detectors.regions import to_input
from core.figures.palette import class_colour
from core.figures.sent.proposals import (
    AnchorReasons,
    Anchors,
    FoundByNodes,
    Merged,
    MethodLook,
    NamedBoxes,
    ProposalPicture,
    RecallCurves,
    Recalled,
    RecallMethod,
)
from core.figures.transport import data_url, packed, rounded
from core.i18n import _
from core.nms import sweep
from core.proposals.rpn import POSITIVE_IOU, AnchorLabels, before_nms, label_anchors
from core.proposals.selective_search import Hierarchy, Ints, Pixels, Strategy, hierarchies, to_pixels

Truth = dict[str, Tensor]

REGIONS_AT_FIRST = 20  # that are left where the slider stands at first: objects and parts of them
NMS_GRID = torch.arange(2, 21, dtype=torch.float64) / 20  # IoU thresholds 0.10, 0.15, ... 1.00
BORDER, BETWEEN, NEGATIVE, BEST, POSITIVE = range(5)  # why an anchor is labelled as it is
LOOKS: dict[str, MethodLook] = {
    "selective_search": {"colour": "#0072B2", "onDark": "#56B4E9", "dash": []},
    "rpn": {"colour": "#D55E00", "onDark": "#E69F00", "dash": [9, 4]},
    "sliding_window": {"colour": "#007A59", "onDark": "#2FC9A0", "dash": [3, 3]},
}


def hierarchy_data(
    image: Tensor, strategy: Strategy, truth: Truth | None = None, classes: Sequence[str] = CLASSES
) -> Merged:
    """Group ``image`` (3, H, W) uint8 by ``strategy`` and return, ready for JSON, every node of the hierarchy.

    All is in pixels of the image that is grouped, at most 500 long. ``labels`` and ``lengths`` are the runs of equal
    segments along its rows. For each of the 2 N - 1 nodes: ``parent`` (its own number for the last), ``boxes``,
    ``sizes``, mean ``colours`` and, where there is a ``truth``, its best ``iou`` with an ``object``. For each merge:
    ``merges``, ``similarities`` and ``total``, their weighted mean. ``abo`` has one number more, since it begins with
    the segments: how well all boxes so far cover the objects.
    """
    pixels = to_pixels(image)
    grouped = torch.from_numpy(pixels).permute(2, 0, 1)
    scale = torch.tensor([grouped.shape[2] / image.shape[2], grouped.shape[1] / image.shape[1]]).repeat(2)
    scaled = None if truth is None else truth | {"boxes": truth["boxes"] * scale}
    hierarchy = hierarchies(pixels, [strategy])[0]
    starts = _starts_of_runs(hierarchy.labels)
    weights = np.array(astuple(strategy.weights))
    return {
        **_picture(grouped, scaled, classes),
        "labels": packed(hierarchy.labels.ravel()[starts], "u2"),
        "lengths": packed(np.diff(starts, append=hierarchy.labels.size), "u2"),
        "merges": packed(hierarchy.merges, "u2"),
        "parent": packed(_parents(hierarchy.merges), "u2"),
        "boxes": packed(hierarchy.boxes, "f4"),
        "sizes": packed(hierarchy.sizes, "u4"),
        "colours": packed(_mean_colours(pixels, hierarchy), "u1"),
        "similarities": packed(hierarchy.similarities, "f4"),
        "total": packed(hierarchy.similarities @ weights / max(weights.sum(), 1e-9), "f4"),
        "weights": weights.tolist(),
        "start": max(0, len(hierarchy.merges) + 1 - REGIONS_AT_FIRST),
        **_found_by_nodes(hierarchy, scaled),
    }


def _picture(image: Tensor, truth: Truth | None, classes: Sequence[str]) -> ProposalPicture:
    objects: NamedBoxes | None = None
    if truth is not None:
        labels = truth["labels"].tolist()
        objects = {
            "boxes": rounded(truth["boxes"], 2),
            "names": [_(classes[label]) for label in labels],
            "colours": [class_colour(label) for label in labels],
        }
    return {"image": data_url(image), "width": image.shape[2], "height": image.shape[1], "truth": objects}


def _starts_of_runs(labels: Ints) -> Ints:
    """Return where in the flat ``labels`` (H, W) a new segment or a new row begins."""
    changes = np.ones(labels.shape, bool)
    changes[:, 1:] = labels[:, 1:] != labels[:, :-1]
    return np.flatnonzero(changes)


def _parents(merges: Ints) -> Ints:
    count = len(merges) + 1
    parents = np.arange(2 * count - 1)
    parents[merges.ravel()] = np.repeat(np.arange(count, 2 * count - 1), 2)
    return parents


def _mean_colours(pixels: Pixels, hierarchy: Hierarchy) -> NDArray[np.uint8]:
    """Return each node's mean colour (2 N - 1, 3)."""
    count = len(hierarchy.merges) + 1
    flat = hierarchy.labels.ravel()
    sums = np.zeros((2 * count - 1, 3))
    sums[:count] = np.stack([np.bincount(flat, channel, count) for channel in pixels.reshape(-1, 3).T], 1)
    for node, (one, other) in enumerate(hierarchy.merges, count):
        sums[node] = sums[one] + sums[other]
    return np.rint(sums / hierarchy.sizes[:, None]).astype(np.uint8)


def _found_by_nodes(hierarchy: Hierarchy, truth: Truth | None) -> FoundByNodes:
    """Return which object each node's box covers best and by what IoU, and the ABO after each merge."""
    if truth is None or not len(truth["boxes"]):
        return {"iou": None, "object": None, "abo": None}
    boxes = torch.from_numpy(hierarchy.boxes)
    iou, index = assign(boxes, truth["boxes"])
    counts = range(len(hierarchy.merges) + 1, len(boxes) + 1)
    abo = cover(Proposed(boxes, 0.0), truth["boxes"], counts).overlaps.mean(0)
    return {"iou": packed(iou, "f4"), "object": packed(index, "u1"), "abo": packed(abo, "f4")}


def recall_data(
    image: Tensor,
    proposed: Mapping[str, Proposed],
    truth: Truth | None,
    titles: Mapping[str, str],
    classes: Sequence[str] = CLASSES,
) -> Recalled:
    """Return, ready for JSON, what each proposer of ``LOOKS`` ``proposed`` on one image, best first.

    ``best`` holds, for each of ``counts`` in turn, which proposal covers each object best, -1 for none, and
    ``overlaps`` by what IoU; None without a ``truth``, like the curves.
    """
    methods: list[RecallMethod] = []
    for name, made in proposed.items():
        covered = cover(made, truth["boxes"]) if truth is not None and len(truth["boxes"]) else None
        seen = curve([covered]) if covered else None
        method = _method(name, titles[name], seen, len(made.boxes), made.seconds)
        method["boxes"] = packed(made.boxes, "f4")
        method["best"] = packed(covered.best.T, "i2") if covered else None
        method["overlaps"] = packed(covered.overlaps.T, "f4") if covered else None
        methods.append(method)
    return {**_picture(image, truth, classes), "counts": list(COUNTS), "methods": methods, "scenes": 1}


def curves_data(measured: Sequence[Mapping[str, Covered]], titles: Mapping[str, str]) -> Recalled:
    """Return the curves of ``core.detectors.recall.measure`` on at least one scene, as ``recall_data`` does."""
    curves = {name: curve([one[name] for one in measured]) for name in measured[0]}
    methods = [_method(name, titles[name], seen, seen.proposals, seen.seconds) for name, seen in curves.items()]
    return {"image": None, "truth": None, "counts": list(COUNTS), "methods": methods, "scenes": len(measured)}


def _method(name: str, title: str, seen: Curve | None, proposals: float, seconds: float) -> RecallMethod:
    curves: RecallCurves | None = None
    if seen is not None:
        curves = {"recall50": list(seen.recall_50), "recall70": list(seen.recall_70), "abo": list(seen.abo)}
    look = LOOKS[name]
    return {
        "name": name,
        "title": title,
        "colour": look["colour"],
        "onDark": look["onDark"],
        "dash": look["dash"],
        "proposals": proposals,
        "seconds": seconds,
        "curves": curves,
    }


@torch.inference_mode()
def rpn_data(detector: FasterRCNN, image: Tensor, truth: Truth | None = None) -> Anchors:
    """Run the trunk and the RPN of ``detector`` on ``image`` (3, H, W) uint8 and return, ready for JSON, all anchors.

    Anchors lie cell by cell on ``rows`` x ``columns`` cells, those of one cell in the order of ``shapes`` (their widths
    and heights). For each: ``anchors`` and ``proposals`` (in pixels of the image), ``objectness`` and ``offsets``, and
    with a ``truth`` its ``reason``, the ``object`` that it overlaps most, and the ``iou`` of the anchor and of its
    proposal with that object. ``order`` names the anchors that reach NMS, best first, and ``suppressor`` which of
    them suppressed each, for every one of ``thresholds``, -1 where it is kept.
    """
    pixels, scale = to_input(image, detector.facts)
    shape = (pixels.shape[2], pixels.shape[3])
    maps = detector.trunk(pixels)
    logits, offsets = (one[0] for one in detector.rpn(maps))
    anchors = detector.rpn.anchors(maps)
    proposals = clip(decode(offsets, anchors), *shape)
    order, boxes = before_nms(logits, offsets, anchors, shape, detector.facts.before_nms, detector.facts.least_proposal)
    swept = sweep(boxes, logits[order], thresholds=NMS_GRID)
    sides = (detector.rpn.shapes[:, 2:] - detector.rpn.shapes[:, :2]) / scale
    return {
        **_picture(image, truth, detector.classes),
        "rows": maps.shape[2],
        "columns": maps.shape[3],
        "cell": detector.trunk.stride / scale,
        "shapes": rounded(sides, 0),
        "anchors": packed(anchors / scale, "f4"),
        "proposals": packed(proposals / scale, "f4"),
        "objectness": packed(logits.sigmoid(), "f4"),
        "offsets": packed(offsets, "f4"),
        "order": packed(order, "u2"),
        "thresholds": NMS_GRID.tolist(),
        "suppressor": packed(swept.suppressor, "i2"),
        "palette": _viridis(),
        **_labels(anchors, proposals, truth, scale, shape),
    }


def _labels(
    anchors: Tensor, proposals: Tensor, truth: Truth | None, scale: float, shape: tuple[int, int]
) -> AnchorReasons:
    """Return why each anchor is labelled as it is, and by how much it and its proposal overlap their object."""
    if truth is None:
        return {"reason": None, "object": None, "iou": None, "moved": None}
    boxes = truth["boxes"] * scale
    iou, index = assign(anchors, boxes)
    moved = torch.zeros_like(iou)
    for number, box in enumerate(boxes):
        own = index == number
        moved[own] = assign(proposals[own], box[None])[0]
    return {
        "reason": packed(reasons(label_anchors(anchors, boxes, shape)), "u1"),
        "object": packed(index, "u1"),
        "iou": packed(iou, "f4"),
        "moved": packed(moved, "f4"),
    }


def reasons(wanted: AnchorLabels) -> Tensor:
    """Return for each anchor why it has its label: (A,) int64.

    Ignored: ``BORDER``, it crosses the image's border, or ``BETWEEN``, its IoU is neither high nor low. ``NEGATIVE``:
    its IoU is below 0.3. Positive: ``POSITIVE``, its IoU is 0.7 or more, or only ``BEST``, no other anchor overlaps
    some object more.
    """
    found = torch.full_like(wanted.labels, BETWEEN)
    found[~wanted.inside] = BORDER
    found[wanted.labels == 0] = NEGATIVE
    found[wanted.labels == 1] = POSITIVE
    found[wanted.best & (wanted.overlap < POSITIVE_IOU)] = BEST
    return found


def _viridis() -> str:
    """Return viridis's 256 colours, dark for the least."""
    ramp = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[None], cv2.COLORMAP_VIRIDIS)
    return packed(cv2.cvtColor(ramp, cv2.COLOR_BGR2RGB), "u1")
