"""What every trunk is: layers from pixels to a map that all models share."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class Backbone(nn.Sequential):
    """A trunk: pixels (B, 3, H, W) uint8 to a map of ``channels`` with a cell for every ``stride`` pixels.

    Its parts called ``frozen`` stay as they were pre-trained, whatever is learnt on it. Where it is ``shared``, a model
    carries only what it changed of it; the rest is that of the family's trunk.
    """

    mean: Tensor
    std: Tensor
    frozen: tuple[str, ...] = ()
    shared: bool = False

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

    def unpad(self) -> None:
        """Pad no layer from now on, so that a patch gives the same numbers as the image that surrounds it does."""
        for layer in self:
            if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
                layer.padding = 0 if isinstance(layer, nn.MaxPool2d) else (0, 0)

    def stage_channels(self) -> list[int]:
        """Return how many channels each map of ``stages`` has."""
        channels, current = [], 3
        for layer in self:
            if isinstance(layer, nn.MaxPool2d):
                channels.append(current)
            elif isinstance(layer, nn.Conv2d):
                current = layer.out_channels
        return [*channels, current]


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
