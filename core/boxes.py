"""Box arithmetic around ``torchvision.ops``: offsets between boxes, assignment to ground truth, exact turns.

Boxes are half-open, ``(x0, y0, x1, y1)`` with width ``x1 - x0``, as in torchvision. The original R-CNN code counts
inclusive pixels (width ``x1 - x0 + 1``); here a box of zero area stays one of zero area.
"""

import math

import torch
from torch import Tensor
from torchvision.ops import box_iou

_LARGEST_GROWTH = math.log(1000 / 16)  # Faster R-CNN's authors clip the exponent here, and so does torchvision


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Return the offsets (R, 4) that turn ``anchors`` (R, 4) into ``boxes`` (R, 4): dx / w, dy / h, log w, log h.

    Girshick et al. 2014, appendix C, equations 6 to 9.
    """
    width, height = (anchors[:, 2:] - anchors[:, :2]).unbind(1)
    centre = (anchors[:, :2] + anchors[:, 2:]) / 2
    scale = torch.stack([width, height], 1)
    shift = ((boxes[:, :2] + boxes[:, 2:]) / 2 - centre) / scale
    return torch.cat([shift, ((boxes[:, 2:] - boxes[:, :2]) / scale).log()], 1)


def decode(offsets: Tensor, anchors: Tensor) -> Tensor:
    """Apply ``offsets`` (..., 4) to ``anchors`` (..., 4) of the same or a broadcastable shape; undoes ``encode``."""
    scale = anchors[..., 2:] - anchors[..., :2]
    centre = anchors[..., :2] + 0.5 * scale + offsets[..., :2] * scale
    half = 0.5 * scale * offsets[..., 2:].clamp(max=_LARGEST_GROWTH).exp()
    return torch.cat([centre - half, centre + half], -1)


def clip(boxes: Tensor, height: int, width: int) -> Tensor:
    """Move the edges of ``boxes`` (..., 4) that lie outside an image of ``height`` x ``width`` onto its border."""
    xs = boxes[..., 0::2].clamp(0, width)
    ys = boxes[..., 1::2].clamp(0, height)
    return torch.stack([xs[..., 0], ys[..., 0], xs[..., 1], ys[..., 1]], -1)


def assign(boxes: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return for each of ``boxes`` (R, 4) its best IoU with ``truth`` (N, 4) and which one that is: (R,), (R,)."""
    if not len(truth):
        return boxes.new_zeros(len(boxes)), torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
    iou, index = box_iou(boxes, truth).max(1)
    return iou, index


def turn(boxes: Tensor, turns: int, side: int) -> Tensor:
    """Follow one of the 8 symmetries of a square image of ``side`` pixels with its ``boxes`` (N, 4).

    Bit 0 of ``turns`` mirrors left to right, bit 1 top to bottom, bit 2 swaps the axes afterwards.
    """
    if turns & 1:
        boxes = torch.stack([side - boxes[:, 2], boxes[:, 1], side - boxes[:, 0], boxes[:, 3]], 1)
    if turns & 2:
        boxes = torch.stack([boxes[:, 0], side - boxes[:, 3], boxes[:, 2], side - boxes[:, 1]], 1)
    return boxes[:, [1, 0, 3, 2]] if turns & 4 else boxes


def turn_map(values: Tensor, turns: int) -> Tensor:
    """Apply the same symmetry as ``turn`` to ``values`` (..., S, S)."""
    flipped = [axis for bit, axis in ((1, -1), (2, -2)) if turns & bit]
    values = values.flip(flipped) if flipped else values
    return values.transpose(-1, -2) if turns & 4 else values
