"""The end that all detectors share: scored boxes of each class, then greedy non-maximum suppression."""

from torch import Tensor
from torchvision.ops import batched_nms

from core.values import Detections

SCORE_THRESHOLD = 0.01  # average precision also counts what a detector is unsure of
# The successors' released code has 0.3, R-CNN's paper a learned threshold, YOLO's names none. Scenes let shapes of one
# class overlap more than photos do: on validation scenes 0.4 is better for YOLO and Faster R-CNN.
NMS_THRESHOLD = 0.4
MOST_CANDIDATES = 1000
MOST_DETECTIONS = 100


def candidates(boxes: Tensor, scores: Tensor, threshold: float = SCORE_THRESHOLD) -> Detections:
    """Return the boxes whose class scores exceed ``threshold``, best first, before any suppression.

    ``boxes`` is (R, 4), or (R, K, 4) where each class has its own; ``scores`` (R, K) leaves the background out.
    """
    region, column = (scores > threshold).nonzero(as_tuple=True)
    kept = scores[region, column]
    kept, order = kept.sort(descending=True, stable=True)
    order, kept = order[:MOST_CANDIDATES], kept[:MOST_CANDIDATES]
    region, column = region[order], column[order]
    chosen = boxes[region, column] if boxes.dim() == 3 else boxes[region]
    return Detections(chosen, kept, column + 1)


def suppress(found: Detections, iou_threshold: float = NMS_THRESHOLD) -> Detections:
    """Keep of each class the best boxes that overlap no better one by more than ``iou_threshold``."""
    kept = batched_nms(found.boxes, found.scores, found.labels, iou_threshold)[:MOST_DETECTIONS]
    return Detections(found.boxes[kept], found.scores[kept], found.labels[kept])
