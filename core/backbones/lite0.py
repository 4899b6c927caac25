"""EfficientNet-Lite0 (Tan and Le 2019, in the variant for devices that TensorFlow published): a trunk for photographs.

EfficientNet-B0 without what devices are slow at: no squeeze-and-excitation, ReLU6 in place of SiLU, and a stem and a
head that no scaling widens. A stem, then sixteen inverted residual blocks (Sandler et al. 2018): a 1 x 1 convolution
to six times the channels, a depthwise one, and a 1 x 1 back to few channels, without an activation.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones.backbone import Backbone

EPSILON = 1e-3  # of batch normalisation, as TensorFlow's models have it
STEM = 32
# Outputs, kernel, stride, expansion and number of the blocks of each stage (Tan and Le 2019, table 1).
STAGES = (
    (16, 3, 1, 1, 1),
    (24, 3, 2, 6, 2),
    (40, 5, 2, 6, 2),
    (80, 3, 2, 6, 3),
    (112, 5, 1, 6, 3),
    (192, 5, 2, 6, 4),
    (320, 3, 1, 6, 1),
)
LAST = {"block2": 4, "block4": 8, "block10": 16, "block15": 32}  # the last block of each stride
CHANNELS = {4: 24, 8: 40, 16: 112, 32: 320}
LAST_UNPADDED, UNPADDED_CHANNELS = "block7", 80
FRAME = 8  # pixels


class SameConvolution(nn.Conv2d):
    """A convolution with TensorFlow's "same" padding: a cell for every ``stride`` begun, however long the side.

    What it takes of padding is parted evenly, an odd row lying below and an odd column to the right. With a stride of 2
    a cell's middle so depends on whether the side is even.
    """

    padded = True

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        if self.kernel_size == (1, 1):
            # A product over the channels, which lie together; on one thread PyTorch's convolution would move them.
            values = functional.linear(maps.permute(0, 2, 3, 1), self.weight.flatten(1), self.bias)
            return values.permute(0, 3, 1, 2)
        if self.groups > 1 and self.weight.requires_grad and torch.is_autocast_enabled(maps.device.type):
            # On a CPU the gradient of a depthwise convolution takes five to ten times as long in bfloat16.
            with torch.autocast(maps.device.type, enabled=False):
                return self._spread(maps.float())
        return self._spread(maps)

    def _spread(self, maps: Tensor) -> Tensor:
        if not self.padded:
            return functional.conv2d(maps, self.weight, self.bias, self.stride, groups=self.groups)
        (top, bottom), (left, right) = (
            same_padding(length, kernel, stride)
            for length, kernel, stride in zip(maps.shape[-2:], self.kernel_size, self.stride, strict=True)
        )
        if (top, left) == (bottom, right):  # PyTorch's own padding takes no copy
            return functional.conv2d(maps, self.weight, self.bias, self.stride, (top, left), groups=self.groups)
        return super().forward(functional.pad(maps, (left, right, top, bottom)))


def same_padding(length: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return how many zeros TensorFlow's "same" puts before and behind a side of ``length`` cells."""
    cells = -(-length // stride)
    padding = max(0, (cells - 1) * stride + kernel - length)
    return padding // 2, padding - padding // 2


class Block(nn.Module):
    """An inverted residual block; what comes in, or its middle if nothing is padded, is added to what goes out where
    they have the same channels and stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        wide = inputs * expansion
        expand = convolution(inputs, wide, 1) if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            *convolution(wide, wide, kernel, stride, groups=wide),
            *convolution(wide, outputs, 1)[:2],
        )
        self.adds = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        values: Tensor = self.layers(maps)
        if not self.adds:
            return values
        top, left = ((before - after) // 2 for before, after in zip(maps.shape[2:], values.shape[2:], strict=True))
        return maps[..., top : top + values.shape[2], left : left + values.shape[3]] + values


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution with "same" padding, a batch normalisation and a ReLU that ends at 6."""
    layer = SameConvolution(inputs, outputs, kernel, stride, groups)
    return [layer, nn.BatchNorm2d(outputs, EPSILON), nn.ReLU6(inplace=True)]


class Lite0(Backbone):
    """EfficientNet-Lite0 without its head: 3.0 M parameters, a map with a stride of 16 pixels.

    The map is that of block 10 (112 channels, stride 16), fine, beside that of block 15 (320 channels, stride 32),
    which knows more, enlarged: of three ways the best for detecting. On features that were kept, and with the same
    head, block 10 alone had a mAP of 0.26, both 0.40, and blocks 11 to 15 dilated to a stride of 16, which learn three
    times as slowly, 0.36.

    An image is framed first, by ``FRAME`` pixels above and to the left, and below and to the right up to whole 16
    pixels and one. TensorFlow's padding then falls alike in all images, and cell (i, j) of the map looks at the middle
    of the 16 x 16 pixels that begin at (16 i, 16 j), to half a pixel.

    The stem and blocks 0 to 10 are ``frozen``, as Fast R-CNN fine-tunes from a stage on (section 4.5). Batch
    normalisation keeps ImageNet's averages while the others learn: those of a few photos would be worse.

    Without padding it ends at block 7: its cells see 147 pixels, with a stride of 16 too, and those of block 10 would
    see 339, which is a whole photo.
    """

    padded = True
    frozen = ("stem", *(f"block{number}" for number in range(11)))
    shared = True

    def __init__(self) -> None:
        super().__init__(channels=CHANNELS[16] + CHANNELS[32], stride=16)
        self.mean.fill_(127)
        self.std.fill_(128)
        self.add_module("stem", nn.Sequential(*convolution(3, STEM, 3, 2)))
        inputs, number = STEM, 0
        for outputs, kernel, stride, expansion, count in STAGES:
            for place in range(count):
                self.add_module(f"block{number}", Block(inputs, outputs, kernel, 1 if place else stride, expansion))
                inputs, number = outputs, number + 1

    def forward(self, images: Tensor) -> Tensor:
        if not self.padded:
            return self._unpadded(self.normalised(images))
        return self.stages(images)[-1]

    def _unpadded(self, values: Tensor) -> Tensor:
        for name, layer in self.named_children():
            values = layer(values)
            if name == LAST_UNPADDED:
                break
        return values

    def unpad(self) -> None:
        self.padded, self.channels = False, UNPADDED_CHANNELS
        for module in self.modules():
            if isinstance(module, SameConvolution):
                module.padded = False

    def stages(self, images: Tensor) -> list[Tensor]:
        """Return the last map of strides 4 and 8, and the feature map: what a ``Backbone``'s stages are."""
        values = framed(self.normalised(images))
        maps: dict[int, Tensor] = {}
        for name, layer in self.named_children():
            values = layer(values)
            if name in LAST:
                maps[LAST[name]] = values
        maps[16] = torch.cat([maps[16], doubled(maps.pop(32), maps[16].shape[-2:])], 1)
        return [_unframed(values, stride, images.shape[-2:]) for stride, values in maps.items()]

    def deepest(self, images: Tensor) -> Tensor:
        """Return the map of the last block for unframed ``images``: (B, 320, H / 32, W / 32), as ImageNet's were."""
        return nn.Sequential.forward(self, self.normalised(images))

    def stage_channels(self) -> list[int]:
        return [CHANNELS[4], CHANNELS[8], self.channels]

    def train(self, mode: bool = True) -> "Lite0":
        """Set the training mode of all but the batch normalisation."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def framed(maps: Tensor) -> Tensor:
    """Put zeros above and to the left of ``maps`` (B, C, H, W), and behind them up to whole 16 pixels and one.

    Sides of the stem and of every stride up to 16 are then odd: "same" padding is even, and cells look at pixels 0, 16,
    32 ... of the frame.
    """
    bottom, right = (-(FRAME + length - 1) % 16 for length in maps.shape[-2:])
    return functional.pad(maps, (FRAME, right, FRAME, bottom))


def _unframed(maps: Tensor, stride: int, size: torch.Size) -> Tensor:
    """Return the part of framed ``maps`` with a cell for every ``stride`` pixels begun of an image of ``size``."""
    first = -(-FRAME // stride)
    height, width = (-(-length // stride) for length in size)
    return maps[..., first : first + height, first : first + width]


def doubled(maps: Tensor, size: torch.Size) -> Tensor:
    """Enlarge ``maps`` (B, C, h, w) of the double stride to ``size`` (H, W), in the middle between cells linearly.

    Where a side was odd, a coarse cell looks where its first fine one does, else where its second does.
    """
    height, width = maps.shape[-2:]
    between = functional.interpolate(maps, (2 * height - 1, 2 * width - 1), mode="bilinear", align_corners=True)
    missing = (size[1] - between.shape[-1], 0, size[0] - between.shape[-2], 0)
    return functional.pad(between, missing, mode="replicate").to(maps.dtype)
