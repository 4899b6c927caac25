"""The trunk in two sizes with AlexNet's layout.

Five convolutions and two poolings make a map with a stride of 16 pixels; the third pooling, which AlexNet has
behind the fifth convolution, is left to the detectors, since each replaces it by its own idea (RoI pooling, a
pyramid, a grid). Layout: Krizhevsky, Sutskever and Hinton 2012; ``alexnet`` is torchvision's.
"""

from torch import nn
from torchvision.models import alexnet

from core.backbones.backbone import Backbone


def normalised_convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """Return a convolution padded by half its kernel, a batch normalisation and a ReLU."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


def slim() -> Backbone:
    """AlexNet at half its width with batch normalisation: 0.6 M parameters, trained here on the scenes.

    Every layer is padded by half its kernel, so that no edge is lost: the map has a cell for every 16 pixels begun.
    Cell (i, j) sees 163 x 163 pixels about pixel (16 i, 16 j), but is taught, and taken, to stand for the 16 x 16
    that begin there: a shift of half a cell, which the first training (``CellClassifier``) makes the trunk learn.
    """
    return Backbone(
        *normalised_convolution(3, 32, 11, stride=4),
        nn.MaxPool2d(3, 2, 1),
        *normalised_convolution(32, 96, 5),
        nn.MaxPool2d(3, 2, 1),
        *normalised_convolution(96, 192, 3),
        *normalised_convolution(192, 128, 3),
        *normalised_convolution(128, 128, 3),
        channels=128,
        stride=16,
    )


def paper() -> Backbone:
    """torchvision's AlexNet up to the fifth convolution, with random weights: for timing at the papers' size."""
    return Backbone(*list(alexnet(weights=None).features)[:-1], channels=256, stride=16)
