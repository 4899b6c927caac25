"""What is drawn is what is pooled: the bins, cells and points that are sent give torchvision's values again."""

import base64
import json
import math
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor
from torch.nn import functional

from core.detectors.one_map import ImageMap
from core.figures.pooling import (
    COLOURS,
    REGIONS,
    WAYS,
    cost_data,
    explorer_data,
    glide_chart,
    strongest_channels,
    viridis,
)
from core.figures.stages import heat_map

HEIGHT, WIDTH = 150, 230  # pixels; the map has a cell for every 16 begun
CHANNEL = 2
REGION_KINDS = {
    "usual": (37, 21, 118, 99),
    "whole image": (0, 0, WIDTH, HEIGHT),
    "one pixel": (100, 70, 101, 71),
    "flat": (10, 60, 200, 66),
    "last corner": (190, 120, WIDTH, HEIGHT),
    "on cell edges": (32, 48, 128, 112),
}


def sent(edges: tuple[int, ...], input_scale: float = 1.0) -> tuple[dict[str, Any], Tensor, Tensor]:
    """Return what reaches the browser, the features, and the region in pixels of the network's input."""
    rng = torch.Generator().manual_seed(0)
    cells = [math.ceil(side * input_scale / 16) for side in (HEIGHT, WIDTH)]
    features = torch.randn(4, *cells, generator=rng)
    image = torch.randint(0, 256, (3, HEIGHT, WIDTH), generator=rng, dtype=torch.uint8)
    box = torch.tensor(edges, dtype=torch.float32)
    data = explorer_data(image, ImageMap(features, input_scale, 16), box, CHANNEL, image[:, :32, :32], 4)
    return json.loads(json.dumps(data, allow_nan=False)), features[CHANNEL], box * input_scale


def drawn_bins(level: dict[str, Any]) -> list[tuple[int, int, slice, slice]]:
    """Return row, column and drawn cells of every bin."""
    return [
        (row, column, slice(top, bottom), slice(left, right))
        for row, (top, bottom) in enumerate(level["rows"])
        for column, (left, right) in enumerate(level["columns"])
    ]


def greatest_of_drawn(cells: Tensor, level: dict[str, Any]) -> Tensor:
    bins = len(level["rows"])
    pooled = torch.zeros(bins, bins)
    for row, column, down, across in drawn_bins(level):
        inside = cells[down, across]
        if inside.numel():
            pooled[row, column] = inside.max()
    return pooled


def interpolated(cells: Tensor, x: float, y: float) -> float:
    """Mix the four cells whose middles stand about the drawn point (x, y)."""
    across = min(max(x - 0.5, 0), cells.shape[1] - 1)
    down = min(max(y - 0.5, 0), cells.shape[0] - 1)
    left, top = min(int(across), cells.shape[1] - 1), min(int(down), cells.shape[0] - 1)
    right, bottom = min(left + 1, cells.shape[1] - 1), min(top + 1, cells.shape[0] - 1)
    upper = float(cells[top, left]) * (1 - across + left) + float(cells[top, right]) * (across - left)
    lower = float(cells[bottom, left]) * (1 - across + left) + float(cells[bottom, right]) * (across - left)
    return upper * (1 - down + top) + lower * (down - top)


every_region = pytest.mark.parametrize("edges", REGION_KINDS.values(), ids=REGION_KINDS.keys())
every_scale = pytest.mark.parametrize("input_scale", [1.0, 0.834])


@every_scale
@every_region
def test_the_drawn_cells_give_torchvisions_roi_pooling(edges: tuple[int, ...], input_scale: float) -> None:
    data, channel, box = sent(edges, input_scale)
    cells = torch.tensor(data["map"])
    assert cells.equal(channel)
    (level,) = data["ways"]["roi_pool"]["levels"]
    expected = torchvision.ops.roi_pool(channel[None, None], [box[None]], 6, 1 / 16)[0, 0]
    assert greatest_of_drawn(cells, level).equal(expected)
    assert torch.tensor(level["values"]).equal(expected), "and the heat map shows the same"


@every_scale
@every_region
def test_the_drawn_points_give_torchvisions_roi_align(edges: tuple[int, ...], input_scale: float) -> None:
    data, channel, box = sent(edges, input_scale)
    cells = torch.tensor(data["map"])
    (level,) = data["ways"]["roi_align"]["levels"]
    points = level["points"]
    pooled = torch.tensor(
        [
            [sum(interpolated(cells, x, y) for y in ys for x in xs) / (len(xs) * len(ys)) for xs in points["columns"]]
            for ys in points["rows"]
        ]
    )
    expected = torchvision.ops.roi_align(channel[None, None], [box[None]], 6, 1 / 16, 2, aligned=True)[0, 0]
    torch.testing.assert_close(pooled, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(torch.tensor(level["values"]), expected, atol=1e-5, rtol=1e-5)


@every_scale
@every_region
def test_the_drawn_cells_give_the_pyramid(edges: tuple[int, ...], input_scale: float) -> None:
    data, channel, _box = sent(edges, input_scale)
    cells = torch.tensor(data["map"])
    x0, y0, x1, y1 = data["ways"]["spp"]["window"]
    levels = data["ways"]["spp"]["levels"]
    assert [len(level["rows"]) for level in levels] == [6, 3, 2, 1]
    for level in levels:
        expected = functional.adaptive_max_pool2d(channel[None, y0:y1, x0:x1], len(level["rows"]))[0]
        assert greatest_of_drawn(cells, level).equal(expected) and torch.tensor(level["values"]).equal(expected)


@every_region
def test_the_marked_cell_lies_in_its_bin_and_holds_its_value(edges: tuple[int, ...]) -> None:
    data, _channel, _box = sent(edges)
    for way in ("roi_pool", "spp"):
        for level in data["ways"][way]["levels"]:
            for row, column, down, across in drawn_bins(level):
                marked = level["greatest"][row][column]
                if marked is None:
                    assert down.start == down.stop or across.start == across.stop
                    continue
                assert across.start <= marked[0] < across.stop and down.start <= marked[1] < down.stop
                assert data["map"][marked[1]][marked[0]] == level["values"][row][column]


@every_scale
def test_points_lie_evenly_in_the_bins_and_the_bins_tile_the_region(input_scale: float) -> None:
    data, _channel, box = sent(REGION_KINDS["usual"], input_scale)
    (level,) = data["ways"]["roi_align"]["levels"]
    for spans, points, low, high in (
        (level["columns"], level["points"]["columns"], box[0], box[2]),
        (level["rows"], level["points"]["rows"], box[1], box[3]),
    ):
        assert [spans[0][0], spans[-1][1]] == pytest.approx([float(low) / 16, float(high) / 16])
        for (start, end), inside in zip(spans, points, strict=True):
            assert inside == pytest.approx([start + (end - start) / 4, end - (end - start) / 4], abs=1e-5)


@every_scale
@every_region
def test_errors_are_from_the_region_to_the_drawn_window(edges: tuple[int, ...], input_scale: float) -> None:
    data, _channel, _box = sent(edges, input_scale)
    assert data["region"] == list(edges)
    for way in data["ways"].values():
        expected = [end / data["scale"] - edge for end, edge in zip(way["window"], edges, strict=True)]
        assert way["errors"] == pytest.approx(expected, abs=1e-3)
    assert data["ways"]["roi_align"]["errors"] == [0, 0, 0, 0]


def test_the_largest_error_of_roi_pooling_is_where_the_window_ends() -> None:
    data, _channel, _box = sent((37, 21, 118, 99))
    # 2.3, 1.3, 7.4 and 6.2 cells become 2, 1, 7 and 6, the last two included: pixels 32, 16, 128 and 112.
    assert data["ways"]["roi_pool"]["window"] == [2, 1, 8, 7]
    assert data["ways"]["roi_pool"]["errors"] == [-5, -5, 10, 13]


def test_the_scale_of_the_colours_is_the_channels_own() -> None:
    data, channel, _box = sent(REGION_KINDS["usual"])
    assert data["top"] == pytest.approx(float(channel.max()))
    assert len(data["palette"]) == COLOURS and len(set(data["palette"])) == COLOURS
    assert data["palette"] == viridis()
    gradient = heat_map(torch.linspace(0, 1, COLOURS)[None])
    row = gradient.crop((0, 0, gradient.width, 1)).tobytes()
    assert [f"#{row[:3].hex()}", f"#{row[-3:].hex()}"] == [data["palette"][0], data["palette"][-1]]


def test_offered_channels_travel_as_places_in_the_palette() -> None:
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    features = torch.rand(4, 4, 4, generator=torch.Generator().manual_seed(0))
    box = torch.tensor([0.0, 0, 64, 64])
    data = explorer_data(image, ImageMap(features, 1.0, 16), box, 0, image, 4, offered=[3, 1])
    assert [offer["channel"] for offer in data["offered"]] == [3, 1]
    for offer in data["offered"]:
        values = features[offer["channel"]]
        places = np.frombuffer(base64.b64decode(offer["cells"]), "u1").reshape(4, 4)
        np.testing.assert_allclose(places / (COLOURS - 1), values / values.max(), atol=0.5 / (COLOURS - 1) + 1e-6)
        assert places.max() == COLOURS - 1


def test_a_dead_channel_is_dark_and_no_division_by_zero() -> None:
    image = torch.zeros(3, 64, 64, dtype=torch.uint8)
    box = torch.tensor([0.0, 0, 64, 64])
    data = explorer_data(image, ImageMap(torch.zeros(1, 4, 4), 1.0, 16), box, 0, image, 4, offered=[0])
    assert data["top"] > 0 and base64.b64decode(data["offered"][0]["cells"]) == bytes(16)
    assert json.dumps(data, allow_nan=False)


def test_the_strongest_channel_is_the_one_inside_the_region() -> None:
    features = torch.zeros(3, 10, 10)
    features[0] = 1
    features[1, 2:5, 2:5] = 3
    features[2, 7:, 7:] = 9
    image_map = ImageMap(features, 1.0, 16)
    assert strongest_channels(image_map, torch.tensor([32.0, 32, 80, 80]), 2) == [1, 0]
    assert strongest_channels(image_map, torch.tensor([112.0, 112, 160, 160]), 1) == [2]
    assert len(strongest_channels(image_map, torch.tensor([0.0, 0, 16, 16]), 9)) == 3


def test_the_glide_chart_has_a_line_for_each_way() -> None:
    titles = {way: way.upper() for way in WAYS}
    figure = glide_chart([-1, 0, 1], {way: [0.5, 0.0, 0.25] for way in WAYS}, titles)
    assert [line.name for line in figure.data] == list(titles.values())
    assert list(figure.data[0].x) == [-1, 0, 1] and list(figure.data[0].y) == [50, 0, 25]
    assert len({line.line.color for line in figure.data}) == len({line.marker.symbol for line in figure.data}) == 3


@pytest.mark.parametrize("trunk", ["slim", "lite0"])
def test_costs_are_there_for_every_number_of_regions(trunk: str) -> None:
    data = json.loads(json.dumps(cost_data(256, 256, trunk)))
    assert list(data["sizes"]) == ["trained", "paper"]
    assert data["regions"] == sorted(set(REGIONS)) and data["start"] in data["regions"]
    for size, rows in data["sizes"].items():
        assert len(rows) == len(REGIONS)
        for regions, row in zip(REGIONS, rows, strict=True):
            crops, one_map = row["crops"], row["map"]
            assert crops == [regions * part for part in rows[0]["crops"]], size
            assert one_map == [rows[0]["map"][0], regions * rows[0]["map"][1]], size


def test_one_crop_costs_what_an_image_of_its_size_does() -> None:
    slim_rows = cost_data(256, 256)["sizes"]["trained"]
    assert slim_rows[0]["crops"] == slim_rows[0]["map"], "one crop of 256 costs what the image of 256 does"
    assert sum(slim_rows[-1]["crops"]) > 100 * sum(slim_rows[-1]["map"])
