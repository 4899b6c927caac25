"""How good a segmentation is: the four figures of the FCN paper, and how near the boundaries are.

Classes that occur nowhere are left out of every mean, and pixels of which nothing is known out of every figure, as in
the evaluation that the FCN's authors published. Where such pixels hide the boundaries, these have none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassJaccardIndex

from core.evaluation import EvaluationError
from core.i18n import _
from core.segmentation.base import VOID

TOLERANCE = 0.0075  # of the image's diagonal
ALONE: dict[str, Any] = {"sync_on_compute": False}  # of several processes that train together, one measures
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))

Outcome = tuple[Tensor, Tensor, float]
"""What a segmenter made of one image: the predicted and the true labels, (H, W) each, and the seconds it took.

A true label of ``VOID`` says that nothing is known of the pixel.
"""


@dataclass(frozen=True)
class SemanticQuality:
    """A segmenter's figures on a set of images (Long, Shelhamer and Darrell 2015, section 5), all from 0 to 1.

    ``boundary_f`` is the mean over the images that have a boundary, NaN where none has. ``iou_per_class`` names the
    classes that occur. ``confusion`` (K + 1, K + 1) counts pixels, one row a true class. ``seconds_per_image`` is a
    median.
    """

    pixel_accuracy: float
    mean_accuracy: float
    mean_iou: float
    frequency_weighted_iou: float
    boundary_f: float
    iou_per_class: dict[str, float]
    confusion: Tensor
    seconds_per_image: float


def summed_up(outcomes: Iterable[Outcome], classes: Sequence[str]) -> SemanticQuality:
    """Sum up what a segmenter made of a set of images; ``classes`` names the labels, 0 being the background.

    Raises:
        EvaluationError: there is no image.
    """
    metrics = MetricCollection(
        {
            "pixel_accuracy": MulticlassAccuracy(len(classes), average="micro", **ALONE),
            "accuracies": MulticlassAccuracy(len(classes), average=None, **ALONE),
            "ius": MulticlassJaccardIndex(len(classes), average=None, **ALONE),
            "frequency_weighted_iou": MulticlassJaccardIndex(len(classes), average="weighted", **ALONE),
            "confusion": MulticlassConfusionMatrix(len(classes), **ALONE),
        }
    )
    boundaries, seconds = [], []
    for predicted, truth, took in outcomes:
        known = truth != VOID
        if known.any():
            metrics.update(predicted[known], truth[known])
        boundaries.append(boundary_f_score(predicted, truth) if known.all() else float("nan"))
        seconds.append(took)
    if not seconds:
        raise EvaluationError(_("There is no image to measure: choose at least one."))
    computed = metrics.compute()
    true, said = computed["confusion"].sum(1) > 0, computed["confusion"].sum(0) > 0
    return SemanticQuality(
        pixel_accuracy=float(computed["pixel_accuracy"]),
        mean_accuracy=float(computed["accuracies"][true].mean()),
        mean_iou=float(computed["ius"][true | said].mean()),
        frequency_weighted_iou=float(computed["frequency_weighted_iou"]),
        boundary_f=float(torch.tensor(boundaries).nanmean()),
        iou_per_class={classes[label]: float(computed["ius"][label]) for label in (true | said).nonzero()[:, 0]},
        confusion=computed["confusion"],
        seconds_per_image=median(seconds),
    )


def boundary_f_score(predicted: Tensor, truth: Tensor, tolerance: float | None = None) -> float:
    """Return how well the boundaries of two label maps (H, W) agree: the mean F1 of the classes that occur in either.

    A boundary pixel of a class touches another class by its side; it is right if the other map's boundary of that
    class is at most ``tolerance`` pixels away, by default 0.75 % of the image's diagonal. The background's boundary
    is the other classes' and is not counted again. NaN where neither map has any boundary. Csurka et al. 2013, What
    is a good evaluation measure for semantic segmentation?
    """
    tolerance = TOLERANCE * float(np.hypot(*truth.shape)) if tolerance is None else tolerance
    labels = torch.cat([predicted.unique(), truth.unique()]).unique().tolist()
    scores = []
    for label in labels:
        ours, theirs = (_boundary((labels_map == label).numpy()) for labels_map in (predicted, truth))
        if label and (ours.any() or theirs.any()):
            precision, recall = _share_near(ours, theirs, tolerance), _share_near(theirs, ours, tolerance)
            scores.append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
    return sum(scores) / len(scores) if scores else float("nan")


def _boundary(mask: np.ndarray) -> np.ndarray:
    """Return the pixels of ``mask`` (H, W) bool that have a neighbour outside of it; the image's edge is none."""
    return mask & ~cv2.erode(mask.astype(np.uint8), CROSS).astype(bool)


def _share_near(boundary: np.ndarray, other: np.ndarray, tolerance: float) -> float:
    """Return which share of ``boundary`` lies within ``tolerance`` pixels of ``other``."""
    if not boundary.any() or not other.any():
        return 0.0
    distance = cv2.distanceTransform((~other).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[boundary] <= tolerance).mean())


def as_report(quality: SemanticQuality) -> dict[str, Any]:
    """Return ``quality`` as JSON-ready data, floats to 4 digits (None for NaN), seconds to microseconds."""
    report: dict[str, Any] = {name: _rounded(value) for name, value in vars(quality).items()}
    return report | {
        "iou_per_class": {name: _rounded(value) for name, value in quality.iou_per_class.items()},
        "confusion": quality.confusion.tolist(),
        "seconds_per_image": round(quality.seconds_per_image, 6),
    }


def _rounded(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return None if np.isnan(value) else round(value, 4)
