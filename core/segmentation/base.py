"""What every segmenter is: steps, as a detector has them, that end with a class for every pixel."""

import torch
from torch import Tensor
from torch.nn import functional

from core.stages import Staged, run
from core.values import LabelMap


class Segmenter(Staged):
    """Semantic segmentation: the last step's value is a ``LabelMap`` of the image's own size."""

    def predict(self, image: Tensor) -> Tensor:
        """Return the class of every pixel of ``image`` (3, H, W) uint8, 0 for the background: (H, W) int64."""
        made = run(self, image).result
        assert isinstance(made, LabelMap)
        return made.labels


def pixel_loss(scores: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
    """Return the mean cross-entropy of ``scores`` (B, K + 1, H, W) over all pixels.

    A target holds ``instances`` (H, W), the number of the object at each pixel counted from 1, and the objects'
    ``labels`` (N,). Every pixel counts alike: FCN's authors found no need for balancing the classes (section 4.3).
    """
    classes = [functional.pad(one["labels"], (1, 0))[one["instances"].long()] for one in targets]
    return functional.cross_entropy(scores.float(), torch.stack(classes))
