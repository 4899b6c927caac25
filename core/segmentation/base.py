"""What every segmenter is: steps, as a detector has them, that end with a class for every pixel."""

import torch
from torch import Tensor

from core.detectors.base import Staged, Step
from core.values import LabelMap


class Segmenter(Staged):
    """Semantic segmentation: the last step's value is a ``LabelMap`` of the image's own size."""

    def predict(self, image: Tensor) -> Tensor:
        """Return the class of every pixel of ``image`` (3, H, W) uint8, 0 for the background: (H, W) int64."""
        with torch.inference_mode():
            *_before, last = (stage.value for stage in self.steps(image) if isinstance(stage, Step))
        assert isinstance(last, LabelMap)
        return last.labels


def label_map(masks: Tensor, labels: Tensor) -> Tensor:
    """Return the class of every pixel: disjoint ``masks`` (N, H, W) bool of ``labels`` (N,) to (H, W) int64."""
    return (masks * labels[:, None, None]).sum(0)
