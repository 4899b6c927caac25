"""How good a detector is: average precision as COCO and as Pascal VOC define it, and what its proposals recall.

One precision-recall curve gives different averages: COCO's (the mean of 101 points) is what ``map``, ``map50`` and
``map75`` mean here; the papers up to YOLO report VOC 2007's (11 points), which is ``map50_voc07``.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Literal, Protocol

import torch
from torch import Tensor
from torchmetrics.detection import MeanAveragePrecision
from torchvision.ops import box_iou

from core.faults import UserError
from core.i18n import _
from core.stages import Detector, run
from core.suppression import suppress
from core.values import Detections, Regions

NMS_THRESHOLDS = tuple(step / 20 for step in range(1, 20))
# Products, not quotients: 0.1 * 6 lies a rounding above 6 / 10, as it does in the evaluations that are in use.
ELEVEN_POINTS = 0.1 * torch.arange(11, dtype=torch.float64)

# As COCO's own code has them. torchmetrics' defaults are rounded to single precision, and miss a point by that.
COCO_IOUS = [round(0.5 + 0.05 * step, 2) for step in range(10)]
COCO_RECALLS = [0.01 * step for step in range(101)]

Target = dict[str, Tensor]


class EvaluationError(UserError):
    """There is nothing to measure a model on; the message is a sentence that says what to do."""


class Samples(Protocol):
    """Images (3, H, W) uint8 with their detection targets, by index."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Tensor, Target]: ...


@dataclass(frozen=True)
class Outcome:
    """What a detector made of one image: the ``candidates`` before NMS, the ``detections`` after it, its ``proposals``
    (R, 4) where it has any, the ``seconds`` it took, and the ``truth`` as a detection target."""

    candidates: Detections
    detections: Detections
    proposals: Tensor | None
    seconds: float
    truth: Target


@dataclass(frozen=True)
class Evaluation:
    """A detector's figures on a set of images.

    Means over classes of COCO's average precision: ``map`` over IoU 0.5 to 0.95, ``map50``, ``map75``, and
    ``ap50_per_class`` by name; ``map50_voc07`` is VOC 2007's. ``seconds_per_image`` is a median. The share of objects
    that a proposal overlaps by 0.5 or 0.7 bounds what a detector can find; None where it has no proposals.
    ``map50_by_nms_threshold`` says what another NMS threshold would have given.
    """

    map50: float
    map75: float
    map: float
    map50_voc07: float
    ap50_per_class: dict[str, float]
    seconds_per_image: float
    proposal_recall50: float | None
    proposal_recall70: float | None
    map50_by_nms_threshold: dict[str, float]


def outcomes(detector: Detector, samples: Samples, count: int) -> Iterator[Outcome]:
    """Run ``detector`` on the first ``count`` of ``samples``, yielding what it made of them one by one."""
    for index in range(count):
        image, target = samples[index]
        trace = run(detector, image)
        regions = [step.value.boxes for step in trace.steps if isinstance(step.value, Regions)]
        truth = {name: values for name, values in target.items() if name in ("boxes", "labels", "iscrowd")}
        yield Outcome(trace.candidates, trace.detections, regions[0] if regions else None, trace.seconds, truth)


def evaluate(made: Iterable[Outcome], classes: Sequence[str]) -> Evaluation:
    """Sum up what a detector made of a set of images; ``classes`` names the labels, 0 being the background.

    Raises:
        EvaluationError: there is no image, or no object in any.
    """
    made = list(made)
    truths = [one.truth for one in made]
    if not any(len(truth["labels"]) for truth in truths):
        raise EvaluationError(_("There is no object to detect in these images: choose others."))
    found = [one.detections for one in made]
    whole = average_precision(found, truths)
    at_half = average_precision(found, truths, iou_thresholds=[0.5], class_metrics=True)
    present = at_half["classes"].reshape(-1).tolist()
    by_threshold = {
        f"{threshold:.2f}": float(
            average_precision([suppress(one.candidates, threshold) for one in made], truths, [0.5])["map"]
        )
        for threshold in NMS_THRESHOLDS
    }
    return Evaluation(
        map50=float(whole["map_50"]),
        map75=float(whole["map_75"]),
        map=float(whole["map"]),
        map50_voc07=mean(voc_average_precision(found, truths, label, ELEVEN_POINTS) for label in present),
        ap50_per_class=dict(
            zip([classes[label] for label in present], at_half["map_per_class"].reshape(-1).tolist(), strict=True)
        ),
        seconds_per_image=median(one.seconds for one in made),
        proposal_recall50=proposal_recall(made, 0.5),
        proposal_recall70=proposal_recall(made, 0.7),
        map50_by_nms_threshold=by_threshold,
    )


def average_precision(
    found: Sequence[Detections],
    truths: Sequence[Target],
    iou_thresholds: list[float] | None = None,
    class_metrics: bool = False,
) -> dict[str, Tensor]:
    """Return COCO's average precisions of one ``found`` for each of ``truths``.

    Keys as in ``torchmetrics.detection.MeanAveragePrecision``, which does it all; without ``iou_thresholds`` they are
    0.5, 0.55, ... 0.95. A truth's ``iscrowd`` (N,) marks objects that count neither for nor against.
    """
    metric = precision_metric("bbox", iou_thresholds, class_metrics)
    metric.update(
        [{"boxes": one.boxes, "scores": one.scores, "labels": one.labels} for one in found],
        [dict(truth) for truth in truths],
    )
    computed: dict[str, Tensor] = metric.compute()
    return computed


def precision_metric(
    iou_type: Literal["bbox", "segm"], iou_thresholds: list[float] | None = None, class_metrics: bool = False
) -> MeanAveragePrecision:
    """Return torchmetrics' COCO average precision for boxes or masks, with the recall points that COCO's code has."""
    metric = MeanAveragePrecision(
        iou_type=iou_type,
        iou_thresholds=iou_thresholds or COCO_IOUS,
        rec_thresholds=COCO_RECALLS,
        class_metrics=class_metrics,
        backend="faster_coco_eval",
        sync_on_compute=False,  # of several processes that train together, one measures
    )
    metric.warn_on_many_detections = False  # detectors here end with at most 100
    return metric


def voc_average_precision(
    found: Sequence[Detections],
    truths: Sequence[Target],
    label: int,
    recalls: Tensor | None = None,
    iou_threshold: float = 0.5,
) -> float:
    """Return Pascal VOC's average precision of class ``label``: at ``recalls`` points, or the area under the curve.

    VOC 2007 takes the mean at the recalls 0, 0.1, ... 1, later years the area. The best-scored detections come first;
    one is right if the object of its image that it overlaps most, by more than ``iou_threshold``, has not been found
    yet. Objects marked ``iscrowd`` (VOC's difficult) count neither way. Everingham et al. 2010, section 4.2.
    """
    scores, verdicts, objects = [], [], 0
    for one, truth in zip(found, truths, strict=True):
        own = one.labels == label
        wanted = truth["labels"] == label
        ignored = truth["iscrowd"][wanted].bool() if "iscrowd" in truth else torch.zeros(int(wanted.sum())).bool()
        objects += int((~ignored).sum())
        scores.append(one.scores[own])
        verdicts.append(_verdicts(one.boxes[own], one.scores[own], truth["boxes"][wanted], ignored, iou_threshold))
    order = torch.cat(scores).argsort(descending=True, stable=True)
    verdict = torch.cat(verdicts)[order]
    hits = (verdict == 1).cumsum(0)
    false_alarms = (verdict == 0).cumsum(0)
    recall = hits.double() / max(objects, 1)
    precision = hits / (hits + false_alarms).clamp(min=1)
    if recalls is not None:
        reached = recall[None] >= recalls[:, None]
        return float((precision[None] * reached).amax(1).mean()) if len(precision) else 0.0
    envelope = precision.flip(0).cummax(0).values.flip(0)
    steps = recall.diff(prepend=recall.new_zeros(1))
    return float((envelope * steps).sum())


def _verdicts(boxes: Tensor, scores: Tensor, truth: Tensor, ignored: Tensor, iou_threshold: float) -> Tensor:
    """Judge one image's ``boxes`` (R, 4) of a class: 1 right, 0 wrong, -1 neither, as it met an ignored object."""
    verdict = torch.zeros(len(boxes), dtype=torch.int64)
    if not len(truth) or not len(boxes):
        return verdict
    overlap, nearest = box_iou(boxes, truth).max(1)
    taken: set[int] = set()
    for index in scores.argsort(descending=True, stable=True).tolist():
        meant = int(nearest[index])
        if overlap[index] > iou_threshold:
            if ignored[meant]:
                verdict[index] = -1
            elif meant not in taken:
                verdict[index] = 1
                taken.add(meant)
    return verdict


def proposal_recall(made: Sequence[Outcome], iou_threshold: float) -> float | None:
    """Return which share of all objects some proposal overlaps by at least ``iou_threshold``."""
    best = [
        box_iou(one.truth["boxes"], one.proposals).amax(1)
        for one in made
        if one.proposals is not None and len(one.proposals) and len(one.truth["boxes"])
    ]
    objects = sum(len(one.truth["boxes"]) for one in made if one.proposals is not None)
    return float((torch.cat(best) >= iou_threshold).sum() / objects) if best else None


def as_report(evaluation: Evaluation) -> dict[str, Any]:
    """Return ``evaluation`` as JSON-ready data, floats to 4 digits, seconds to microseconds."""
    report = {name: rounded(value) for name, value in vars(evaluation).items()}
    return report | {"seconds_per_image": round(evaluation.seconds_per_image, 6)}


def rounded(value: Any) -> Any:
    """Return ``value``, or a dict's values, with floats to 4 digits."""
    if isinstance(value, dict):
        return {name: rounded(one) for name, one in value.items()}
    return round(value, 4) if isinstance(value, float) else value
