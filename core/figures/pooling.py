"""What the pooling explorer draws: a region on one channel of the map, and the bins of every way to pool it."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from core.detectors.one_map import ImageMap, count_multiply_adds, pool_each_way
from core.detectors.regions import BINS
from core.figures.lettering import CHART_FONT_SIZE
from core.figures.sent.pooling import CostBySize, Pooled, PooledRegions, PoolingLevel
from core.figures.transport import data_url, packed
from core.i18n import _
from core.pooling import (
    PYRAMID,
    bin_edges,
    greatest_cells,
    pool_windows,
    roi_align,
    roi_windows,
    sampling_points,
    spp_windows,
    window_errors,
)

COLOURS = 64
REGIONS = (*range(1, 10), *range(10, 100, 10), *range(100, 1000, 100), 1000, 1500, 2000)
FIRST_REGIONS = 2000  # the papers'
# Also told apart by their markers; the same in every picture of the page.
WAYS = {"roi_pool": ("#E69F00", "square"), "roi_align": ("#56B4E9", "circle"), "spp": ("#CC79A7", "diamond")}


def strongest_channels(image_map: ImageMap, box: Tensor, count: int) -> list[int]:
    """Return the ``count`` channels with the greatest mean inside ``box`` (4,), in pixels of the image, best first."""
    inside = pool_each_way(image_map, box[None])["roi_align"][0]
    return inside.mean((1, 2)).topk(min(count, len(inside))).indices.tolist()


def explorer_data(
    image: Tensor,
    image_map: ImageMap,
    box: Tensor,
    channel: int,
    crop: Tensor,
    context: int,
    offered: Sequence[int] = (),
) -> PooledRegions:
    """Return, ready for JSON, how ``box`` (4,) of ``image`` (3, H, W) uint8 is pooled from one ``channel`` of its map.

    ``map`` holds the channel's cells, row by row; cell i covers i to i + 1 of the map's own coordinates, of which a
    pixel is ``scale``. Each of ``ways`` has a ``window``, (x0, y0, x1, y1) in those coordinates, its ``errors`` against
    the region's edges in pixels of the image, and ``levels`` of n x n bins: the ``columns`` and ``rows`` that they run
    from and to, their pooled ``values``, and either the ``greatest`` cell (column, row) of each bin, None where it is
    empty, or the sampling ``points`` by which bilinear interpolation takes a mean, as their columns and rows. ``crop``
    (3, S, S) uint8 is what R-CNN warps the region to, ``context`` pixels wide on each side of it. Of each channel in
    ``offered``, base64 holds the ``cells`` as places in the ``palette``, a byte each, up to that channel's own maximum.
    """
    values = image_map.features[channel]
    on_input = box[None] * image_map.input_scale
    windows = roi_windows(on_input, 1 / image_map.stride)
    pyramid = spp_windows(on_input, image_map.stride, *values.shape)
    return {
        "image": data_url(image),
        "width": image.shape[2],
        "height": image.shape[1],
        "region": box.tolist(),
        "map": values.tolist(),
        "scale": image_map.scale,
        "channel": channel,
        "offered": [{"channel": one, "cells": _in_palette(image_map.features[one])} for one in offered],
        "top": max(float(values.max()), 1e-9),
        "palette": viridis(),
        "crop": data_url(crop),
        "context": context / crop.shape[-1],
        "ways": {
            name: {"colour": WAYS[name][0], **way}
            for name, way in (
                ("roi_pool", _in_cells(values, windows, (BINS,), box, image_map.scale)),
                ("roi_align", _in_points(values, on_input, image_map.stride)),
                ("spp", _in_cells(values, pyramid, PYRAMID, box, image_map.scale)),
            )
        },
    }


def _in_palette(values: Tensor) -> str:
    parts = values.clamp(min=0) / values.max().clamp(min=1e-9)
    return packed((parts * (COLOURS - 1)).round().numpy(), "u1")


def viridis() -> list[str]:
    """Return the colours of ``stages.heat_map``, dark to yellow, in ``COLOURS`` steps."""
    steps = np.linspace(0, 255, COLOURS).round().astype(np.uint8)[None]
    return [
        f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in cv2.applyColorMap(steps, cv2.COLORMAP_VIRIDIS)[0]
    ]


def _in_cells(values: Tensor, window: Tensor, levels: Sequence[int], box: Tensor, scale: float) -> Pooled:
    """Describe max pooling of ``window`` (1, 4) of ``values`` (H, W) in ``levels`` of bins."""
    left, top, right, bottom = window[0].tolist()
    return {
        "window": [left, top, right + 1, bottom + 1],
        "errors": window_errors(window, box[None], scale)[0].tolist(),
        "levels": [_cells_level(values, window, bins) for bins in levels],
    }


def _cells_level(values: Tensor, window: Tensor, bins: int) -> PoolingLevel:
    first, behind = (edges[0] for edges in bin_edges(window, bins, *values.shape))
    cells = greatest_cells(values, window[0], bins).tolist()
    return {
        "columns": torch.stack([first[:, 0], behind[:, 0]], 1).tolist(),
        "rows": torch.stack([first[:, 1], behind[:, 1]], 1).tolist(),
        "values": pool_windows(values[None], window, bins)[0, 0].tolist(),
        "greatest": [[None if cell[0] < 0 else cell for cell in row] for row in cells],
    }


def _in_points(values: Tensor, on_input: Tensor, stride: int) -> Pooled:
    """Describe RoIAlign of the region ``on_input`` (1, 4); half a cell lies between its coordinates and the map's."""
    points = sampling_points(on_input, 1 / stride)[0] + 0.5
    start, end = on_input[0, :2] / stride, on_input[0, 2:] / stride
    edges = start + torch.arange(BINS + 1)[:, None] / BINS * (end - start)
    spans = torch.stack([edges[:-1], edges[1:]], 1)
    level: PoolingLevel = {
        "columns": spans[..., 0].tolist(),
        "rows": spans[..., 1].tolist(),
        "values": roi_align(values[None], on_input, 1 / stride, BINS)[0, 0].tolist(),
        "points": {"columns": points[..., 0].tolist(), "rows": points[..., 1].tolist()},
    }
    return {"window": [*start.tolist(), *end.tolist()], "errors": [0.0] * 4, "levels": [level]}


def cost_data(height: int, width: int, trunk: str = "slim") -> CostBySize:
    """Return, ready for JSON, the multiply-adds on an image of ``height`` x ``width`` for each number of ``REGIONS``.

    ``trained`` is a network on ``trunk``, ``paper`` one at the papers' size. Each is two numbers, of the convolutions
    and of the fully connected layers, for a crop each and for one map.
    """
    sizes = {"trained": trunk, "paper": "paper"}
    counts = {size: count_multiply_adds(on, height, width) for size, on in sizes.items()}
    return {
        "regions": list(REGIONS),
        "start": FIRST_REGIONS,
        "sizes": {
            size: [
                {"crops": [regions * one.crop, regions * one.layers], "map": [one.image, regions * one.layers]}
                for regions in REGIONS
            ]
            for size, one in counts.items()
        },
    }


def glide_chart(
    shifts: Sequence[int], distances: Mapping[str, Sequence[float]], titles: Mapping[str, str]
) -> go.Figure:
    """Return how far each way's feature goes from that at rest, in percent of its length, as the region moves."""
    figure = go.Figure()
    for way, values in distances.items():
        colour, marker = WAYS[way]
        figure.add_scatter(
            x=list(shifts),
            y=[100 * value for value in values],
            name=titles[way],
            mode="lines+markers",
            line={"width": 3, "color": colour},
            marker={"symbol": marker, "size": 8},
            hovertemplate="%{fullData.name}, %{x:+d} px: %{y:.0f} %<extra></extra>",
        )
    figure.update_layout(
        height=380,
        font_size=CHART_FONT_SIZE,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "font_size": CHART_FONT_SIZE},
        uirevision="glide",
    )
    look = {"title_font_size": CHART_FONT_SIZE, "tickfont_size": CHART_FONT_SIZE}
    figure.update_xaxes(title=_("Region moved to the right by (px)"), dtick=4, **look)
    figure.update_yaxes(title=_("Change of the feature (%)"), rangemode="tozero", **look)
    return figure
