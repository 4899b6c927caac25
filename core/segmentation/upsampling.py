"""Ways to enlarge a map: interpolation, unpooling, transposed convolution, pixel shuffle, resize-convolution.

Maps are (B, C, h, w) and become (B, C, factor h, factor w). The functions are written to be read; the modules, each of
which doubles a map of C channels, use PyTorch's own where that is the same (tests hold the two equal), since networks
are trained with them. No module has a bias or an activation: enlarging is linear. Those that learn begin as an
interpolation, channel by channel; at random, four in a row would first have to find out that channels are classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

SELF = torch.zeros(3, 3).index_put((torch.tensor(1), torch.tensor(1)), torch.tensor(1.0))  # a cell takes itself
CUBIC = -0.75  # the free number of cubic convolution (Keys 1981), as PyTorch and OpenCV choose it


def nearest(maps: Tensor, factor: int) -> Tensor:
    """Repeat every cell of ``maps`` ``factor`` times down and across."""
    return maps.repeat_interleave(factor, -2).repeat_interleave(factor, -1)


def bilinear(maps: Tensor, factor: int) -> Tensor:
    """Interpolate ``maps`` linearly between the middles of the two nearest cells, down and across."""
    return _interpolated(maps, factor, _linear, reach=1)


def bicubic(maps: Tensor, factor: int) -> Tensor:
    """Interpolate ``maps`` by cubics through the middles of the four nearest cells, down and across."""
    return _interpolated(maps, factor, _cubic, reach=2)


def _linear(distance: Tensor) -> Tensor:
    return 1 - distance


def _cubic(distance: Tensor) -> Tensor:
    """Weigh cells at ``distance`` up to 2 (Keys 1981, equation 15 with a free a)."""
    near = ((CUBIC + 2) * distance - (CUBIC + 3)) * distance**2 + 1
    far = CUBIC * (((distance - 5) * distance + 8) * distance - 4)
    return torch.where(distance <= 1, near, far)


def _interpolated(maps: Tensor, factor: int, weigh: Callable[[Tensor], Tensor], reach: int) -> Tensor:
    """Interpolation is linear down and then across, so that it is two matrix products: rows x map x columns."""
    height, width = maps.shape[-2:]
    rows = interpolation_matrix(height, factor, weigh, reach).to(maps)
    columns = interpolation_matrix(width, factor, weigh, reach).to(maps)
    return rows @ maps @ columns.T


def interpolation_matrix(length: int, factor: int, weigh: Callable[[Tensor], Tensor], reach: int) -> Tensor:
    """Return how much each of ``factor * length`` new cells takes of each of ``length``: (factor length, length).

    A new cell's middle lies between ``reach`` cells on either side, and ``weigh`` says what they count at their
    distance; beyond the edge the outermost cell is repeated.
    """
    middles = (torch.arange(factor * length) + 0.5) / factor - 0.5
    cells = middles.floor()[:, None] + torch.arange(1 - reach, reach + 1)
    weights = weigh((middles[:, None] - cells).abs())
    matrix = torch.zeros(factor * length, length)
    return matrix.scatter_add(1, cells.long().clamp(0, length - 1), weights)


def bed_of_nails(maps: Tensor, factor: int) -> Tensor:
    """Put every value of ``maps`` in the first corner of its window of ``factor`` ** 2 cells, zeros elsewhere."""
    batch, channels, height, width = maps.shape
    enlarged = maps.new_zeros(batch, channels, factor * height, factor * width)
    enlarged[..., ::factor, ::factor] = maps
    return enlarged


def max_unpool(maps: Tensor, indices: Tensor, factor: int) -> Tensor:
    """Put every value of ``maps`` back where a max pooling found its maximum, zeros elsewhere.

    ``indices`` (B, C, h, w), or with one channel for all, count the enlarged map's cells row by row, as
    ``torch.nn.functional.max_pool2d`` with ``return_indices`` gives them (Zeiler and Fergus 2014, section 2.1).
    """
    batch, channels, height, width = maps.shape
    enlarged = maps.new_zeros(batch, channels, factor * height * factor * width)
    enlarged = enlarged.scatter(2, indices.expand_as(maps).flatten(2), maps.flatten(2))
    return enlarged.unflatten(2, (factor * height, factor * width))


def transposed_convolution(
    maps: Tensor, kernel: Tensor, stride: int, padding: int = 0, output_padding: int = 0
) -> Tensor:
    """Let each cell of ``maps`` stamp the ``kernel`` (C, D, k, k), times its value, on the output; stamps add up.

    Stamps lie ``stride`` cells apart. ``padding`` is cut off all round, ``output_padding`` added below and right:
    (B, D, H, W) with H = (h - 1) * stride - 2 * padding + k + output_padding. As
    ``torch.nn.functional.conv_transpose2d``.
    """
    batch, _channels, height, width = maps.shape
    side = kernel.shape[-1]
    stamps = torch.einsum("bchw,cdkl->bdklhw", maps, kernel)
    full = [(length - 1) * stride + side + output_padding for length in (height, width)]
    output = maps.new_zeros(batch, kernel.shape[1], *full)
    for row in range(side):
        for column in range(side):
            down = slice(row, row + (height - 1) * stride + 1, stride)
            across = slice(column, column + (width - 1) * stride + 1, stride)
            output[..., down, across] += stamps[:, :, row, column]
    return output[..., padding : full[0] - padding, padding : full[1] - padding]


def pixel_shuffle(maps: Tensor, factor: int) -> Tensor:
    """Lay ``factor`` ** 2 channels of ``maps`` (B, factor^2 C, h, w) out as the cells of one (Shi et al. 2016)."""
    return maps.unflatten(1, (-1, factor, factor)).permute(0, 1, 4, 2, 5, 3).flatten(4, 5).flatten(2, 3)


def bilinear_kernel(size: int) -> Tensor:
    """Return the kernel (``size``, ``size``) that makes a transposed convolution interpolate bilinearly.

    Its stride is half its size, rounded up (Long et al. 2015, section 3.3).
    """
    stride = (size + 1) // 2
    line = 1 - (torch.arange(size) - (size - 1) / 2).abs() / stride
    return line[:, None] * line


class Upsampler(nn.Module, ABC):
    """Doubles a map of ``channels`` channels; ``cell_cost`` multiply-adds for each cell that is given."""

    cell_cost: int

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    @abstractmethod
    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        """Double ``maps`` (B, C, h, w); ``indices`` (B, 1 or C, h, w) are those of a max pooling to their size.

        Only max-unpooling looks at ``indices``.
        """

    def multiply_adds(self, height: int, width: int) -> int:
        """Return the multiply-adds that doubling a map of ``height`` x ``width`` cells takes."""
        return self.cell_cost * height * width

    def trained_numbers(self) -> int:
        """Return how many numbers training changes."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)


class Nearest(Upsampler):
    """Repeats every cell."""

    cell_cost = 0

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return functional.interpolate(maps, scale_factor=2)


class Bilinear(Upsampler):
    """Interpolates linearly: four cells for each of four new ones."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.cell_cost = 4 * 4 * channels

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return functional.interpolate(maps, scale_factor=2, mode="bilinear")


class Bicubic(Upsampler):
    """Interpolates by cubics: sixteen cells for each of four new ones."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.cell_cost = 4 * 16 * channels

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return bicubic(maps, 2)  # several times as fast as PyTorch's, forwards and backwards


class BedOfNails(Upsampler):
    """Sets zeros between the cells, and lets a 3 x 3 convolution fill them."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        convolution = _convolution(channels, bilinear_kernel(3))
        self.fill: nn.Module = convolution
        self.cell_cost = 4 * convolution.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        filled: Tensor = self.fill(bed_of_nails(maps, 2))
        return filled


class MaxUnpool(Upsampler):
    """Puts every cell where the maximum was, and lets a 3 x 3 convolution fill the zeros between."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        convolution = _convolution(channels, torch.full((3, 3), 4 / 9))  # on average 9 / 4 of 9 cells hold a value
        self.fill: nn.Module = convolution
        self.cell_cost = 4 * convolution.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        filled: Tensor = self.fill(max_unpool(maps, indices, 2))
        return filled


class FixedDeconvolution(Upsampler):
    """Transposed convolution of each channel by the bilinear kernel, which stays as it is."""

    kernel: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        kernel = bilinear_kernel(4).expand(channels, 1, -1, -1).clone()
        self.register_buffer("kernel", kernel, persistent=False)
        self.cell_cost = kernel.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return functional.conv_transpose2d(maps, self.kernel, stride=2, padding=1, groups=self.channels)


class LearnedDeconvolution(Upsampler):
    """Transposed convolution that starts as the bilinear one; stride 2 divides its kernel of 4."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.stamp = nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1, bias=False)
        _begin(self.stamp.weight, bilinear_kernel(4))
        self.cell_cost = self.stamp.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        stamped: Tensor = self.stamp(maps)
        return stamped


class UnevenDeconvolution(Upsampler):
    """Transposed convolution that starts as the bilinear one; stride 2 does not divide its kernel of 3."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.stamp = nn.ConvTranspose2d(channels, channels, 3, stride=2, padding=1, output_padding=1, bias=False)
        _begin(self.stamp.weight, bilinear_kernel(3))
        self.cell_cost = self.stamp.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        stamped: Tensor = self.stamp(maps)
        return stamped


class PixelShuffle(Upsampler):
    """Convolves to four times the channels, which become the four cells of each window."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.spread = _convolution(channels, SELF, copies=4)
        self.cell_cost = self.spread.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.spread(maps), 2)


class ResizeConvolution(Upsampler):
    """Repeats every cell, then convolves by 3 x 3 (Odena et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.smooth = _convolution(channels, SELF)
        self.cell_cost = 4 * self.smooth.weight.numel()

    def forward(self, maps: Tensor, indices: Tensor) -> Tensor:
        smoothed: Tensor = self.smooth(functional.interpolate(maps, scale_factor=2))
        return smoothed


def _convolution(channels: int, kernel: Tensor, copies: int = 1) -> nn.Conv2d:
    """Return a 3 x 3 convolution to so many ``copies`` of each channel that begins as ``kernel`` (3, 3) on it."""
    layer = nn.Conv2d(channels, copies * channels, 3, padding=1, bias=False)
    _begin(layer.weight, kernel)
    return layer


def _begin(weight: Tensor, kernel: Tensor) -> None:
    """Let ``weight`` (C, D, k, k) join each channel with itself by ``kernel`` (k, k), and with no other."""
    outputs, inputs = weight.shape[:2]
    same = torch.eye(inputs).repeat_interleave(outputs // inputs, 0)
    with torch.no_grad():
        weight.copy_(same[:, :, None, None] * kernel)
