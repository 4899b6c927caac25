"""What the upsampling page shows of transposed convolution, ready for JSON: its stamps, and the checkerboard."""

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from core.figures.lettering import CHART_FONT_SIZE
from core.figures.sent.upsampling import OverlapBoard, OverlapBoards, StampedMap
from core.figures.transport import packed, rounded
from core.i18n import _
from core.segmentation.transposed import Energy, Stamping, energy, overlap_counts, stamped_gradient, stamps
from core.segmentation.upsampling import bilinear_kernel, transposed_convolution

SIDE = 4  # cells of the input whose stamps are laid down one by one
KERNELS = ("ones", "bilinear", "random")
INPUTS = ("ramp", "ones", "one", "random")
BOARD_KERNELS, BOARD_STRIDES = range(2, 8), range(1, 5)
BOARD_SIDE = 12  # cells of an overlap map: whole periods of every stride
BOARD_INPUT = 4  # cells of the input, or of the convolution's output, of the two large maps
MEASURED_KERNELS = range(2, 13)
MEASURED_INPUT = 16
SEEDS = 64
DIGITS = 4
LINES = {2: ("#D55E00", "circle"), 3: ("#0072B2", "square"), 4: ("#009E73", "diamond")}


def signed_colours() -> list[str]:
    """Return 129 colours for -1 to 1: pale blue, blue, black for 0, orange, pale yellow; as light, as far from 0."""
    anchors = np.array([[205, 232, 255], [38, 132, 204], [0, 0, 0], [214, 104, 28], [255, 232, 160]])
    places = np.linspace(0, 4, 129)
    channels = (np.interp(places, range(5), anchors[:, channel]).round().astype(int) for channel in range(3))
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in zip(*channels, strict=True)]


def kernel_called(name: str, size: int) -> Tensor:
    """Return the kernel (``size``, ``size``) that is called ``name`` in ``KERNELS``."""
    if name == "bilinear":
        return bilinear_kernel(size)
    return torch.ones(size, size) if name == "ones" else _random(size, size)


def input_called(name: str) -> Tensor:
    """Return the cells (4, 4) that are called ``name`` in ``INPUTS``."""
    if name == "ramp":
        return torch.arange(1.0, SIDE * SIDE + 1).view(SIDE, SIDE)
    if name == "random":
        return _random(SIDE, SIDE)
    cells = torch.full((SIDE, SIDE), float(name == "ones"))
    cells[1, 1] = 1
    return cells


def _random(*shape: int) -> Tensor:
    """Return numbers between -1 and 1 in quarters, the same each time, as they are to be read."""
    return torch.randint(-4, 5, shape, generator=torch.Generator().manual_seed(len(shape) + shape[-1])) / 4


def stamp_data(cells: Tensor, kernel: Tensor, stamping: Stamping) -> StampedMap:
    """Return how ``cells`` (h, w) lay their stamps of the ``kernel`` (k, k) down, one after the other.

    The stamps lie on a map (``height``, ``width``) from which the padding is not yet cut: ``cut`` are the edges of what
    stays. ``places`` are the stamps' edges on it, (x0, y0, x1, y1); ``sums`` holds, after each step, the sum so far,
    and ``counts`` how many stamps fall on each cell in the end, float32 and bytes in base64.

    Raises:
        StampingError: there is no output.
    """
    height, width = (stamping.output_length(length) for length in cells.shape)
    whole = Stamping(stamping.kernel, stamping.stride, 0, stamping.output_padding)
    sums = stamps(cells, kernel, whole).cumsum(0)
    corners = [
        (column * stamping.stride, row * stamping.stride)
        for row in range(cells.shape[0])
        for column in range(cells.shape[1])
    ]
    padding, size = stamping.padding, stamping.kernel
    return {
        "cells": rounded(cells, DIGITS),
        "kernel": rounded(kernel, DIGITS),
        "height": sums.shape[1],
        "width": sums.shape[2],
        "cut": [padding, padding, padding + width, padding + height],
        "places": [[left, top, left + size, top + size] for left, top in corners],
        "sums": packed(sums, "f4"),
        "counts": packed(overlap_counts(cells.shape[0], cells.shape[1], whole).int(), "u1"),
        "most": max(float(sums.abs().max()), 1e-9),
        "formula": stamping.formula(cells.shape[1]),
        "colours": signed_colours(),
    }


def board_data() -> OverlapBoards:
    """Return the overlaps of every kernel size and stride, amid a large map, and the gradient's beside them.

    Each of ``boards`` has a part of ``side`` x ``side`` ``cells`` amid a map where all stamps are, as counts in base64,
    and the checkerboard's ``share`` of its energy; and the whole ``forward`` and ``backward`` map of ``size`` cells a
    side: stamps on the output of a transposed convolution, and gradient of the sum of a convolution's outputs.
    """
    pairs = [(kernel, stride) for stride in BOARD_STRIDES for kernel in BOARD_KERNELS]
    return {
        "side": BOARD_SIDE,
        "input": BOARD_INPUT,
        "kernels": list(BOARD_KERNELS),
        "strides": list(BOARD_STRIDES),
        "boards": [_board(kernel, stride) for kernel, stride in pairs],
        "colours": signed_colours(),
    }


def _board(kernel: int, stride: int) -> OverlapBoard:
    stamping = Stamping(kernel, stride)
    amid = slice(stride * BOARD_SIDE, (stride + 1) * BOARD_SIDE)
    cells = overlap_counts(3 * BOARD_SIDE, 3 * BOARD_SIDE, stamping)[amid, amid]
    forward = overlap_counts(BOARD_INPUT, BOARD_INPUT, stamping)
    backward = stamped_gradient(len(forward), len(forward), torch.ones(kernel, kernel), stride)
    return {
        "kernel": kernel,
        "stride": stride,
        "cells": packed(cells.int(), "u1"),
        "share": round(energy(cells, stride).of_all, DIGITS),
        "size": len(forward),
        "forward": packed(forward.int(), "u1"),
        "backward": packed(backward, "f4"),
        "most": int(forward.max()),
    }


def checkerboard_of_constant(kernels: Tensor, stride: int) -> Energy:
    """Measure the checkerboard that all ``kernels`` (N, k, k) together leave of a constant map, off its border."""
    stamping = Stamping(kernels.shape[-1], stride)
    constant = torch.ones(1, 1, MEASURED_INPUT, MEASURED_INPUT)
    outputs = transposed_convolution(constant, kernels[None], stride)[0]
    covered = stamping.covered(MEASURED_INPUT)
    return energy(outputs[:, covered, covered], stride)


def checkerboard_chart() -> go.Figure:
    """Return the checkerboard's share of a constant map's energy over the kernel size, in percent, a line a stride.

    Solid lines are kernels of ones, dotted ones ``SEEDS`` kernels of random weights together.
    """
    generator = torch.Generator().manual_seed(0)
    random = {size: torch.randn(SEEDS, size, size, generator=generator) for size in MEASURED_KERNELS}
    ones = {size: torch.ones(1, size, size) for size in MEASURED_KERNELS}
    titles = (_("stride {stride}, ones"), _("stride {stride}, random weights"))
    figure = go.Figure()
    for stride, (colour, marker) in LINES.items():
        for kernels, title, dash in zip((ones, random), titles, ("solid", "dot"), strict=True):
            figure.add_scatter(
                x=list(MEASURED_KERNELS),
                y=[100 * checkerboard_of_constant(of_size, stride).of_all for of_size in kernels.values()],
                name=title.format(stride=stride),
                mode="lines+markers",
                line={"width": 3, "color": colour, "dash": dash},
                marker={"symbol": marker, "size": 9},
                hovertemplate="%{fullData.name}, %{x} x %{x}: %{y:.1f} %<extra></extra>",
            )
    figure.update_layout(
        height=400,
        font_size=CHART_FONT_SIZE,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font_size": CHART_FONT_SIZE},
    )
    look = {"title_font_size": CHART_FONT_SIZE, "tickfont_size": CHART_FONT_SIZE}
    figure.update_xaxes(title=_("Kernel size"), dtick=1, **look)
    figure.update_yaxes(title=_("Checkerboard (% of the energy)"), range=[0, 100], **look)
    return figure
