"""How good a segmenter is on a set of images: its label maps, and the average precision of its masks if it has any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from core.data.scenes import label_map
from core.evaluation import Samples, precision_metric, rounded
from core.segmentation.instance import painted
from core.segmentation.quality import Outcome, as_report, summed_up
from core.stages import Staged, run
from core.values import Instances, LabelMap, Value


@dataclass(frozen=True)
class Segmented:
    """What a segmenter made of one image, the ``seconds`` it took, and the ``truth``, a target with masks."""

    made: Value
    truth: dict[str, Tensor]
    seconds: float


def segmented(segmenter: Staged, samples: Samples, count: int) -> Iterator[Segmented]:
    """Run ``segmenter`` on the first ``count`` of ``samples``, yielding what it made of them one by one."""
    for index in range(count):
        image, truth = samples[index]
        trace = run(segmenter, image)
        yield Segmented(trace.result, truth, trace.seconds)


def evaluate(images: Iterable[Segmented], classes: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a set of images as JSON-ready data: those of ``SemanticQuality``.

    A model of instances also has ``mask_ap50``, ``mask_ap75`` and ``mask_ap``, COCO's average precisions with the IoU
    of masks in place of boxes.

    Raises:
        EvaluationError: there is no image.
    """
    masks = precision_metric("segm")

    def outcomes() -> Iterator[Outcome]:
        for one in images:
            if isinstance(one.made, Instances):
                found = {name: getattr(one.made, name) for name in ("scores", "labels", "masks")}
                masks.update([found], [{name: one.truth[name] for name in ("labels", "masks")}])
            yield labels_of(one.made), label_map(one.truth["masks"], one.truth["labels"]), one.seconds

    report = as_report(summed_up(outcomes(), classes))
    if masks.update_called:
        found = masks.compute()
        report |= {f"mask_ap{iou}": rounded(float(found[f"map{iou and f'_{iou}'}"])) for iou in ("50", "75", "")}
    return report


def labels_of(made: Value) -> Tensor:
    """Return the class of every pixel that a segmenter's result says: (H, W) int64, 0 for the background."""
    if isinstance(made, Instances):
        return painted(made)
    assert isinstance(made, LabelMap)
    return made.labels
