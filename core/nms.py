"""Non-maximum suppression: greedy, one step at a time, for all thresholds at once, and soft.

Boxes are ``(x0, y0, x1, y1)``. A box is suppressed by a better one that it overlaps by *more* than the threshold;
among equal scores the earlier box comes first; boxes of zero area overlap nothing. All as in ``torchvision.ops``.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torchvision
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou

GRID = torch.arange(101, dtype=torch.float64) / 100
CORRECT_IOU = 0.5
SIGMA = 0.5  # the paper's choice for Gaussian soft-NMS

Decay = Literal["linear", "gaussian"]


@dataclass(frozen=True)
class Choice:
    """One step of greedy NMS: ``box`` is kept, and what it ``suppressed`` (S,) int64 with their ``iou`` (S,)."""

    box: int
    suppressed: Tensor
    iou: Tensor


@dataclass(frozen=True)
class Sweep:
    """Greedy NMS at T thresholds: ``suppressor`` (T, N) int64 is the box that suppressed each of N, -1 where kept.

    ``thresholds`` (T,) float64 rise; ``overlaps`` (N, N) is the IoU of each two boxes that may suppress each other,
    else 0; ``order`` (N,) int64 names the boxes best first.
    """

    thresholds: Tensor
    suppressor: Tensor
    overlaps: Tensor
    order: Tensor

    @property
    def kept(self) -> Tensor:
        """Which boxes are kept at each threshold: (T, N) bool."""
        return self.suppressor < 0


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the boxes that greedy NMS keeps, best first: indices (M,) int64.

    ``boxes`` (N, 4), ``scores`` (N,), both of one floating dtype; ``iou_threshold`` from 0 to 1. This is
    ``torchvision.ops.nms``, which does not refuse NaN.

    Raises:
        ValueError: a shape does not fit, the threshold is outside 0 to 1, or a number is NaN.
    """
    _check(boxes, scores, iou_threshold)
    kept: Tensor = torchvision.ops.nms(boxes, scores, iou_threshold)
    return kept


def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, iou_threshold: float) -> Tensor:
    """Return what greedy NMS keeps where only boxes of one label suppress each other, best first: indices (M,) int64.

    As ``nms``, with ``labels`` (N,). ``torchvision.ops.batched_nms`` moves the classes apart instead, which rounds
    large coordinates.
    """
    _check(boxes, scores, iou_threshold)
    kept = torch.zeros_like(scores, dtype=torch.bool)
    for label in torch.unique(labels):
        own = (labels == label).nonzero().squeeze(1)
        kept[own[torchvision.ops.nms(boxes[own], scores[own], iou_threshold)]] = True
    order = _best_first(scores)
    return order[kept[order]]


def trace(boxes: Tensor, scores: Tensor, iou_threshold: float, labels: Tensor | None = None) -> tuple[Choice, ...]:
    """Do greedy NMS as one would by hand, and write down every step.

    Take the best box that is left, keep it, drop what it overlaps too much, and begin again. The kept boxes are those
    of ``nms``, or of ``batched_nms`` where ``labels`` (N,) are given; arguments and errors are theirs.
    """
    _check(boxes, scores, iou_threshold)
    overlaps = _overlaps(boxes, labels)
    left = _best_first(scores)
    choices = []
    while len(left):
        best, left = left[0], left[1:]
        iou = overlaps[best, left]
        too_much = iou.double() > iou_threshold
        choices.append(Choice(int(best), left[too_much], iou[too_much]))
        left = left[~too_much]
    return tuple(choices)


def sweep(boxes: Tensor, scores: Tensor, labels: Tensor | None = None, thresholds: Tensor = GRID) -> Sweep:
    """Do greedy NMS for every one of ``thresholds`` (T,) in one pass over the boxes.

    Arguments and errors are those of ``trace``. A box suppresses only worse ones, so that leaving out the boxes below
    some score afterwards is the same as leaving them out before: one sweep serves every score threshold.
    """
    _check(boxes, scores, 0.0)
    overlaps = _overlaps(boxes, labels)
    order = _best_first(scores)
    left = torch.ones_like(scores, dtype=torch.bool)
    suppressor = torch.full((len(thresholds), len(boxes)), -1, device=boxes.device)
    for best in order.tolist():
        left[best] = False
        near = (left & (overlaps[best] > 0)).nonzero().squeeze(1)
        kept = suppressor[:, best, None] < 0
        too_much = overlaps[best, near].double() > thresholds[:, None]
        before = suppressor[:, near]
        suppressor[:, near] = torch.where(kept & too_much & (before < 0), best, before)
    return Sweep(thresholds, suppressor, overlaps, order)


def correct(swept: Sweep, boxes: Tensor, labels: Tensor, truth: Tensor, truth_labels: Tensor) -> Tensor:
    """Return which kept boxes are right at each threshold: (T, N) bool.

    A kept box claims the ground truth ``truth`` (G, 4) of its label that it overlaps most, by an IoU of at least 0.5;
    the best-scored claim is right (Pascal VOC's rule). Worse boxes change nothing, as in ``sweep``.
    """
    if not len(truth):
        return torch.zeros_like(swept.kept)
    iou = box_iou(boxes, truth).nan_to_num(0) * (labels[:, None] == truth_labels)
    claims = functional.one_hot(iou.argmax(1), len(truth)).bool() & (iou >= CORRECT_IOU)
    made = (swept.kept[:, :, None] & claims)[:, swept.order]
    first = made & (made.cumsum(1) == 1)
    right = torch.empty_like(swept.kept)
    right[:, swept.order] = first.any(2)
    return right


def soft_nms(
    boxes: Tensor,
    scores: Tensor,
    decay: Decay,
    iou_threshold: float = 0.3,
    sigma: float = SIGMA,
    labels: Tensor | None = None,
) -> Tensor:
    """Return the scores (N,) after soft-NMS, which lowers what overlaps a better box instead of dropping it.

    ``linear`` multiplies by 1 - IoU from ``iou_threshold`` on, ``gaussian`` by exp(-IoU^2 / ``sigma``) always.
    Scores are to be positive; arguments and errors otherwise as for ``trace``. Bodla et al. 2017, figure 2, without
    its last step, which drops the boxes below some score.
    """
    _check(boxes, scores, iou_threshold)
    thresholds = torch.tensor([iou_threshold], dtype=torch.float64, device=boxes.device)
    return soft_sweep(boxes, scores, decay, sigma, labels, thresholds)[0]


def soft_sweep(
    boxes: Tensor,
    scores: Tensor,
    decay: Decay,
    sigma: float = SIGMA,
    labels: Tensor | None = None,
    thresholds: Tensor = GRID,
) -> Tensor:
    """Do ``soft_nms`` for every one of ``thresholds`` (T,) at once: scores (T, N)."""
    _check(boxes, scores, 0.0)
    overlaps = _overlaps(boxes, labels)
    factors = torch.exp(-(overlaps**2) / sigma) if decay == "gaussian" else 1 - overlaps
    softened = scores.repeat(len(thresholds), 1)
    left = torch.ones_like(softened, dtype=torch.bool)
    rows = torch.arange(len(thresholds), device=boxes.device)
    for _ in range(len(boxes)):
        best = softened.masked_fill(~left, -torch.inf).argmax(1)
        left[rows, best] = False
        lowered = left if decay == "gaussian" else left & (overlaps[best].double() >= thresholds[:, None])
        softened = torch.where(lowered, softened * factors[best], softened)
    return softened


def _check(boxes: Tensor, scores: Tensor, iou_threshold: float) -> None:
    if boxes.dim() != 2 or boxes.shape[1] != 4 or scores.shape != boxes.shape[:1]:
        raise ValueError(f"boxes {tuple(boxes.shape)} and scores {tuple(scores.shape)} are to be (N, 4) and (N,)")
    if boxes.isnan().any() or scores.isnan().any():
        raise ValueError("a box or a score is NaN: leave it out before suppressing")
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"an IoU threshold lies between 0 and 1, not at {iou_threshold}")


def _best_first(scores: Tensor) -> Tensor:
    return scores.argsort(descending=True, stable=True)


def _overlaps(boxes: Tensor, labels: Tensor | None) -> Tensor:
    """Return the IoU of each two boxes (N, N), 0 where their labels differ."""
    overlaps: Tensor = box_iou(boxes, boxes).nan_to_num(0)
    return overlaps if labels is None else overlaps * (labels[:, None] == labels)
