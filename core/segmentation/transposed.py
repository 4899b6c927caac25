"""Transposed convolution stamp by stamp, and the checkerboard that uneven stamping leaves (Odena et al. 2016)."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.faults import UserError
from core.i18n import _
from core.segmentation.upsampling import transposed_convolution

NOTHING = 1e-12  # of all energy: what is left of a constant by rounding


class StampingError(UserError):
    """A setting has no output; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Stamping:
    """How a transposed convolution lays down its stamps of ``kernel`` x ``kernel`` cells: ``stride`` apart; ``padding``
    cells are cut off all round, ``output_padding`` added below and to the right.

    Raises:
        StampingError: there is no such transposed convolution.
    """

    kernel: int
    stride: int
    padding: int = 0
    output_padding: int = 0

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.stride < 1:
            raise StampingError(_("Kernel size and stride are whole numbers from 1: choose at least 1."))
        if self.padding < 0 or self.output_padding < 0:
            raise StampingError(_("Padding and output padding are whole numbers from 0: choose at least 0."))
        if self.output_padding >= self.stride:
            words = _(
                "The output padding is to be smaller than the stride, since it settles which of {stride} input lengths "
                "that a convolution takes to one is meant: choose at most {most}."
            )
            raise StampingError(words.format(stride=self.stride, most=self.stride - 1))

    def output_length(self, length: int) -> int:
        """Return the output's length for an input of ``length`` cells.

        Raises:
            StampingError: nothing is left.
        """
        whole = self._length(length)
        if whole < 1:
            words = _(
                "The padding of {padding} on both sides leaves nothing: {formula}. Choose a smaller padding, or a "
                "larger kernel or stride."
            )
            raise StampingError(words.format(padding=self.padding, formula=self.formula(length)))
        return whole

    def formula(self, length: int) -> str:
        """Return how the output's length follows from ``length``, with the numbers filled in."""
        return (
            f"({length} − 1) × {self.stride} − 2 × {self.padding} + {self.kernel} + {self.output_padding} "
            f"= {self._length(length)}".replace("= -", "= −")
        )

    def _length(self, length: int) -> int:
        return (length - 1) * self.stride - 2 * self.padding + self.kernel + self.output_padding

    def covered(self, length: int) -> slice:
        """Return the part of the output on which every stamp falls that would on an endless map, along one axis."""
        start = max(self.kernel - self.stride - self.padding, 0)
        end = min(length * self.stride - self.padding, self.output_length(length))
        return slice(start, max(start, end))


def stamps(cells: Tensor, kernel: Tensor, stamping: Stamping) -> Tensor:
    """Lay each of ``cells`` (h, w) down by itself, row by row: its stamp on an output of zeros, (h * w, H, W).

    A stamp is the ``kernel`` (k, k) times the cell's value, and what hangs over the edge is cut off. Together they are
    the transposed convolution.

    Raises:
        StampingError: there is no output.
    """
    height, width = cells.shape
    padding, stride = stamping.padding, stamping.stride
    rows, columns = (stamping.output_length(length) for length in (height, width))
    laid = cells.new_zeros(height * width, rows + 2 * padding, columns + 2 * padding)
    for index, value in enumerate(cells.flatten()):
        top, left = index // width * stride, index % width * stride
        laid[index, top : top + stamping.kernel, left : left + stamping.kernel] = value * kernel
    return laid[:, padding : padding + rows, padding : padding + columns]


def overlap_counts(height: int, width: int, stamping: Stamping) -> Tensor:
    """Return how many stamps of a map of ``height`` x ``width`` cells fall on each cell of the output: (H, W).

    Raises:
        StampingError: there is no output.
    """
    for length in (height, width):
        stamping.output_length(length)
    ones = torch.ones(1, 1, height, width), torch.ones(1, 1, stamping.kernel, stamping.kernel)
    return transposed_convolution(*ones, stamping.stride, stamping.padding, stamping.output_padding)[0, 0]


def stamped_gradient(height: int, width: int, kernel: Tensor, stride: int) -> Tensor:
    """Return how much each of ``height`` x ``width`` inputs of a strided convolution counts in the output's sum.

    The gradient (H, W) of a loss that wants all outputs of a convolution by ``kernel`` (k, k) alike, by autograd: the
    same stamps, laid down backwards.
    """
    image = torch.zeros(1, 1, height, width, requires_grad=True)
    functional.conv2d(image, kernel[None, None], stride=stride).sum().backward()
    assert image.grad is not None
    return image.grad[0, 0]


@dataclass(frozen=True)
class Energy:
    """Where the energy of a map is, as mean squares a cell: in its ``mean``, in a ``checkerboard``, in the ``rest``."""

    mean: float
    checkerboard: float
    rest: float

    @property
    def of_variation(self) -> float:
        """The checkerboard's share of what is not the mean: 0 of a constant, 1 of nothing but a checkerboard."""
        variation = self.checkerboard + self.rest
        return self.checkerboard / variation if variation > NOTHING * self.mean else 0.0

    @property
    def of_all(self) -> float:
        """The checkerboard's share of all energy, which tells how strong it is on a constant."""
        total = self.mean + self.checkerboard + self.rest
        return self.checkerboard / total if self.checkerboard > NOTHING * total else 0.0


def energy(maps: Tensor, stride: int) -> Energy:
    """Measure the checkerboard of period ``stride`` in ``maps`` (..., H, W): all maps together.

    It is what repeats every ``stride`` cells, down and across: the energy of the 2-D Fourier transform at whole
    multiples of the frequency 1 / ``stride`` on both axes, except the mean at frequency 0. Rows and columns beyond a
    multiple of the stride are left out. No cells, no energy.
    """
    height, width = (length - length % stride for length in maps.shape[-2:])
    cells = maps[..., :height, :width].double()
    if not cells.numel():
        return Energy(0.0, 0.0, 0.0)
    power = torch.fft.fft2(cells).abs().square() / (height * width)
    repeating = power[..., :: height // stride, :: width // stride].sum()
    mean = power[..., 0, 0].sum()
    return Energy(*(float(part) / cells.numel() for part in (mean, repeating - mean, power.sum() - repeating)))
