"""The stamps against the real transposed convolution, and the checkerboard meter on patterns made by hand."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.segmentation.transposed import (
    Energy,
    Stamping,
    StampingError,
    energy,
    overlap_counts,
    stamped_gradient,
    stamps,
)
from core.segmentation.upsampling import bilinear_kernel

SETTINGS = [
    Stamping(kernel, stride, padding, output_padding)
    for kernel in (1, 2, 3, 4, 7)
    for stride in (1, 2, 3)
    for padding in (0, 1, 2)
    for output_padding in range(stride)
]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def real(cells: Tensor, kernel: Tensor, one: Stamping) -> Tensor:
    return functional.conv_transpose2d(
        cells[None, None], kernel[None, None], None, one.stride, one.padding, one.output_padding
    )[0, 0]


@pytest.mark.parametrize("stamping", SETTINGS, ids=str)
def test_the_stamps_sum_to_the_real_output(stamping: Stamping) -> None:
    cells, kernel = random(4, 5), random(stamping.kernel, stamping.kernel, seed=1)
    try:
        laid = stamps(cells, kernel, stamping)
    except StampingError:
        with pytest.raises(RuntimeError, match=r"too small|non-positive"):
            real(cells, kernel, stamping)
        return
    assert laid.shape == (20, stamping.output_length(4), stamping.output_length(5))
    torch.testing.assert_close(laid.sum(0), real(cells, kernel, stamping))


def test_a_stamp_lies_where_its_cell_is() -> None:
    laid = stamps(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 10.0], [100.0, 1000.0]]), Stamping(2, 3))
    assert laid.tolist() == [
        [[1, 10, 0, 0, 0], [100, 1000, 0, 0, 0]],
        [[0, 0, 0, 2, 20], [0, 0, 0, 200, 2000]],
    ]


def test_overlaps_by_hand() -> None:
    """A kernel of 3 at stride 2: along one axis 1 1 2 1 2 1 1, and the product of both axes."""
    line = torch.tensor([1.0, 1, 2, 1, 2, 1, 1])
    torch.testing.assert_close(overlap_counts(3, 3, Stamping(3, 2)), line[:, None] * line)
    assert overlap_counts(3, 3, Stamping(4, 2, 1))[1:-1, 1:-1].unique().tolist() == [4]


@pytest.mark.parametrize("stamping", SETTINGS, ids=str)
def test_overlaps_are_all_there_where_the_output_is_covered(stamping: Stamping) -> None:
    """There, the counts repeat with the stride; a cell further on they would not, at the least on a longer map."""
    length = 12
    counts = overlap_counts(length, length, stamping)
    covered = stamping.covered(length)
    inside = counts[covered, covered]
    endless = overlap_counts(3 * length, 3 * length, stamping)
    start = length * stamping.stride + covered.start
    torch.testing.assert_close(inside, endless[start:, start:][: len(inside), : len(inside)])
    assert len(inside) >= length - 8


def test_the_formula_has_its_numbers_filled_in() -> None:
    assert Stamping(4, 2, 1).formula(6) == "(6 − 1) × 2 − 2 × 1 + 4 + 0 = 12"
    assert Stamping(3, 2, 1, 1).output_length(6) == 12
    assert Stamping(1, 1, 2).formula(3) == "(3 − 1) × 1 − 2 × 2 + 1 + 0 = −1"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ((0, 1, 0, 0), "at least 1"),
        ((3, 0, 0, 0), "at least 1"),
        ((3, 2, -1, 0), "at least 0"),
        ((3, 2, 0, -1), "at least 0"),
        ((3, 2, 0, 2), "choose at most 1"),
        ((3, 1, 0, 1), "choose at most 0"),
    ],
)
def test_settings_that_do_not_exist_are_a_sentence(setting: tuple[int, int, int, int], words: str) -> None:
    with pytest.raises(StampingError, match=words):
        Stamping(*setting)


def test_padding_that_leaves_nothing_is_a_sentence() -> None:
    with pytest.raises(StampingError, match=r"leaves nothing: \(2 − 1\) × 1 − 2 × 2 \+ 3 \+ 0 = 0\. Choose a smaller"):
        overlap_counts(2, 2, Stamping(3, 1, 2))
    assert overlap_counts(3, 3, Stamping(3, 1, 2)).shape == (1, 1)


def board(stride: int, side: int = 24) -> Tensor:
    """Something that repeats every ``stride`` cells and nothing else: its mean is 0."""
    tile = random(stride, stride, seed=stride)
    repeats = side // stride
    return (tile - tile.mean()).repeat(repeats, repeats)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_a_constant_has_no_checkerboard_and_a_checkerboard_nothing_else(stride: int) -> None:
    constant = energy(torch.full((24, 24), 0.7), stride)
    assert constant.of_variation == constant.of_all == 0 and constant.mean == pytest.approx(0.49)
    assert energy(board(stride), stride).of_variation == pytest.approx(1)
    assert energy(5 + board(stride), stride).of_variation == pytest.approx(1)
    assert energy(board(stride), stride).of_all == pytest.approx(1)


def test_energies_by_hand() -> None:
    """3 everywhere, 2 more or less on a checkerboard, 1 more in the left half and less in the right one."""
    row, column = torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij")
    halves = 1 - 2 * (column // 4)
    maps = 3 + 2 * (1 - 2 * ((row + column) % 2)) + halves
    found = energy(maps, 2)
    assert (found.mean, found.checkerboard, found.rest) == pytest.approx((9, 4, 1))
    assert found.of_variation == pytest.approx(4 / 5) and found.of_all == pytest.approx(4 / 14)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_the_checkerboard_is_the_mean_tile(stride: int) -> None:
    """The same by another way: the mean over all tiles of one period."""
    maps = random(3, 26, 25) + board(stride)[0, 0]
    cut = maps[:, : 26 - 26 % stride, : 25 - 25 % stride].double()
    tile = cut.unfold(1, stride, stride).unfold(2, stride, stride).mean((1, 2))
    found = energy(maps, stride)
    assert found.checkerboard == pytest.approx(float(tile.var((1, 2), correction=0).mean()))
    assert found.mean + found.checkerboard + found.rest == pytest.approx(float(cut.square().mean()))


def test_stripes_count_as_well_and_stride_one_has_none() -> None:
    stripes = (torch.arange(12) % 2).float().expand(12, 12)
    assert energy(stripes, 2).of_variation == pytest.approx(1)
    assert energy(stripes, 1).of_variation == energy(random(6, 6), 1).of_all == 0


def test_no_cells_no_energy() -> None:
    assert energy(torch.ones(3, 3), 4) == Energy(0, 0, 0)


@pytest.mark.parametrize("stride", [2, 3, 4])
def test_the_checkerboard_vanishes_where_the_stride_divides_the_kernel(stride: int) -> None:
    strengths = {}
    for kernel in range(stride, 4 * stride + 1):
        stamping = Stamping(kernel, stride)
        inside = stamping.covered(16)
        strengths[kernel] = energy(overlap_counts(16, 16, stamping)[inside, inside], stride).of_all
    assert [kernel for kernel, strength in strengths.items() if strength == 0] == [
        kernel for kernel in strengths if kernel % stride == 0
    ]
    assert strengths[stride + 1] > strengths[2 * stride + 1] > strengths[3 * stride + 1]


def test_the_bilinear_kernel_leaves_a_constant_constant() -> None:
    stamping = Stamping(4, 2, 1)
    inside = stamping.covered(8)
    output = real(torch.ones(8, 8), bilinear_kernel(4), stamping)
    torch.testing.assert_close(output[inside, inside], torch.ones(14, 14))


@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (5, 3), (2, 3)])
def test_the_gradient_shows_the_same_overlaps_backwards(kernel: int, stride: int) -> None:
    one = Stamping(kernel, stride)
    side = one.output_length(6)
    torch.testing.assert_close(
        stamped_gradient(side, side, torch.ones(kernel, kernel), stride), overlap_counts(6, 6, one)
    )


def test_the_gradient_is_stamped_by_the_kernel() -> None:
    kernel = random(3, 3)
    expected = stamps(torch.ones(4, 5), kernel, Stamping(3, 2)).sum(0)
    torch.testing.assert_close(stamped_gradient(9, 11, kernel, 2), expected)
