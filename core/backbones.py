"""The one convolutional trunk that all models share, in two sizes with AlexNet's layout.

Five convolutions and two poolings make a map with a stride of 16 pixels; the third pooling, which AlexNet has
behind the fifth convolution, is left to the detectors, since each replaces it by its own idea (RoI pooling, a
pyramid, a grid). Layout: Krizhevsky, Sutskever and Hinton 2012; ``alexnet`` is torchvision's.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import alexnet

from core.data.scenes import CLASSES

STRIDE = 16
CROP_SIDE: dict["Size", int] = {"slim": 256, "paper": 227}
FC_WIDTH: dict["Size", int] = {"slim": 256, "paper": 4096}

Size = Literal["slim", "paper"]


class Backbone(nn.Sequential):
    """A trunk: pixels (B, 3, H, W) uint8 to a feature map (B, ``channels``, about H / 16, about W / 16)."""

    mean: Tensor
    std: Tensor

    def __init__(self, *layers: nn.Module, channels: int):
        super().__init__(*layers)
        self.channels = channels
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1) * 255, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        return super().forward(self.normalised(images))

    def normalised(self, images: Tensor) -> Tensor:
        """Return ``images`` (B, 3, H, W) as the first layer wants them: about zero, channels last."""
        return ((images - self.mean) / self.std).contiguous(memory_format=torch.channels_last)

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the last map of each stride, finest first: what every pooling is given, and the feature map."""
        maps, values = [], self.normalised(images)
        for layer in self:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(values)
            values = layer(values)
        return [*maps, values]


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
    )


def paper() -> Backbone:
    """torchvision's AlexNet up to the fifth convolution, with random weights: for timing at the papers' size."""
    return Backbone(*list(alexnet(weights=None).features)[:-1], channels=256)


def backbone(size: Size) -> Backbone:
    """Return a fresh trunk, ``slim`` or ``paper``."""
    return {"slim": slim, "paper": paper}[size]()


def fully_connected(inputs: int, size: Size) -> nn.Sequential:
    """Return AlexNet's fc6 and fc7 for ``inputs`` numbers a region; ``slim`` is 256 wide, ``paper`` 4096.

    No dropout: the scenes are drawn without limit, so that no training here is long enough to overfit.
    """
    width = FC_WIDTH[size]
    return nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())


class CellClassifier(nn.Module):
    """The scenes' stand-in for ImageNet: a trunk learns to name what each cell of its map is centred on.

    Every paper of the line starts from a network trained on image labels. Labels for cells teach the same (which
    shape is here, no box) with 256 examples a picture instead of one.
    """

    name = "trunk"

    def __init__(self) -> None:
        super().__init__()
        self.trunk = slim()
        self.classify = nn.Conv2d(self.trunk.channels, len(CLASSES), 1)

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the cross-entropy of ``images`` (B, 3, H, W) against the targets' ``cells`` (H / 16, W / 16)."""
        scores = self.classify(self.trunk(images)).float()
        cells = torch.stack([target["cells"] for target in targets])
        return {"classification": functional.cross_entropy(scores, cells)}


def fold_batch_norm(model: nn.Module) -> None:
    """Fold each batch normalisation of ``model`` into the convolution before it, in place; outputs stay the same.

    For inference only (``torch.nn.utils.fusion``): a third of the trunk's layers vanish from the running time.
    """
    for sequence in [module for module in model.modules() if isinstance(module, nn.Sequential)]:
        names = list(sequence._modules)
        for before, name in pairwise(names):
            convolution, norm = sequence._modules[before], sequence._modules[name]
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence._modules[before] = fuse_conv_bn_eval(convolution.eval(), norm.eval())
                sequence._modules[name] = nn.Identity()
