"""From a region of any size to a feature of one size: RoI pooling, spatial pyramid pooling, RoIAlign.

A feature map is (C, H, W); a *window* is a region's cells on it, ``(column0, row0, column1, row1)`` with both ends
included, int64. Pooled values are (R, C, n, n).
"""

from collections.abc import Sequence
from functools import reduce

import torch
import torchvision
from torch import Tensor

PYRAMID = (6, 3, 2, 1)
SAMPLES = 2  # points of RoIAlign across and down each bin: four in all (He et al. 2017, section 3)
_PIECE = 2**18  # bytes


def roi_windows(boxes: Tensor, scale: float) -> Tensor:
    """Project ``boxes`` (R, 4) onto a map of ``scale`` cells a pixel, rounding half up: windows (R, 4).

    A window ends in the cell that its end rounds to, and is at least one cell. Fast R-CNN's released code, as in
    ``torchvision.ops.roi_pool``.
    """
    cells = (boxes * scale + 0.5).floor().long()
    return torch.cat([cells[:, :2], torch.maximum(cells[:, :2], cells[:, 2:])], 1)


def spp_windows(boxes: Tensor, stride: int, height: int, width: int) -> Tensor:
    """Project ``boxes`` (R, 4) onto the cells whose centres lie inside them: windows (R, 4) within H x W.

    A corner goes to the nearest centre of a cell within (He et al. 2014, appendix A); a cell's centre is the middle
    of the ``stride`` pixels that the trunk was taught to name by it. At least one cell.
    """
    start = ((boxes[:, :2] - stride / 2) / stride).floor().long() + 1
    end = ((boxes[:, 2:] - stride / 2) / stride).ceil().long() - 1
    last = torch.tensor([width - 1, height - 1], device=boxes.device)
    start = torch.minimum(start.clamp(min=0), last)
    return torch.cat([start, torch.maximum(start, torch.minimum(end, last))], 1)


def bin_edges(windows: Tensor, bins: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Divide ``windows`` (R, 4) into ``bins`` x ``bins``: first cells and cells behind the last, each (R, bins, 2).

    The last axis is (column, row). Bin i runs from floor(i w / n) to ceil((i + 1) w / n) of the window as it is,
    and only then is cut at the map's edge: a bin outside the map is empty.
    """
    extent = (windows[:, 2:] - windows[:, :2] + 1)[:, None]
    index = torch.arange(bins, device=windows.device)[None, :, None]
    first = windows[:, None, :2] + index * extent // bins
    behind = windows[:, None, :2] - (-(index + 1) * extent // bins)
    limit = torch.tensor([width, height], device=windows.device)
    return torch.minimum(first.clamp(min=0), limit), torch.minimum(behind.clamp(min=0), limit)


def pool_windows(features: Tensor, windows: Tensor, bins: int) -> Tensor:
    """Take the greatest value of ``features`` (C, H, W) in every bin of ``windows`` (R, 4): (R, C, bins, bins).

    An empty bin gives 0. Maxima over all squares and oblongs of 1, 2, 4, ... cells a side are tabulated once; two
    of them across and two down, overlapping, make any bin, so that its size does not matter. The result lies
    channels-last in memory.
    """
    channels, height, width = features.shape
    first, behind = bin_edges(windows, bins, height, width)
    size = behind - first
    octave = size.clamp(min=1).log2().floor().long()
    far = behind - (1 << octave)
    across, down = (int(extent) + 1 for extent in octave.amax((0, 1))) if len(windows) else (1, 1)
    table = _window_maxima(features.permute(1, 2, 0), down, across)

    columns = [octave[..., 0] * height * width + edge[..., 0] for edge in (first, far)]
    rows = [(octave[..., 1] * across * height + edge[..., 1]) * width for edge in (first, far)]
    empty = (size[..., 1] < 1)[:, :, None] | (size[..., 0] < 1)[:, None, :]
    corners = [
        (row[:, :, None] + column[:, None, :]).masked_fill(empty, len(table) - 1).flatten()
        for row in rows
        for column in columns
    ]
    # In pieces that stay in the processor's cache; whole, the four look-ups would travel through memory.
    most = max(1, _PIECE // (channels * features.element_size()))
    pieces = zip(*(corner.split(most) for corner in corners), strict=True)
    pooled = torch.cat([reduce(torch.maximum, (table.index_select(0, one) for one in piece)) for piece in pieces])
    return pooled.view(-1, bins, bins, channels).permute(0, 3, 1, 2)


def _window_maxima(cells: Tensor, down: int, across: int) -> Tensor:
    """Tabulate the maxima of ``cells`` (H, W, C) over all windows of 2^i x 2^j cells, i < ``down``, j < ``across``.

    Rows of the result (down * across * H * W + 1, C) are ordered by i, j, first row, first column; a window that
    leaves the map holds what lies inside. The last row is zero, for empty bins.
    """
    wide = [cells]
    for octave in range(across - 1):
        wide.append(_max_with_next(wide[-1], 1 << octave, dim=1))
    maxima = [torch.stack(wide)]
    for octave in range(down - 1):
        maxima.append(_max_with_next(maxima[-1], 1 << octave, dim=1))
    table = torch.stack(maxima).flatten(0, 3)
    return torch.cat([table, table.new_zeros(1, cells.shape[-1])])


def _max_with_next(maxima: Tensor, distance: int, dim: int) -> Tensor:
    """Join each window of ``maxima`` with the one that starts ``distance`` further along ``dim``."""
    length = maxima.shape[dim] - distance
    if length <= 0:
        return maxima
    joined = torch.maximum(maxima.narrow(dim, 0, length), maxima.narrow(dim, distance, length))
    return torch.cat([joined, maxima.narrow(dim, length, distance)], dim)


def roi_pool(features: Tensor, boxes: Tensor, scale: float, bins: int = 6) -> Tensor:
    """RoI max pooling (Girshick 2015, section 2.1): ``boxes`` (R, 4) on ``features`` (C, H, W) to (R, C, n, n)."""
    return pool_windows(features, roi_windows(boxes, scale), bins)


def roi_pool_each(maps: Tensor, boxes: Sequence[Tensor], scale: float, bins: int = 6) -> Tensor:
    """Pool the ``boxes`` (R, 4) of each of ``maps`` (B, C, H, W) as ``roi_pool`` does, to (all R, C, n, n), to learn.

    torchvision's operator: its gradient goes to one greatest cell of a bin and takes no table of maxima with it.
    """
    pooled: Tensor = torchvision.ops.roi_pool(maps.float(), list(boxes), bins, scale)
    return pooled


def pyramid_pool(features: Tensor, boxes: Tensor, stride: int, levels: tuple[int, ...] = PYRAMID) -> Tensor:
    """Spatial pyramid pooling (He et al. 2014, section 2.2) of ``boxes`` (R, 4): (R, 50 C), finest level first.

    Each level is a max pooling into n x n bins; a bin's C channels lie together.
    """
    windows = spp_windows(boxes, stride, *features.shape[1:])
    return torch.cat([flatten_cells(pool_windows(features, windows, level)) for level in levels], 1)


def flatten_cells(pooled: Tensor) -> Tensor:
    """Flatten (R, C, n, n) into (R, n * n * C), cell by cell; free of cost for values that lie channels-last."""
    return pooled.permute(0, 2, 3, 1).flatten(1)


def greatest_cells(channel: Tensor, window: Tensor, bins: int) -> Tensor:
    """Find which cell of ``channel`` (H, W) each bin of ``window`` (4,) takes its maximum from: (n, n, 2) int64.

    The last axis is (column, row), -1 where the bin is empty; of equal cells, the first by row and column.
    """
    first, behind = (edges[0].tolist() for edges in bin_edges(window[None], bins, *channel.shape))
    cells = torch.full((bins, bins, 2), -1)
    for row, (top, bottom) in enumerate((first[i][1], behind[i][1]) for i in range(bins)):
        for column, (left, right) in enumerate((first[i][0], behind[i][0]) for i in range(bins)):
            inside = channel[top:bottom, left:right]
            if inside.numel():
                place = int(inside.argmax())
                cells[row, column] = torch.tensor([left + place % (right - left), top + place // (right - left)])
    return cells


def sampling_points(boxes: Tensor, scale: float, bins: int = 6, samples: int = SAMPLES) -> Tensor:
    """Place RoIAlign's points: ``samples`` across and down each bin of ``boxes`` (R, 4), (R, bins, samples, 2).

    The last axis is (column, row) on a map of ``scale`` cells a pixel, where whole numbers are the middles of cells;
    nothing is rounded. The points of a bin divide it evenly.
    """
    start, end = boxes[:, None, None, :2] * scale, boxes[:, None, None, 2:] * scale
    part = (torch.arange(bins * samples).to(boxes).view(1, bins, samples, 1) + 0.5) / (bins * samples)
    return start + part * (end - start) - 0.5


def interpolation(points: Tensor, length: int) -> Tensor:
    """Return how much of each of ``length`` cells the mean over the ``points`` (..., samples) takes: (..., length).

    A point between two cells takes of both, the more the nearer (linear interpolation); within a cell of the map's
    edge it takes the outermost cell, and further out nothing.
    """
    cells = torch.arange(length, device=points.device)
    near = (1 - (points.clamp(0, length - 1)[..., None] - cells).abs()).clamp(min=0)
    inside = (points >= -1) & (points <= length)
    return (near * inside[..., None]).mean(-2)


def roi_align(features: Tensor, boxes: Tensor, scale: float, bins: int = 6, samples: int = SAMPLES) -> Tensor:
    """RoIAlign (He et al. 2017, section 3): ``boxes`` (R, 4) on ``features`` (C, H, W) to (R, C, n, n).

    Bilinear interpolation is linear across and then down, so that the mean over a bin's points is two matrix products:
    rows x map x columns. As ``torchvision.ops.roi_align`` with ``aligned=True``.
    """
    height, width = features.shape[1:]
    points = sampling_points(boxes.to(features), scale, bins, samples)
    rows = interpolation(points[..., 1], height)
    columns = interpolation(points[..., 0], width)
    return rows[:, None] @ features @ columns.transpose(1, 2)[:, None]


def window_errors(windows: Tensor, boxes: Tensor, scale: float) -> Tensor:
    """Return how far each edge of ``windows`` (R, 4) lies from the one of ``boxes`` (R, 4), in pixels: (R, 4).

    Positive is to the right and down; the map has ``scale`` cells a pixel and a window ends behind its last cell.
    """
    behind = torch.tensor([0, 0, 1, 1], device=windows.device)
    return (windows + behind) / scale - boxes
