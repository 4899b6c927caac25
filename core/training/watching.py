"""How a model that is being trained does on images that it does not learn from: scores, and what it makes of a few."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from core.detectors.base import Staged, run
from core.evaluation import Samples, Target, average_precision
from core.segmentation.evaluation import Segmented, evaluate
from core.values import Detections, Instances, Value

SEGMENTATION_SCORES = ("mask_ap50", "mean_iou", "pixel_accuracy")


@dataclass(frozen=True)
class Look:
    """One sample: its ``image`` (3, H, W) uint8, its ``truth``, and what the model ``made`` of it, on the CPU."""

    image: Tensor
    truth: Target
    made: Value


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


def measure(model: Staged, samples: Samples, count: int) -> dict[str, float]:
    """Return the scores of ``model``, set to evaluation mode, on ``count`` of ``samples``, the headline first.

    A detector has ``map50``, a segmenter ``mean_iou`` and ``pixel_accuracy``, and before them ``mask_ap50`` if it tells
    instances apart.
    """
    seen = list(looks(model, samples, count))
    found = [one.made for one in seen if isinstance(one.made, Detections) and not isinstance(one.made, Instances)]
    if found:
        truths = [{name: one.truth[name] for name in _BOXES if name in one.truth} for one in seen]
        return {"map50": max(0.0, float(average_precision(found, truths, [0.5])["map"]))}
    report = evaluate((Segmented(one.made, one.truth, 0.0) for one in seen), model.classes)
    return {name: max(0.0, report[name]) for name in SEGMENTATION_SCORES if name in report}


_BOXES = ("boxes", "labels", "iscrowd")
