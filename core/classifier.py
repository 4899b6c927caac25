"""A classifier: one label for a whole image, from any trunk by global average pooling and one linear layer.

Averaging over the map and a single linear layer behind it (Lin, Chen and Yan 2014, section 3.2) instead of AlexNet's
fully connected layers: few new parameters, so that a handful of images can teach them, and images of any size.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.transforms.v2.functional import resize

from core.data.scenes import CLASSES
from core.pretrained import PRETRAINED, Name
from core.stages import Staged, Step
from core.values import ClassScores, Crops, FeatureMap, RegionFeatures


class Classifier(Staged):
    """Says which of ``classes`` an image shows; there is no background, so that label 0 is the first class.

    Images are stretched to a square of ``side`` pixels, the trunk's own unless another is given.
    """

    name = "classifier"

    def __init__(self, classes: Sequence[str] = CLASSES[1:], trunk: Name = "slim", side: int | None = None):
        super().__init__()
        self.classes = tuple(classes)
        self.side = side or PRETRAINED[trunk].side
        self.trunk = PRETRAINED[trunk].build()
        self.head = nn.Linear(self.trunk.channels, len(self.classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit for each class: images (B, 3, H, W) uint8 to (B, K)."""
        logits: Tensor = self.head(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return the mean of the trunk's map: images (B, 3, H, W) uint8 to (B, C)."""
        return pooled(self.trunk(resized(images, self.side)))

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of ``images`` (B, 3, H, W) uint8 against each target's ``label``, an index ()."""
        labels = torch.stack([target["label"] for target in targets])
        return {"classification": functional.cross_entropy(self(images).float(), labels)}

    def steps(self, image: Tensor) -> Iterator[Step]:
        """Classify ``image`` (3, H, W) uint8, yielding each stage; the last value is ``ClassScores``."""
        whole = torch.tensor([[0.0, 0.0, image.shape[2], image.shape[1]]], device=image.device)
        square = resized(image[None], self.side)
        yield Step("Warp", Crops(square, whole))
        maps = self.trunk(square)
        yield Step("Convolution", FeatureMap(maps[0], round(self.side / maps.shape[-1])))
        feature = pooled(maps)
        yield Step("Average pooling", RegionFeatures(feature, whole))
        yield Step("Softmax", ClassScores(self.head(feature)[0]))


def resized(images: Tensor, side: int) -> Tensor:
    """Return ``images`` (B, 3, H, W) uint8 stretched to (B, 3, ``side``, ``side``), smoothed where they shrink."""
    if images.shape[2:] == (side, side):
        return images
    squares: Tensor = resize(images, [side, side], antialias=True)
    return squares


def pooled(maps: Tensor) -> Tensor:
    """Return the mean of each channel: (B, C, h, w) to (B, C)."""
    return maps.mean((2, 3))
