"""What every segmenter is: steps, as a detector has them, that end with a class for every pixel."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from core.data.mask_folder import IGNORED
from core.data.scenes import label_map
from core.stages import Staged, run
from core.values import LabelMap

VOID = IGNORED  # the label of a pixel of which nothing is known


class Segmenter(Staged):
    """Semantic segmentation: the last step's value is a ``LabelMap`` of the image's own size."""

    def predict(self, image: Tensor) -> Tensor:
        """Return the class of every pixel of ``image`` (3, H, W) uint8, 0 for the background: (H, W) int64."""
        made = run(self, image).result
        assert isinstance(made, LabelMap)
        return made.labels


def pixel_loss(scores: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
    """Return the mean cross-entropy of ``scores`` (B, K + 1, H, W) over all pixels of which the class is known.

    Targets are those of ``labels_to_learn``. Every pixel counts alike: FCN's authors found no need for balancing the
    classes (section 4.3).
    """
    classes = torch.stack([labels_to_learn(one) for one in targets])
    return functional.cross_entropy(scores.float(), classes, ignore_index=VOID)


def labels_to_learn(target: Mapping[str, Tensor]) -> Tensor:
    """Return the class of every pixel by a training target: (H, W) int64, ``VOID`` where it is not known.

    The target holds ``pixel_labels`` (H, W), or else ``instances`` (H, W), the number of the object at each pixel
    counted from 1 and -1 where it is not known, and the objects' ``labels`` (N,).
    """
    if "pixel_labels" in target:
        return target["pixel_labels"].long()
    label_of = functional.pad(functional.pad(target["labels"], (1, 0)), (0, 1), value=VOID)  # the last is that of -1
    return label_of[target["instances"].long()]


def true_labels(truth: Mapping[str, Tensor]) -> Tensor:
    """Return the class of every pixel by a ground truth with masks: (H, W) int64, ``VOID`` where it is not known."""
    if "pixel_labels" in truth:
        return truth["pixel_labels"].long()
    return label_map(truth["masks"], truth["labels"])
