"""Optimizers side by side on one surface: the surface and where to start in the address, the rest in the browser."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.autograd.descent import RULES, Point
from core.figures.descent import (
    ADAPTIVE,
    FIRST_RATES,
    NAMES,
    PRESETS,
    preset_data,
    surface_called,
    surface_data,
    walks_data,
)
from core.figures.sent import Words
from core.figures.sent.modules import SurfacePicture, WalkPreset, Walks
from core.i18n import _
from core.scripts import pytorch
from ui.kit.choices import choose_from_list
from ui.kit.code import Address, show_code
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.modules.descent_words import descent_words

FURTHEST = 5.0  # from the origin, on both axes
START = ("start_x", "start_y")
_DRAGGED = "descent_dragged"
_KNOWN = "descent_known"  # the surface whose picture the browser has, as it asked for walks on it
_SURFACE = "descent_surface"


class DescentData(Walks):
    """The same with the surface, None where the browser has it already, and words."""

    picture: SurfacePicture | None
    presets: dict[str, WalkPreset]
    words: Words


_component = component("modules/descent", DescentData, "modules/parts")


@fragment
def modules_descent() -> None:
    """Show the settings and every optimizer's walk; only this is run again when one of them changes."""
    dragged: Point | None = st.session_state.pop(_DRAGGED, None)
    known = st.session_state.pop(_KNOWN, None)
    surface, left, momentum, decay = _choose()
    walks = _walks(surface, dragged or left, momentum, decay)
    picture = None if known == surface else _picture(surface)
    _component(
        data={**walks, "picture": picture, "presets": preset_data(), "words": descent_words()},
        key="modules_descent",
        on_dragged_change=lambda: _answer("dragged", _drag),
        on_down_change=lambda: _answer("down", _leave),
        on_preset_change=lambda: _answer("preset", _take_preset),
    )
    show_code(lambda address: pytorch.descent(surface, left, _rates(surface, address), momentum, decay))


def _rates(surface: str, address: Address) -> dict[str, float]:
    """Return each rule's learning rate; the explorer has moved them where they stand in the ``address``."""
    plain, adaptive = FIRST_RATES[surface]
    plain, adaptive = address.number("lr", plain), address.number("adaptive", adaptive)
    return {rule: adaptive if rule in ADAPTIVE else plain for rule in RULES}


@st.cache_data(show_spinner=False)
def _picture(surface: str) -> SurfacePicture:
    return surface_data(surface)


@st.cache_data(max_entries=64, show_spinner=False)
def _walks(surface: str, start: Point, momentum: float, decay: float) -> Walks:
    return walks_data(surface, start, momentum, decay)


def _choose() -> tuple[str, Point, float, float]:
    titles = {
        "bowl": _("Quadratic bowl"),
        "rosenbrock": _("Rosenbrock"),
        "saddle": _("Saddle"),
        "beale": _("Beale"),
        "network": _("A real network"),
    }
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    offered = {name: titles[name] for name in NAMES}
    surface = choose_from_list(_("Surface"), offered, "surface", 190, row)
    if st.session_state.get(_SURFACE, surface) != surface:
        _set_down(surface_called(surface).start)
    st.session_state[_SURFACE] = surface
    x, y = (
        row.number_input(
            label,
            -FURTHEST,
            FURTHEST,
            # A default beside a value of the session's would be logged as a mistake; the least stands for none.
            value="min" if key in st.session_state else float(first),
            step=0.1,
            format="%.3f",
            key=key,
            width=140,
            bind="query-params",
            persist_state="session",
            help=_("Where every optimizer starts. Click on the surface, or type."),
        )
        for label, key, first in zip((_("Start x"), _("Start y")), START, surface_called(surface).start, strict=True)
    )
    momentum, decay = (
        row.slider(
            label,
            0.0,
            most,
            value=None if key in st.session_state else first,
            step=0.01,
            key=key,
            width=220,
            bind="query-params",
            persist_state="session",
            help=about,
        )
        for label, key, first, most, about in (
            (_("Momentum μ, and Adam's β₁"), "momentum", 0.9, 0.99, None),
            (
                _("Weight decay λ"),
                "decay",
                0.0,
                1.0,
                _("AdamW shrinks the parameters by themselves; the others add the decay to the gradient."),
            ),
        )
    )
    return surface, (x, y), momentum, decay


def _answer(event: str, take: Callable[[Any], None]) -> None:
    value = st.session_state["modules_descent"][event]
    if value is not None:
        take(value)


def _drag(place: list[float]) -> None:
    """Start at ``place`` for now: neither the numbers nor the address follow every move."""
    st.session_state[_DRAGGED] = (float(place[0]), float(place[1]))
    st.session_state[_KNOWN] = st.session_state[_SURFACE]


def _leave(place: Point) -> None:
    """Start at ``place``."""
    _set_down(place)
    st.session_state[_KNOWN] = st.session_state[_SURFACE]


def _set_down(place: Point) -> None:
    for key, value in zip(START, place, strict=True):
        st.session_state[key] = float(value)


def _take_preset(name: str) -> None:
    preset = PRESETS[name]
    _set_down(preset.start)
    st.session_state.update(surface=preset.surface, momentum=preset.momentum, decay=preset.decay)
    st.session_state[_SURFACE] = preset.surface
