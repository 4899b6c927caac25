"""The view of selective search on its own: which hierarchy to look at, and its merges."""

from dataclasses import replace
from typing import Literal

import streamlit as st

from core.figures.proposals import hierarchy_data
from core.figures.sent.proposals import Merged
from core.i18n import N_, _
from core.proposals.selective_search import COLOUR_SPACES, CTSF, MODES, Mode, Strategy
from core.scripts import detection
from ui.kit.caching import cache_words
from ui.kit.choices import choose, choose_from_list
from ui.kit.code import show_code
from ui.kit.image_picker import PickedImage
from ui.proposals.hierarchy_explorer import hierarchy_explorer

SCALES = (25, 50, 100, 150, 200, 300, 500, 1000)


@cache_words(32, N_("Grouping ..."))
def _grouped(image_key: str, strategy: Strategy, _picked: PickedImage) -> Merged:
    return hierarchy_data(_picked.pixels, strategy, _picked.truth, _picked.classes)


def choose_strategy() -> Strategy:
    """Show the presets, and their hierarchies or the user's own sliders; return which hierarchy to look at."""
    presets: dict[Mode | Literal["own"], str] = {
        "single": _("Single"),
        "fast": _("Fast"),
        "quality": _("Quality"),
        "own": _("My own"),
    }
    preset = choose(
        _("Strategy"),
        presets,
        "preset",
        "fast",
        help=_(
            "Single groups the image once, fast 8 times and quality 80 times, in several colour spaces, at several "
            "scales and by several similarities: what one hierarchy misses, another one finds."
        ),
    )
    return _own_strategy() if preset == "own" else _preset_strategy(preset)


def _preset_strategy(mode: Mode) -> Strategy:
    strategies = MODES[mode]
    number = st.selectbox(
        _("Hierarchy, one of {count}").format(count=len(strategies)),
        range(1, len(strategies) + 1),
        format_func=lambda number: f"{number}. {describe(strategies[number - 1])}",
        key=f"hierarchy_{mode}",
        bind="query-params",
        persist_state="session",
        disabled=len(strategies) == 1,
    )
    return strategies[number - 1]


def _own_strategy() -> Strategy:
    row = st.container(horizontal=True, gap="medium")
    spaces = _colour_spaces()
    space = choose_from_list(_("Colour space"), {name: spaces[name] for name in COLOUR_SPACES}, "space", 180, row)
    k = row.select_slider(
        _("Scale k of the segmentation"),
        SCALES,
        100,
        key="k",
        width=260,
        bind="query-params",
        persist_state="session",
        help=_("A larger k prefers larger segments. It is meant for 500 pixels and grows as an image is smaller."),
    )
    sliders = st.container(horizontal=True, gap="medium")
    weights = {
        name: sliders.slider(
            title, 0.0, 1.0, 1.0, 0.1, key=f"weight_{name}", width=130, bind="query-params", persist_state="session"
        )
        for name, title in _similarities().items()
    }
    if not any(weights.values()):
        st.warning(_("With all four weights at 0 every merge is as good as any other: raise one of them."))
    return Strategy(space, k, replace(CTSF, **weights))


def describe(strategy: Strategy) -> str:
    """Return in words which colour space, scale and similarities ``strategy`` uses."""
    used = [title for name, title in _similarities().items() if getattr(strategy.weights, name)]
    words = _("{space}, k = {k}, {similarities}")
    return words.format(space=_colour_spaces()[strategy.colour_space], k=strategy.k, similarities=" + ".join(used))


def _colour_spaces() -> dict[str, str]:
    return {
        "hsv": _("HSV"),
        "lab": _("Lab"),
        "rgi": _("rg and intensity"),
        "hue": _("Hue"),
        "intensity": _("Intensity"),
    }


def _similarities() -> dict[str, str]:
    return {"colour": _("colour"), "texture": _("texture"), "size": _("size"), "fill": _("fill")}


def show_search(picked: PickedImage, strategy: Strategy) -> None:
    """Show the merges of ``strategy`` on the picked image."""
    data = _grouped(picked.key, strategy, picked)
    hierarchy_explorer(data, f"{picked.key} {strategy}")
    if picked.truth is None:
        st.caption(_("This image has no ground truth: boxes are shown, but not how well they cover its objects."))
    show_code(
        lambda address: detection.search(
            picked.key, picked.title, strategy, address.whole("merge", data["start"], 0, len(data["total"]))
        )
    )
