"""RoI pooling against torchvision's, bit for bit, RoIAlign too, and the pyramid against adaptive max pooling."""

import pytest
import torch
import torchvision
from torch import Tensor
from torch.nn import functional

from core.pooling import (
    PYRAMID,
    bin_edges,
    flatten_cells,
    greatest_cells,
    interpolation,
    pool_windows,
    pyramid_pool,
    roi_align,
    roi_pool,
    roi_pool_each,
    roi_windows,
    sampling_points,
    spp_windows,
    window_errors,
)

STRIDE = 16
CHANNELS, HEIGHT, WIDTH = 5, 12, 19


@pytest.fixture
def features() -> Tensor:
    return torch.randn(CHANNELS, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def boxes_about(count: int, margin: float, seed: int = 0, lattice: float | None = None) -> Tensor:
    """Boxes of all sizes on the map's image and ``margin`` of its sides beyond, on multiples of ``lattice`` pixels."""
    rng = torch.Generator().manual_seed(seed)
    size = torch.tensor([WIDTH, HEIGHT]) * STRIDE
    corners = (torch.rand(count, 2, 2, generator=rng) * (1 + 2 * margin) - margin) * size
    if lattice:
        corners = (corners / lattice).round() * lattice
    return torch.cat([corners.amin(1), corners.amax(1)], 1)


def torchvisions(features: Tensor, boxes: Tensor, scale: float, bins: int) -> Tensor:
    return torchvision.ops.roi_pool(features[None], [boxes], bins, scale)


@pytest.mark.parametrize("bins", [1, 2, 5, 6, 7, 14])
def test_roi_pool_is_torchvisions_inside_the_map(features: Tensor, bins: int) -> None:
    boxes = boxes_about(500, margin=0)
    assert roi_pool(features, boxes, 1 / STRIDE, bins).equal(torchvisions(features, boxes, 1 / STRIDE, bins))


@pytest.mark.parametrize("bins", [2, 6, 7])
@pytest.mark.parametrize("scale", [1 / STRIDE, 0.05, 0.31])
def test_roi_pool_is_torchvisions_beyond_the_map(features: Tensor, scale: float, bins: int) -> None:
    boxes = boxes_about(500, margin=0.5)
    pooled = roi_pool(features, boxes, scale, bins)
    assert (pooled == 0).any(), "some bins lie outside"
    assert pooled.equal(torchvisions(features, boxes, scale, bins))


def test_pooling_to_learn_is_roi_pool_of_each_map(features: Tensor) -> None:
    maps = torch.stack([features, features.flip(1), features.neg()])
    boxes = [torch.tensor(one) for one in ([[0.0, 0, 50, 30], [-20, 10, 70, 500]], [[8.0, 8, 24, 24]])]
    boxes.append(torch.empty(0, 4))
    found = roi_pool_each(maps, boxes, 1 / STRIDE, 6)
    expected = [roi_pool(one, few, 1 / STRIDE) for one, few in zip(maps, boxes, strict=True)]
    assert found.equal(torch.cat(expected)) and found.shape == (3, len(features), 6, 6)


def test_half_cells_round_up_as_torchvisions(features: Tensor) -> None:
    """On a lattice of 8 pixels every other edge lies in the middle of a cell; rounding half to even fails there."""
    boxes = boxes_about(500, margin=0, lattice=8)
    assert (boxes % STRIDE == 8).any(0).all()
    assert roi_windows(torch.tensor([[8.0, 24.0, 40.0, 56.0]]), 1 / STRIDE).tolist() == [[1, 2, 3, 4]]
    assert roi_pool(features, boxes, 1 / STRIDE).equal(torchvisions(features, boxes, 1 / STRIDE, 6))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (31, 31)])
def test_roi_pool_on_maps_of_any_size(shape: tuple[int, int]) -> None:
    features = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    boxes = boxes_about(300, margin=0.1)
    assert roi_pool(features, boxes, 1 / STRIDE).equal(torchvisions(features, boxes, 1 / STRIDE, 6))


def test_the_cases_of_torchvisions_own_tests() -> None:
    """``RoIOpTester`` of pytorch/vision, test/test_ops.py."""
    features = torch.rand(50, 10, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    boxes = torch.tensor([[0, 0, 9, 9], [0, 5, 4, 9], [5, 5, 9, 9], [1, 0, 9, 9]], dtype=torch.float64)
    assert roi_pool(features, boxes, 1.0, 5).equal(torchvisions(features, boxes, 1.0, 5))


def test_roi_pool_has_torchvisions_gradient(features: Tensor) -> None:
    boxes = boxes_about(50, margin=0.3)
    weight = torch.randn(50, CHANNELS, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def gradient(pool) -> Tensor:
        leaf = features.double().requires_grad_()
        (pool(leaf) * weight).sum().backward()
        assert leaf.grad is not None
        return leaf.grad

    ours = gradient(lambda leaf: roi_pool(leaf, boxes, 1 / STRIDE))
    theirs = gradient(lambda leaf: torchvisions(leaf, boxes.double(), 1 / STRIDE, 6))
    torch.testing.assert_close(ours, theirs)


def test_bins_are_cut_from_the_window_as_it_is_and_only_then_at_the_edge() -> None:
    # Six columns from -2 to 3 in three bins of two: the first lies outside the map and is empty.
    features = torch.tensor([[[-1.0, -2.0, -3.0, -4.0]]])
    window = torch.tensor([[-2, 0, 3, 0]])
    first, behind = bin_edges(window, 3, 1, 4)
    assert first[0, :, 0].tolist() == [0, 0, 2] and behind[0, :, 0].tolist() == [0, 2, 4]
    assert pool_windows(features, window, 3)[0, 0, 0].tolist() == [0, -1, -3]


def test_neighbouring_bins_share_a_cell_where_the_window_does_not_divide() -> None:
    first, behind = bin_edges(torch.tensor([[2, 0, 6, 0]]), 2, 1, 19)
    assert first[0, :, 0].tolist() == [2, 4] and behind[0, :, 0].tolist() == [5, 7], "floor and ceil of 2.5"


def test_an_empty_bin_is_0_and_takes_no_gradient() -> None:
    features = torch.full((2, 4, 4), -1.0, requires_grad=True)
    pooled = roi_pool(features, torch.tensor([[400.0, 400.0, 500.0, 500.0]]), 1 / STRIDE)
    assert (pooled == 0).all()
    pooled.sum().backward()
    assert features.grad is not None and (features.grad == 0).all()


def test_a_region_smaller_than_a_cell_is_one_cell(features: Tensor) -> None:
    pooled = roi_pool(features, torch.tensor([[33.0, 17.0, 33.0, 17.0]]), 1 / STRIDE)
    assert pooled.equal(features[:, 1, 2].view(1, CHANNELS, 1, 1).expand(1, CHANNELS, 6, 6))


def test_roi_pool_is_a_pyramid_of_one_level_inside_the_map(features: Tensor) -> None:
    windows = roi_windows(boxes_about(300, margin=0), 1 / STRIDE)
    windows = windows[(windows[:, 2:] < torch.tensor([WIDTH, HEIGHT])).all(1)]
    boxes = windows.float() * STRIDE
    assert len(boxes) > 200
    for (x0, y0, x1, y1), pooled in zip(windows.tolist(), roi_pool(features, boxes, 1 / STRIDE), strict=True):
        assert pooled.equal(functional.adaptive_max_pool2d(features[:, y0 : y1 + 1, x0 : x1 + 1], 6))


def test_each_level_is_adaptive_max_pooling_of_the_window(features: Tensor) -> None:
    boxes = boxes_about(200, margin=0.2)
    windows = spp_windows(boxes, STRIDE, HEIGHT, WIDTH)
    pyramid = pyramid_pool(features, boxes, STRIDE)
    assert pyramid.shape == (200, 50 * CHANNELS)
    for (x0, y0, x1, y1), row in zip(windows.tolist(), pyramid, strict=True):
        crop = features[:, y0 : y1 + 1, x0 : x1 + 1]
        levels = [functional.adaptive_max_pool2d(crop, level).permute(1, 2, 0).flatten() for level in (6, 3, 2, 1)]
        assert row.equal(torch.cat(levels)), f"window {x0, y0, x1, y1}: finest first, a bin's channels together"


@pytest.mark.parametrize(
    ("box", "window"),
    [
        ((0, 0, 16, 16), (0, 0, 0, 0)),  # one cell's own pixels
        ((0, 0, 256, 256), (0, 0, 15, 15)),  # the whole image
        ((7, 9, 25, 57), (0, 1, 1, 3)),  # centres at 8 and 24; at 24, 40 and 56
        ((9, 7, 23, 25), (1, 0, 1, 1)),  # no centre across: the cell to the right of the left edge
        ((8, 8, 40, 40), (1, 1, 1, 1)),  # a centre on the edge is not inside
        ((-90, -90, 300, 300), (0, 0, 15, 15)),  # beyond the map
        ((250, 254, 256, 256), (15, 15, 15, 15)),  # a crumb in the corner
        ((400, 0, 500, 16), (15, 0, 15, 0)),  # beside the map
    ],
)
def test_spp_windows_hold_the_cells_whose_centres_lie_inside(box: tuple[int, ...], window: tuple[int, ...]) -> None:
    assert spp_windows(torch.tensor([box], dtype=torch.float32), STRIDE, 16, 16).tolist() == [list(window)]


def test_spp_windows_by_search() -> None:
    boxes = boxes_about(300, margin=0)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2] > STRIDE).all(1)]
    for box, window in zip(boxes, spp_windows(boxes, STRIDE, HEIGHT, WIDTH).tolist(), strict=True):
        for axis, cells in ((0, WIDTH), (1, HEIGHT)):
            inside = [cell for cell in range(cells) if box[axis] < STRIDE * (cell + 0.5) < box[axis + 2]]
            assert (window[axis], window[axis + 2]) == (inside[0], inside[-1])


def test_no_regions(features: Tensor) -> None:
    none = torch.zeros(0, 4)
    assert roi_pool(features, none, 1 / STRIDE).shape == (0, CHANNELS, 6, 6)
    assert pyramid_pool(features, none, STRIDE).shape == (0, 50 * CHANNELS)
    assert sum(level**2 for level in PYRAMID) == 50


def test_flattening_cells_is_free(features: Tensor) -> None:
    pooled = roi_pool(features, boxes_about(10, margin=0), 1 / STRIDE)
    flat = flatten_cells(pooled)
    assert flat.data_ptr() == pooled.data_ptr()
    assert flat[3].view(6, 6, CHANNELS)[1, 2].equal(pooled[3, :, 1, 2])


@pytest.mark.parametrize("bins", [1, 2, 6, 7])
@pytest.mark.parametrize("samples", [1, 2, 3])
@pytest.mark.parametrize("scale", [1 / STRIDE, 0.05, 0.31])
def test_roi_align_is_torchvisions(features: Tensor, scale: float, samples: int, bins: int) -> None:
    boxes = boxes_about(300, margin=0.5)
    aligned = roi_align(features, boxes, scale, bins, samples)
    expected = torchvision.ops.roi_align(features[None], [boxes], bins, scale, samples, aligned=True)
    assert (expected == 0).any(), "some bins lie outside"
    torch.testing.assert_close(aligned, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (2, 3), (31, 31)])
def test_roi_align_on_maps_of_any_size(shape: tuple[int, int]) -> None:
    features = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    boxes = boxes_about(300, margin=0.1).double()
    expected = torchvision.ops.roi_align(features[None], [boxes], 6, 1 / STRIDE, 2, aligned=True)
    torch.testing.assert_close(roi_align(features, boxes, 1 / STRIDE), expected)


def test_roi_align_has_torchvisions_gradient(features: Tensor) -> None:
    boxes = boxes_about(50, margin=0.3).double()
    weight = torch.randn(50, CHANNELS, 6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    gradients = []
    for align in (
        lambda leaf: roi_align(leaf, boxes, 1 / STRIDE),
        lambda leaf: torchvision.ops.roi_align(leaf[None], [boxes], 6, 1 / STRIDE, 2, aligned=True),
    ):
        leaf = features.double().requires_grad_()
        (align(leaf) * weight).sum().backward()
        gradients.append(leaf.grad)
    torch.testing.assert_close(*gradients)


def test_a_bins_points_divide_it_evenly() -> None:
    # Two bins of 2 x 1 cells: edges at 1, 3 and 5 across; middles of cells are whole numbers, half a cell further left.
    points = sampling_points(torch.tensor([[16.0, 32.0, 80.0, 64.0]]), 1 / STRIDE, bins=2, samples=2)
    assert points[0, :, :, 0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert points[0, :, :, 1].tolist() == [[1.75, 2.25], [2.75, 3.25]]


@pytest.mark.parametrize(
    ("point", "weights"),
    [
        (1.25, [0, 0.75, 0.25]),
        (2.0, [0, 0, 1]),
        (-0.75, [1, 0, 0]),  # within a cell of the edge: the outermost
        (-1.01, [0, 0, 0]),
        (2.75, [0, 0, 1]),
        (3.01, [0, 0, 0]),
    ],
)
def test_a_point_takes_of_its_two_neighbours(point: float, weights: list[float]) -> None:
    assert interpolation(torch.tensor([[point]]), 3)[0].tolist() == pytest.approx(weights)


def test_the_greatest_cells_hold_the_pooled_values(features: Tensor) -> None:
    windows = roi_windows(boxes_about(60, margin=0.3), 1 / STRIDE)
    channel = features[2]
    for window, pooled in zip(windows, pool_windows(features, windows, 6)[:, 2], strict=True):
        cells = greatest_cells(channel, window, 6)
        empty = cells[..., 0] < 0
        assert channel[cells[..., 1], cells[..., 0]].where(~empty, 0).equal(pooled)


def test_of_equal_cells_the_first_is_the_greatest() -> None:
    cells = greatest_cells(torch.ones(4, 4), torch.tensor([1, 0, 2, 3]), 2)
    assert cells.tolist() == [[[1, 0], [2, 0]], [[1, 2], [2, 2]]]


def test_window_errors_are_the_rounding_in_pixels() -> None:
    box = torch.tensor([[10.0, 30.0, 90.0, 88.0]])
    # 0.625, 1.875, 5.625 and 5.5 cells round to 1, 2, 6 and 6, and a window ends behind its last cell.
    windows = roi_windows(box, 1 / STRIDE)
    assert windows.tolist() == [[1, 2, 6, 6]]
    assert window_errors(windows, box, 1 / STRIDE).tolist() == [[6, 2, 22, 24]]


def test_a_window_is_at_most_half_a_cell_off_at_its_start_and_one_and_a_half_at_its_end() -> None:
    boxes = boxes_about(500, margin=0)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2] > STRIDE).all(1)]
    errors = window_errors(roi_windows(boxes, 1 / STRIDE), boxes, 1 / STRIDE)
    assert errors[:, :2].abs().max() <= STRIDE / 2
    assert errors[:, 2:].min() >= STRIDE / 2 and errors[:, 2:].max() <= 1.5 * STRIDE
