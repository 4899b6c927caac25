"""What the browser gets of stamps and checkerboards is what PyTorch's own transposed convolution makes."""

import base64
from itertools import pairwise

import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.figures.sent.upsampling import OverlapBoard
from core.figures.transposed import (
    BOARD_SIDE,
    INPUTS,
    KERNELS,
    board_data,
    checkerboard_chart,
    checkerboard_of_constant,
    input_called,
    kernel_called,
    signed_colours,
    stamp_data,
)
from core.segmentation.transposed import Stamping, StampingError
from core.segmentation.upsampling import bilinear_kernel


def unpacked(text: str, dtype: str, *shape: int) -> Tensor:
    return torch.from_numpy(np.frombuffer(base64.b64decode(text), dtype).astype(np.float32).reshape(shape))


@pytest.fixture(scope="module")
def boards() -> dict[tuple[int, int], OverlapBoard]:
    return {(board["kernel"], board["stride"]): board for board in board_data()["boards"]}


@pytest.fixture(scope="module")
def chart() -> go.Figure:
    return checkerboard_chart()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("cells", INPUTS)
def test_the_last_sum_is_the_real_output(kernel: str, cells: str) -> None:
    weights, values = kernel_called(kernel, 4), input_called(cells)
    data = stamp_data(values, weights, Stamping(4, 3, 1, 2))
    x0, y0, x1, y1 = data["cut"]
    sums = unpacked(data["sums"], "<f4", 16, data["height"], data["width"])
    real = functional.conv_transpose2d(values[None, None], weights[None, None], None, 3, 1, 2)[0, 0]
    torch.testing.assert_close(sums[-1, y0:y1, x0:x1], real)
    assert sums.abs().max() == data["most"]
    assert data["formula"] == "(4 − 1) × 3 − 2 × 1 + 4 + 2 = 13" and real.shape == (13, 13)


def test_each_step_adds_one_stamp_in_its_place() -> None:
    values, weights = input_called("ramp"), kernel_called("random", 3)
    data = stamp_data(values, weights, Stamping(3, 2))
    sums = unpacked(data["sums"], "<f4", 16, data["height"], data["width"])
    counts = torch.zeros_like(sums[0])
    for index, (x0, y0, x1, y1) in enumerate(data["places"]):
        added = sums[index] - (sums[index - 1] if index else 0)
        expected = torch.zeros_like(added)
        expected[y0:y1, x0:x1] = values.flatten()[index] * weights
        torch.testing.assert_close(added, expected)
        counts[y0:y1, x0:x1] += 1
    torch.testing.assert_close(unpacked(data["counts"], "u1", *counts.shape), counts)


def test_settings_without_an_output_stay_an_error() -> None:
    with pytest.raises(StampingError, match="leaves nothing"):
        stamp_data(torch.ones(2, 2), torch.ones(1, 1), Stamping(1, 1, 1))


def test_inputs_and_kernels_are_what_they_are_called() -> None:
    assert input_called("one").sum() == 1 and input_called("ones").sum() == 16
    assert input_called("ramp").flatten().tolist() == list(range(1, 17))
    assert torch.equal(kernel_called("random", 5), kernel_called("random", 5))
    assert torch.equal(kernel_called("bilinear", 4), bilinear_kernel(4))


def test_colours_are_black_in_the_middle_and_equally_light_at_both_ends() -> None:
    colours = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in signed_colours()]
    light = [0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in colours]
    assert light[64] == 0 and light.index(max(light)) in (0, 128)
    assert all(abs(one - other) < 16 for one, other in zip(light[:64], light[:64:-1], strict=True))
    assert all(before < after for before, after in pairwise(light[64:]))


def test_boards_are_even_exactly_where_the_stride_divides_the_kernel(
    boards: dict[tuple[int, int], OverlapBoard],
) -> None:
    assert len(boards) == 24
    for (kernel, stride), board in boards.items():
        counts = unpacked(board["cells"], "u1", BOARD_SIDE, BOARD_SIDE)
        assert (counts.unique().numel() == 1) == (board["share"] == 0) == (kernel % stride == 0)
    assert boards[3, 2]["share"] == pytest.approx(1 - (1.5**2 / 2.5) ** 2, abs=1e-4), "1 2 1 2 on both axes"


def test_the_gradient_is_the_forward_pattern(boards: dict[tuple[int, int], OverlapBoard]) -> None:
    for board in boards.values():
        side = board["size"]
        forward, backward = unpacked(board["forward"], "u1", side, side), unpacked(board["backward"], "<f4", side, side)
        torch.testing.assert_close(forward, backward)
        assert forward.max() == board["most"]


def test_the_chart_falls_to_zero_at_multiples_of_the_stride(chart: go.Figure) -> None:
    solid, dotted = chart.data[::2], chart.data[1::2]
    for stride, line in zip((2, 3, 4), solid, strict=True):
        assert [size for size, value in zip(line.x, line.y, strict=True) if value == 0] == [
            size for size in line.x if size % stride == 0
        ]
        assert f"stride {stride}" in line.name
    assert all(min(line.y) > 50 and max(line.y) < 100 for line in dotted), "random weights are never even"


def test_a_bilinear_kernel_leaves_no_checkerboard_at_its_stride() -> None:
    assert checkerboard_of_constant(bilinear_kernel(4)[None], 2).of_all == 0
    assert checkerboard_of_constant(bilinear_kernel(4)[None], 3).of_all > 0.01
