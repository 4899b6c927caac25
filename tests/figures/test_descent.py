"""What the browser gets of the optimizers: the surface's own heights, and every rule's own walk."""

import base64
from typing import Any

import numpy as np
import pytest
import torch

from core.autograd.descent import RULES, Settings, descend
from core.figures.descent import (
    COLOURS,
    FIRST_RATES,
    LARGEST,
    NAMES,
    PRESETS,
    RATES,
    SIDE,
    height_colours,
    preset_data,
    steps_on,
    surface_called,
    surface_data,
    walks_data,
)
from core.figures.sent.modules import Walks


def unpacked(text: str, dtype: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


def walks(data: Walks) -> tuple[np.ndarray, np.ndarray]:
    shape = (len(RULES), len(RATES), data["steps"] + 1)
    return unpacked(data["points"], "<f4", *shape, 2), unpacked(data["losses"], "<f4", *shape)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_lowest_at_the_minimum_and_rises_with_the_loss(name: str) -> None:
    data, surface = surface_data(name), surface_called(name)
    heights = unpacked(data["heights"], "u1", SIDE, SIDE)
    x, y = np.linspace(*surface.x, SIDE), np.linspace(*surface.y, SIDE)
    for place in surface.minima:
        row, column = np.abs(y - place[1]).argmin(), np.abs(x - place[0]).argmin()
        assert heights[row, column] < 40, f"no valley at {place}"
    assert heights.max() == 255
    corners = [(0, 0), (0, SIDE - 1), (SIDE - 1, 0), (SIDE - 1, SIDE - 1)]
    losses = [float(surface(torch.tensor([x[column], y[row]]))) for row, column in corners]
    drawn = [int(heights[corner]) for corner in corners]
    assert all(drawn[a] <= drawn[b] for a in range(4) for b in range(4) if losses[a] < losses[b])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_contour_line_is_a_line_of_equal_loss(name: str) -> None:
    data, surface = surface_data(name), surface_called(name)
    assert len(data["contours"]) > 8
    for line in data["contours"]:
        above = surface(torch.tensor(line, dtype=torch.float64)) - surface.lowest()
        logarithms = torch.log1p(above / 0.05)
        assert logarithms.std(correction=0) < 0.4, "the next line is 0.5 to 1.1 away"


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_walk_is_the_rules_own_at_each_learning_rate(name: str) -> None:
    surface = surface_called(name)
    points, losses = walks(walks_data(name, surface.start, 0.8, 0.02))
    for place in (0, 7, 11):  # beyond, some walks are chaotic: they magnify the last digit of a sum
        for number, rule in enumerate(RULES):
            path = descend(surface, rule, surface.start, steps_on(name), Settings(RATES[place], 0.8, 0.02))
            length = len(path.points)
            np.testing.assert_allclose(points[number, place, :length], path.points.clamp(-LARGEST, LARGEST), 1e-5, 1e-5)
            np.testing.assert_allclose(losses[number, place, :length], path.losses.clamp(-LARGEST, LARGEST), 1e-4, 1e-5)
            assert np.isnan(losses[number, place, length:]).all()


def test_what_a_float32_cannot_hold_is_sent_as_the_largest_and_overflow_as_nan() -> None:
    _points, losses = walks(walks_data("bowl", (2.0, 1.0), 0.9, 0.0))
    sgd = losses[list(RULES).index("sgd"), RATES.index(0.316)]
    assert sgd[-1] == np.float32(LARGEST) and not np.isnan(sgd).any()
    assert np.isnan(walks(walks_data("rosenbrock", (-1.2, 1.0), 0.9, 0.0))[1][0, RATES.index(0.01)][10:]).all()


@pytest.mark.slow
def test_every_surface_begins_with_learning_rates_that_lead_down() -> None:
    for name, (lr, adaptive) in FIRST_RATES.items():
        surface = surface_called(name)
        assert lr in RATES and adaptive in RATES
        for rule in RULES:
            rate = adaptive if rule in ("rmsprop", "adam", "adamw") else lr
            path = descend(surface, rule, surface.start, steps_on(name), Settings(rate))
            assert path.losses[-1] < path.losses[0] / 2 or name == "saddle", f"{rule} on {name}"
    assert set(FIRST_RATES) == set(NAMES)


def ends(name: str) -> dict[str, Any]:
    preset = PRESETS[name]
    return {
        rule: descend(
            surface_called(preset.surface),
            rule,
            preset.start,
            steps_on(preset.surface),
            Settings(
                preset.adaptive if rule in ("rmsprop", "adam", "adamw") else preset.lr, preset.momentum, preset.decay
            ),
        )
        for rule in RULES
    }


@pytest.mark.slow
def test_presets_show_what_their_sentences_say() -> None:
    diverged = ends("diverges")
    assert diverged["sgd"].losses[-1] > 1e10 and diverged["momentum"].losses[-1] < 1e-4
    overflowed = ends("overflows")
    assert all(overflowed[rule].overflow < 10 for rule in ("sgd", "momentum", "nesterov"))
    assert all(overflowed[rule].overflow is None for rule in ("rmsprop", "adam", "adamw"))
    assert all(path.losses[-1] > -1e-6 for path in ends("ridge").values()), "nobody may leave the ridge"
    decayed = ends("decay")
    assert (decayed["adam"].points[-1] - decayed["adamw"].points[-1]).norm() > 0.3
    basins = ends("basins")
    assert (basins["sgd"].points[-1] - basins["momentum"].points[-1]).norm() > 1
    zigzag = ends("zigzag")["sgd"].points[:8, 1]
    assert (zigzag[1:] * zigzag[:-1] < 0).all() and ends("zigzag")["sgd"].losses[-1] < 1e-6


def test_presets_are_ready_for_json_and_their_rates_are_on_the_slider() -> None:
    for name, preset in preset_data().items():
        assert preset["lr"] in RATES and preset["adaptive"] in RATES and preset["surface"] in NAMES, name


def test_every_rule_has_a_colour_of_its_own_and_heights_grow_lighter() -> None:
    assert set(COLOURS) == set(RULES) and len(set(COLOURS.values())) == len(RULES)
    light = [sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) for colour in height_colours()]
    assert light == sorted(light) and len(light) == 256
