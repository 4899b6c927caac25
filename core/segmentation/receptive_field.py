"""Which pixels a cell of a layer sees, by the recurrence over kernels, strides and paddings."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

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


def receptive_fields(layers: Iterable[nn.Module]) -> list[ReceptiveField]:
    """Return the receptive field of each convolution and pooling of ``layers``, applied one after the other.

    Layers that see one cell each, such as activations and normalisations, change nothing and are not listed.
    With a kernel of k, a stride of s and a padding of p: ``size += (k - 1) * stride``, ``start -= p * stride``, and
    then ``stride *= s``.

    Raises:
        ValueError: a kernel is not square, or a layer makes its output larger.
    """
    size, stride, start, channels = 1, 1, 0, 0
    counted = {"conv": 0, "pool": 0}
    fields = []
    for layer in layers:
        if isinstance(layer, nn.ConvTranspose2d):
            raise ValueError("a transposed convolution's cells do not all see equally much")
        if not isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            continue
        kernel, step, padding, dilation = (_square(layer, name) for name in GEOMETRY)
        size += dilation * (kernel - 1) * stride
        start -= padding * stride
        stride *= step
        kind = "conv" if isinstance(layer, nn.Conv2d) else "pool"
        counted[kind] += 1
        channels = layer.out_channels if isinstance(layer, nn.Conv2d) else channels
        fields.append(ReceptiveField(f"{kind}{counted[kind]}", channels, size, stride, start))
    return fields


GEOMETRY = ("kernel_size", "stride", "padding", "dilation")


def _square(layer: nn.Module, name: str) -> int:
    value = getattr(layer, name, 1)  # an average pooling has no dilation
    one, *others = {*value} if isinstance(value, tuple) else {value}
    if others or not isinstance(one, int):
        raise ValueError(f"{name} {value!r} is not the same in both directions")
    return one
