"""The one convolutional trunk that all models share, in two sizes with AlexNet's layout, and one entry a trunk.

Five convolutions and two poolings make a map with a stride of 16 pixels; the third pooling, which AlexNet has
behind the fifth convolution, is left to the detectors, since each replaces it by its own idea (RoI pooling, a
pyramid, a grid). Layout: Krizhevsky, Sutskever and Hinton 2012; ``alexnet`` is torchvision's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import alexnet


class Backbone(nn.Sequential):
    """A trunk: pixels (B, 3, H, W) uint8 to a map of ``channels`` with a cell for every ``stride`` pixels."""

    mean: Tensor
    std: Tensor

    def __init__(self, *layers: nn.Module, channels: int, stride: int):
        super().__init__(*layers)
        self.channels, self.stride = channels, stride
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

    def stage_channels(self) -> list[int]:
        """Return how many channels each map of ``stages`` has."""
        channels, current = [], 3
        for layer in self:
            if isinstance(layer, nn.MaxPool2d):
                channels.append(current)
            elif isinstance(layer, nn.Conv2d):
                current = layer.out_channels
        return [*channels, current]


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


@dataclass(frozen=True)
class Trunk:
    """The entry of a trunk: how it is built, and what the models on it take from its size.

    An image is scaled so that its short side has ``short_side`` pixels, its long side at most ``long_side``, and none
    fewer than ``least_side``. Warped regions and batches of photos are squares of ``crop_side``, YOLO's input one of
    ``square_side``. fc6 and fc7 are ``width`` wide, and thinned to ``svd_ranks``. Selective search works in the mode
    ``search``. The RPN has ``anchors`` of these scales, suppresses its best ``before_nms`` of them, and drops proposals
    with a side under ``least_proposal``; all in pixels of the network's input. Where it is ``for_timing`` only, nobody
    trained it.
    """

    name: str
    build: Callable[[], Backbone]
    short_side: int
    long_side: int
    least_side: int
    crop_side: int
    square_side: int
    width: int
    svd_ranks: tuple[int, int]
    search: Literal["single", "fast", "quality"]
    anchors: tuple[int, ...]
    before_nms: int
    least_proposal: float
    for_timing: bool = False

    def scale(self, height: int, width: int) -> float:
        """Return the factor from pixels of an image of ``height`` x ``width`` to those of the network's input.

        Fast R-CNN, section 3.
        """
        return min(self.short_side / min(height, width), self.long_side / max(height, width))

    def fully_connected(self, inputs: int) -> nn.Sequential:
        """Return AlexNet's fc6 and fc7 for ``inputs`` numbers a region.

        No dropout: the scenes are drawn without limit, so that no training here is long enough to overfit.
        """
        return nn.Sequential(nn.Linear(inputs, self.width), nn.ReLU(), nn.Linear(self.width, self.width), nn.ReLU())


TRUNKS: dict[str, Trunk] = {
    trunk.name: trunk
    for trunk in (
        # Anchors of 32, 64 and 128 pixels fit scenes of 256 as 128, 256 and 512 fit the papers' 600. A map of such a
        # scene has 2304 anchors, one of the papers' about 20,000.
        Trunk(
            "slim",
            slim,
            short_side=256,
            long_side=427,  # 256 * 1000 / 600
            least_side=64,  # the poolings leave nothing of a shorter side
            crop_side=256,
            square_side=256,
            width=256,
            svd_ranks=(64, 32),
            search="fast",
            anchors=(32, 64, 128),
            before_nms=600,
            least_proposal=8,
        ),
        # The papers' own numbers; their 2000 proposals from images as small as the scenes take the quality mode. YOLO's
        # trunk sees 448 pixels; AlexNet's layout makes a 27 x 27 grid of them.
        Trunk(
            "paper",
            paper,
            short_side=600,
            long_side=1000,
            least_side=64,
            crop_side=227,
            square_side=448,
            width=4096,
            svd_ranks=(1024, 256),  # Fast R-CNN, section 4.4
            search="quality",
            anchors=(128, 256, 512),
            before_nms=6000,
            least_proposal=16,
            for_timing=True,
        ),
    )
}


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
