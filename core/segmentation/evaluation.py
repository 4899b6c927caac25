"""How good a segmenter is on a set of images: its label maps, and the average precision of its masks if it has any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.backbones import TRUNKS, Trunk
from core.evaluation import Samples, precision_metric, rounded
from core.segmentation.base import VOID, true_labels
from core.segmentation.instance import painted
from core.segmentation.quality import Outcome, as_report, summed_up
from core.segmentation.scaling import at_size, fitted
from core.stages import Staged, run
from core.values import Instances, LabelMap, Value


@dataclass(frozen=True)
class Segmented:
    """What a segmenter made of one image, the ``seconds`` it took, and the ``truth``, a target with masks."""

    made: Value
    truth: dict[str, Tensor]
    seconds: float


def segmented(segmenter: Staged, samples: Samples, count: int, trunk: Trunk = TRUNKS["slim"]) -> Iterator[Segmented]:
    """Run ``segmenter`` on the first ``count`` of ``samples``, yielding what it made of them one by one.

    It is shown them as large as segmenters on ``trunk`` are, and what it made has their own size.
    """
    for index in range(count):
        image, truth = samples[index]
        trace = run(segmenter, fitted(image, trunk))
        yield Segmented(at_size(trace.result, image.shape[1], image.shape[2]), truth, trace.seconds)


def evaluate(images: Iterable[Segmented], classes: Sequence[str]) -> dict[str, Any]:
    """Return the figures of a set of images as JSON-ready data: those of ``SemanticQuality``.

    A model of instances also has ``mask_ap50``, ``mask_ap75`` and ``mask_ap``, COCO's average precisions with the IoU
    of masks in place of boxes. Pixels that are ``void`` in a truth count for no mask. Objects that are marked
    ``iscrowd``, or of which no pixel is known, count neither for nor against.

    Raises:
        EvaluationError: there is no image.
    """
    masks = precision_metric("segm")

    def outcomes() -> Iterator[Outcome]:
        for one in images:
            if isinstance(one.made, Instances):
                masks.update([_judged(one.made, one.truth)], [_to_find(one.truth)])
            yield labels_of(one.made), true_labels(one.truth), one.seconds

    report = as_report(summed_up(outcomes(), classes))
    if masks.update_called:
        found = masks.compute()
        report |= {f"mask_ap{iou}": rounded(float(found[f"map{iou and f'_{iou}'}"])) for iou in ("50", "75", "")}
    return report


def _judged(made: Instances, truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return what ``made`` says outside of void pixels, without masks that lie for the most part on objects that nobody
    told apart."""
    if "void" not in truth:
        return {"scores": made.scores, "labels": made.labels, "masks": made.masks}
    masks = made.masks & ~truth["void"]
    untold = made.masks & truth["void"] & (truth["pixel_labels"] != VOID)
    said = masks.sum((1, 2)) > untold.sum((1, 2))
    return {"scores": made.scores[said], "labels": made.labels[said], "masks": masks[said]}


def _to_find(truth: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the objects of ``truth``; those to be ignored take up all of their box if their pixels are not known."""
    if "void" not in truth:
        return {name: truth[name] for name in ("labels", "masks")}
    hidden = ~truth["masks"].any((1, 2))
    return {
        "labels": truth["labels"],
        "masks": torch.where(hidden[:, None, None], within(truth["boxes"], *truth["void"].shape), truth["masks"]),
        "iscrowd": truth["iscrowd"] | hidden,
    }


def within(boxes: Tensor, height: int, width: int) -> Tensor:
    """Return the pixels of an image whose middles lie in each of ``boxes`` (N, 4): (N, H, W) bool."""
    x0, y0, x1, y1 = boxes[..., None].unbind(1)
    columns, rows = torch.arange(width) + 0.5, torch.arange(height) + 0.5
    return ((rows >= y0) & (rows < y1))[:, :, None] & ((columns >= x0) & (columns < x1))[:, None]


def labels_of(made: Value) -> Tensor:
    """Return the class of every pixel that a segmenter's result says: (H, W) int64, 0 for the background."""
    if isinstance(made, Instances):
        return painted(made)
    assert isinstance(made, LabelMap)
    return made.labels
