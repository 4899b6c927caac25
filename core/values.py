"""What the stages of a detector hand on: plain frozen dataclasses of tensors.

Boxes are ``(x0, y0, x1, y1)`` float32 in pixels of the image that was given. Labels count from 1; 0 is the
background, as in torchvision's detection targets.
"""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Regions:
    """Region proposals, best first: ``boxes`` (R, 4) and, where the proposer ranks them by one, ``scores`` (R,)."""

    boxes: Tensor
    scores: Tensor | None = None


@dataclass(frozen=True)
class Crops:
    """Regions cut out and warped to the network's input: ``images`` (R, 3, S, S) uint8, ``boxes`` (R, 4)."""

    images: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class FeatureMap:
    """One convolutional map of the whole image: ``values`` (C, H, W); one cell is ``stride`` input pixels wide.

    It is one of as many as there were ``scales`` at which the image went through the convolutions.
    """

    values: Tensor
    stride: int
    scales: int = 1


@dataclass(frozen=True)
class RegionFeatures:
    """A fixed-size feature for each region: ``values`` (R, D) or (R, C, h, w), ``boxes`` (R, 4)."""

    values: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Scores:
    """A score for each box and class: ``values`` (R, K + 1) in the order of ``Detector.classes``, ``boxes`` (R, 4).

    Column 0 is the background; a detector without a background class leaves it at minus infinity.
    """

    values: Tensor
    boxes: Tensor


@dataclass(frozen=True)
class Detections:
    """Labelled boxes, best score first: ``boxes`` (N, 4), ``scores`` (N,), ``labels`` (N,) int64 from 1."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.boxes)


@dataclass(frozen=True)
class Instances(Detections):
    """Detections with a mask each: ``masks`` (N, H, W) bool, in pixels of the image."""

    masks: Tensor


@dataclass(frozen=True)
class ScoreMap:
    """A score for each cell and class: ``values`` (K + 1, h, w) logits, background first; a cell is ``stride`` pixels
    wide."""

    values: Tensor
    stride: int


@dataclass(frozen=True)
class LabelMap:
    """The class of every pixel: ``labels`` (H, W) int64, 0 the background."""

    labels: Tensor


@dataclass(frozen=True)
class ClassScores:
    """A score for each class that a whole image may be of: ``values`` (K,) logits, no background among them."""

    values: Tensor


Value = (
    Regions | Crops | FeatureMap | RegionFeatures | Scores | Detections | Instances | ScoreMap | LabelMap | ClassScores
)
