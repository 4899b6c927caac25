"""What the view of optimizers shows, ready for JSON: a surface as a picture, and every rule's walk down it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from skimage.measure import approximate_polygon, find_contours

from core.autograd.descent import RULES, SURFACES, Point, Settings, Surface, descend_all
from core.autograd.loss_slice import loss_slice
from core.figures.sent.modules import SurfacePicture, WalkingRule, WalkPreset, Walks
from core.figures.transport import packed

NETWORK = "network"  # the slice through a real network's loss
NAMES = ("beale", "bowl", "rosenbrock", "saddle", NETWORK)
STEPS = 160
NETWORK_STEPS = 100  # its gradient takes five times as long
RATES = tuple(float(f"{10 ** (-4 + place / 4):.3g}") for place in range(19))  # four a decade, to 3.16
ADAPTIVE = ("rmsprop", "adam", "adamw")  # they divide by the gradient's size: a learning rate of their own
ON_LIGHT = {"rmsprop": "#A89E00"}  # what is too pale for a white page
COLOURS = {
    "sgd": "#E69F00",
    "momentum": "#56B4E9",
    "nesterov": "#009E73",
    "rmsprop": "#F0E442",
    "adam": "#D55E00",
    "adamw": "#CC79A7",
}
SIDE = 257  # points of the picture a side
LEVELS = 13  # contour lines
FLOOR = 0.05  # of loss above the minimum: below it the colours no longer follow the logarithm
FLAT = 0.25  # cells by which a contour line may be simplified
LARGEST = 1e37  # so that a float32 can hold it


@dataclass(frozen=True)
class Preset:
    """A walk worth seeing: the surface's name, where it starts, and both learning rates."""

    surface: str
    start: Point
    lr: float
    adaptive: float
    momentum: float = 0.9
    decay: float = 0.0


PRESETS = {
    "zigzag": Preset("bowl", (-2.6, 1.6), 0.178, 0.1),
    "diverges": Preset("bowl", (-0.6, 0.4), 0.316, 0.1),
    "overflows": Preset("rosenbrock", (-1.2, 1), 0.01, 0.316),
    "ridge": Preset("saddle", (-1.8, 0), 0.0316, 0.0316),
    "decay": Preset("beale", (1, 1.6), 0.00316, 0.178, decay=0.3),
    "basins": Preset(NETWORK, (0.35, 1.4), 0.178, 0.0316),
}

# The learning rates to begin with on each surface, of the first three rules and of the adaptive ones.
FIRST_RATES = {
    "bowl": (0.0316, 0.1),
    "rosenbrock": (0.001, 0.316),
    "saddle": (0.0316, 0.0316),
    "beale": (0.00316, 0.178),
    NETWORK: (0.1, 0.0316),
}


def preset_data() -> dict[str, WalkPreset]:
    """Return ``PRESETS``, ready for JSON."""
    return {
        name: {
            "surface": preset.surface,
            "start": preset.start,
            "lr": preset.lr,
            "adaptive": preset.adaptive,
            "momentum": preset.momentum,
            "decay": preset.decay,
        }
        for name, preset in PRESETS.items()
    }


def surface_called(name: str) -> Surface:
    """Return the surface that is called ``name`` in ``NAMES``."""
    return loss_slice() if name == NETWORK else SURFACES[name]


def steps_on(name: str) -> int:
    """Return how many steps every walk takes on the surface called ``name``."""
    return NETWORK_STEPS if name == NETWORK else STEPS


def surface_data(name: str) -> SurfacePicture:
    """Return the surface as a picture: ``heights``, bytes row by row from the lowest y, an index into ``colours``.

    They follow the logarithm of the loss above the lowest minimum, as do the ``contours``, lists of [x, y].
    """
    surface = surface_called(name)
    x, y = (torch.linspace(*ends, SIDE, dtype=torch.float64) for ends in (surface.x, surface.y))
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)
    above = (surface(grid) - surface.lowest()).clamp(min=0)
    logarithms = torch.log1p(above / FLOOR)
    levels = (logarithms / logarithms.max()).numpy()
    return {
        "surface": name,
        "x": surface.x,
        "y": surface.y,
        "side": SIDE,
        "heights": packed((255 * levels).round(), "u1"),
        "colours": height_colours(),
        "contours": _contours(levels, surface),
        "minima": list(surface.minima),
        "saddles": list(surface.saddles),
        "lowest": surface.lowest(),
        "highest": float(above.max()),
        "rates": FIRST_RATES[name],
    }


def _contours(levels: NDArray[np.float64], surface: Surface) -> list[list[list[float]]]:
    (left, right), (low, high) = surface.x, surface.y
    scale = np.array([(right - left) / (SIDE - 1), (high - low) / (SIDE - 1)])
    lines = [
        approximate_polygon(line, FLAT)[:, ::-1] * scale + (left, low)
        for level in np.linspace(0, 1, LEVELS + 2)[1:-1]
        for line in find_contours(levels, level)
    ]
    return [line.round(3).tolist() for line in lines]


def height_colours() -> list[str]:
    """Return 256 colours from deep to high: dark, quiet and ever lighter, so that every path is seen on them."""
    anchors = np.array([[9, 16, 29], [31, 47, 68], [69, 88, 108], [122, 138, 152]])
    places = np.linspace(0, 3, 256)
    channels = (np.interp(places, range(4), anchors[:, channel]).round().astype(int) for channel in range(3))
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in zip(*channels, strict=True)]


def walks_data(name: str, start: Point, momentum: float, decay: float) -> Walks:
    """Return every rule's walk from ``start`` on the surface called ``name``, at every learning rate of ``RATES``.

    ``points`` and ``losses`` are float32 in base64, rule by rule, rate by rate, step by step from the start on; NaN
    from the step on at which a walk overflowed. What exceeds ``largest`` is sent as that.
    """
    lr = torch.tensor(RATES, dtype=torch.float64)[:, None]
    settings = Settings(lr, momentum, decay)
    points, losses = descend_all(surface_called(name), list(RULES), start, steps_on(name), settings)
    return {
        "start": start,
        "momentum": momentum,
        "decay": decay,
        "steps": steps_on(name),
        "lrs": list(RATES),
        "largest": LARGEST,
        "rules": [_rule_data(rule) for rule in RULES],
        "points": packed(points.clamp(-LARGEST, LARGEST), "f4"),
        "losses": packed(losses.clamp(-LARGEST, LARGEST), "f4"),
    }


def _rule_data(rule: str) -> WalkingRule:
    colour = COLOURS[rule]
    return {"name": rule, "colour": colour, "onLight": ON_LIGHT.get(rule, colour), "adaptive": rule in ADAPTIVE}
