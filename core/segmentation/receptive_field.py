"""Which pixels a cell of a layer sees, by the recurrence over kernels, strides and paddings."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from torch import nn

from core.backbones import Backbone, Lite0
from core.backbones.lite0 import FRAME, LAST_UNPADDED

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """What one cell of a layer sees: squares of ``size`` pixels, ``stride`` pixels from cell to cell, that of the
    first cell beginning at pixel ``start``, which padding makes negative. The layer has ``channels``."""

    name: str
    channels: int
    size: int
    stride: int
    start: int

    def window(self, row: int, column: int) -> Window:
        """Return the edges (x0, y0, x1, y1) in pixels of what the cell sees; they may leave the image."""
        x, y = self.start + column * self.stride, self.start + row * self.stride
        return x, y, x + self.size, y + self.size

    def behind(
        self, name: str, channels: int, kernel: int, stride: int, padding: int, dilation: int = 1
    ) -> "ReceptiveField":
        """Return the field of a layer called ``name`` that takes ``kernel`` x ``kernel`` cells of this one."""
        size = self.size + dilation * (kernel - 1) * self.stride
        return ReceptiveField(name, channels, size, self.stride * stride, self.start - padding * self.stride)


PIXEL = ReceptiveField("pixel", 3, 1, 1, 0)


def receptive_fields(layers: Iterable[nn.Module], begin: ReceptiveField = PIXEL) -> list[ReceptiveField]:
    """Return the receptive field of each convolution and pooling of ``layers``, applied one after the other.

    Layers that see one cell each, such as activations and normalisations, change nothing and are not listed. The first
    is given cells that see ``begin``. With a kernel of k, a stride of s and a padding of p: ``size += (k - 1) *
    stride``, ``start -= p * stride``, and then ``stride *= s``.

    Raises:
        ValueError: a kernel is not square, or a layer makes its output larger.
    """
    field = begin
    counted = {"conv": 0, "pool": 0}
    fields = []
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            raise ValueError("a transposed convolution's cells do not all see equally much")
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            continue
        kernel, step, padding, dilation = (_square(layer, name) for name in GEOMETRY)
        kind = "conv" if isinstance(layer, nn.Conv2d) else "pool"
        counted[kind] += 1
        channels = layer.out_channels if isinstance(layer, nn.Conv2d) else field.channels
        field = field.behind(f"{kind}{counted[kind]}", channels, kernel, step, padding, dilation)
        fields.append(field)
    return fields


def trunk_fields(trunk: Backbone) -> list[ReceptiveField]:
    """Return the receptive fields of a trunk's layers, at last that of its map; of Lite0's, block by block."""
    return _lite0_fields(trunk) if isinstance(trunk, Lite0) else receptive_fields(trunk)


def _lite0_fields(trunk: Lite0) -> list[ReceptiveField]:
    """Return the fields of the blocks down to a stride of 16, and of the map.

    Where cells of the blocks behind look depends on the image's size; a cell of the map sees at most two of them.
    """
    field, fields = replace(PIXEL, start=-FRAME if trunk.padded else 0), []
    for name, part in trunk.named_children():
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d):
                kernel, step = layer.kernel_size[0], layer.stride[0]
                # The frame makes every side odd, and "same" padding half the kernel.
                field = field.behind(name, layer.out_channels, kernel, step, kernel // 2 if trunk.padded else 0)
        if not trunk.padded:
            fields.append(field)
            if name == LAST_UNPADDED:
                return fields
        elif field.stride <= trunk.stride:
            of_the_frame = -(-FRAME // field.stride)  # cells, which are cut off
            fields.append(replace(field, start=field.start + of_the_frame * field.stride))
    finest = fields[-1]
    size = field.size + field.stride
    start = finest.start + (finest.size - size) // 2
    return [*fields, ReceptiveField("map", trunk.channels, size, trunk.stride, start)]


GEOMETRY = ("kernel_size", "stride", "padding", "dilation")


def _square(layer: nn.Module, name: str) -> int:
    value = getattr(layer, name, 1)  # an average pooling has no dilation
    one, *others = {*value} if isinstance(value, tuple) else {value}
    if others or not isinstance(one, int):
        raise ValueError(f"{name} {value!r} is not the same in both directions")
    return one
