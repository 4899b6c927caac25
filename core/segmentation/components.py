"""The naive answer to instances: connected components of a semantic map, and where such an answer fails."""

from typing import Literal

import cv2
import numpy as np
import torch
from torch import Tensor
from torchvision.ops import masks_to_boxes

from core.data.scenes import ShapeScenes, label_map
from core.data.targets import part_of
from core.values import Instances

LEAST_AREA = 30  # pixels; less is a speck of the segmenter's, the smallest shape of a scene has more
HALF = 0.5

Fate = Literal["found", "merged", "split", "missed"]


def components(labels: Tensor, least_area: int = LEAST_AREA) -> Instances:
    """Return each connected component of a label map (H, W) as an instance, the largest first, all with score 1.

    The background is none; pixels that touch by a side or a corner are connected; components of fewer than
    ``least_area`` pixels are left out. OpenCV finds them.
    """
    found = [
        (int(area), label, torch.from_numpy(numbered == number))
        for label in labels.unique().tolist()
        if label
        for numbered, areas in [_numbered(labels == label)]
        for number, area in enumerate(areas)
        if number and area >= least_area
    ]
    found.sort(key=lambda one: -one[0])
    masks = torch.stack([mask for *_rest, mask in found]) if found else torch.zeros(0, *labels.shape, dtype=torch.bool)
    boxes = masks_to_boxes(masks)
    boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
    named = torch.tensor([label for _area, label, _mask in found], dtype=torch.int64)
    return Instances(boxes, torch.ones(len(found)), named, masks)


def _numbered(mask: Tensor) -> tuple[np.ndarray, list[int]]:
    """Return the number of the component of every pixel, 0 outside of ``mask`` (H, W), and the area of each."""
    _count, numbered, statistics, _centres = cv2.connectedComponentsWithStats(mask.numpy().astype(np.uint8))
    return numbered, statistics[:, cv2.CC_STAT_AREA].tolist()


def matched(found: Instances, truth: dict[str, Tensor], iou: float = HALF) -> list[Fate]:
    """Return what became of each true instance: ``truth`` has ``masks`` (N, H, W) and ``labels`` (N,).

    It is ``found`` if a mask of its class has more than this ``iou`` with it and holds no other; ``merged`` if a mask
    holds it together with another; ``split`` if at least two masks lie in it; otherwise ``missed``. To hold is to
    cover at least half of, to lie in is to be covered at least by half; an instance that has a mask of its own does
    not count as held by another. Pixels that are ``void`` in the truth count for no mask.
    """
    masks = found.masks & ~truth["void"] if "void" in truth else found.masks
    ours, theirs = (each.flatten(1).float() for each in (masks, truth["masks"]))
    common = (ours @ theirs.T) * (found.labels[:, None] == truth["labels"])
    area, true_area = ours.sum(1, keepdim=True), theirs.sum(1)
    alike = common / (area + true_area - common) > iou
    held = common >= HALF * true_area
    lies_in = common >= HALF * area
    own = (alike & (held.sum(1, keepdim=True) <= 1)).any(0)
    others = held & ~own
    alone = own | (alike & (others.sum(1, keepdim=True) <= 1)).any(0)
    shared = (others & (others.sum(1, keepdim=True) > 1)).any(0)
    parts = lies_in.sum(0)
    return [
        "found" if is_alone else "merged" if is_shared else "split" if pieces > 1 else "missed"
        for is_alone, is_shared, pieces in zip(alone.tolist(), shared.tolist(), parts.tolist(), strict=True)
    ]


def findable(truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return ``truth`` without the objects of which no pixel is known."""
    return part_of(truth, truth["masks"].any((1, 2)))


def first_merging(scenes: ShapeScenes, start: int, count: int) -> int | None:
    """Return the first of ``count`` scenes from number ``start`` on in which two shapes of one class touch.

    Even the components of a perfect semantic map merge them. None where there is no such scene.
    """
    for index in range(start, min(start + count, len(scenes))):
        truth = scenes[index][1]
        if "merged" in matched(components(label_map(truth["masks"], truth["labels"])), truth):
            return index
    return None
