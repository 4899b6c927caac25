"""ImageNet's classifier behind the trunk of the photographs: it names what a whole picture shows, of 1000 things."""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torchvision.transforms.v2.functional import resize

from core.backbones import Backbone, Lite0
from core.backbones.lite0 import CHANNELS, convolution
from core.checkpoint import TRUNK, load_ready
from core.families import PHOTOS, AnyFamily, family_of
from core.images import middle_square

SIDE = 224  # pixels of the square that it was trained on
WIDTH = 1280
NAMES_FILE = "imagenet.txt"


@dataclass(frozen=True)
class Guess:
    """One of ImageNet's names with its probability."""

    name: str
    probability: float


class ImageNetClassifier(nn.Module):
    """EfficientNet-Lite0 as a whole: the trunk, the convolution that is its head, and a layer for 1000 classes."""

    def __init__(self, classes: int = 1000):
        super().__init__()
        self.trunk = Lite0()
        self.head = nn.Sequential(*convolution(CHANNELS[32], WIDTH, 1))
        self.classify = nn.Linear(WIDTH, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return a logit for each class: squares (B, 3, H, W) uint8, best of 224 pixels, to (B, 1000)."""
        logits: Tensor = self.classify(self.features(images))
        return logits

    def features(self, images: Tensor) -> Tensor:
        """Return what the last layer is given: squares (B, 3, H, W) uint8 to (B, 1280)."""
        maps: Tensor = self.head(self.trunk.deepest(images))
        return maps.mean((2, 3))

    def before_last_layer(self) -> Backbone:
        """Return what makes the features, but for their mean, as one trunk: 1280 channels with a stride of 32.

        Here batch normalisation learns with the rest, as in any network.
        """
        trunk = Backbone(*self.trunk.children(), self.head, channels=WIDTH, stride=32)
        trunk.mean, trunk.std = self.trunk.mean, self.trunk.std
        return trunk


@lru_cache(maxsize=1)
def load(family: AnyFamily = PHOTOS) -> ImageNetClassifier:
    """Return the classifier with its weights, ready to name pictures.

    Raises:
        CheckpointError: the checkpoint is missing or damaged.
    """
    return load_ready(ImageNetClassifier(), TRUNK, family_of(family).folder)


@lru_cache(maxsize=1)
def names(family: AnyFamily = PHOTOS) -> tuple[str, ...]:
    """Return ImageNet's 1000 names in English, in the order of the classifier's classes."""
    return tuple((family_of(family).folder / NAMES_FILE).read_text("utf-8").splitlines())


def guess(image: Tensor, count: int = 5) -> tuple[Guess, ...]:
    """Return the ``count`` likeliest names of ``image`` (3, H, W) uint8, or of a region cut out of one, best first.

    The square in its middle is looked at.

    Raises:
        CheckpointError: as ``load`` does.
    """
    square = resize(middle_square(image), [SIDE, SIDE], antialias=True)
    with torch.inference_mode():
        return named(load().features(square[None])[0], count)


def named(feature: Tensor, count: int = 5) -> tuple[Guess, ...]:
    """Return the ``count`` likeliest names of what has this ``feature`` (1280,), best first.

    Raises:
        CheckpointError: as ``load`` does.
    """
    with torch.no_grad():
        best = load().classify(feature).softmax(0).topk(count)
    return tuple(Guess(names()[label], value) for value, label in zip(*map(Tensor.tolist, best), strict=True))


def region(image: Tensor, box: Tensor) -> Tensor:
    """Return the pixels of ``image`` (3, H, W) that ``box`` (4,), which lies in it, touches."""
    left, top, right, bottom = (*box[:2].floor().int().tolist(), *box[2:].ceil().int().tolist())
    return image[:, top:bottom, left:right]
