"""A region on the image and on the map, and what each way of pooling makes of it; the bins come from Python."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.figures.sent import Words
from core.figures.sent.pooling import PooledRegions
from core.i18n import _
from ui.kit.component import component


class PoolingData(PooledRegions):
    words: Words


_component = component("pooling/explorer", PoolingData)

Place = Callable[[list[int]], None]


def way_titles() -> dict[str, str]:
    """Return what the ways of pooling are called."""
    return {
        "roi_pool": _("RoI pooling"),
        "roi_align": _("RoIAlign"),
        "spp": _("Spatial pyramid pooling"),
    }


def pooling_explorer(
    data: PooledRegions, dragging: bool, drag: Place, set_down: Place, take_channel: Callable[[int], None]
) -> None:
    """Show ``core.figures.pooling.explorer_data``.

    ``drag`` is called with the edges of a region in the user's hand, ``set_down`` with those that it leaves, and
    ``take_channel`` with a channel that was clicked. While ``dragging`` the browser has the image already.
    """

    def answer(event: str, take: Callable[[Any], None]) -> None:
        value = st.session_state["pooling_explorer"][event]
        if value is not None:
            take(value)

    _component(
        data={**data, "image": None if dragging else data["image"], "words": _words()},
        key="pooling_explorer",
        on_dragged_change=lambda: answer("dragged", drag),
        on_down_change=lambda: answer("down", set_down),
        on_channel_change=lambda: answer("channel", take_channel),
    )


def _words() -> Words:
    return {
        "titles": way_titles(),
        "image": _("Drag the region:"),
        "map": _("Channel {channel} of the map, {columns} x {rows} cells"),
        "offered": _("Strongest channels in the region"),
        "offer": _("Channel {channel}"),
        "crop": _("R-CNN's warped crop"),
        "cropAlt": _("The region with 16 pixels of context, warped to {side} x {side} pixels"),
        "pooled": _("Pooled values"),
        "region": _("{x0}, {y0} to {x1}, {y1}; {width} x {height} px"),
        "keys": _("Region in pixels. Arrow keys move it by one pixel, with Shift its lower right corner."),
        "errors": _("Quantisation error (px)"),
        "sides": [_("left"), _("top"), _("right"), _("bottom"), _("largest")],
        "says": {
            "roi_pool": _(
                "RoI pooling rounds the region (dashed on the map) to whole cells, {columns} x {rows} here, cuts them "
                "into 6 x 6 bins that may share cells, and keeps the greatest cell (dot) of each."
            ),
            "roi_align": _(
                "RoIAlign rounds nothing: 6 x 6 bins of equal size, in each the mean of 2 x 2 sampling points (dots), "
                "interpolated between the four nearest cells."
            ),
            "spp": _(
                "SPP takes the cells whose middles lie in the region (dashed on the map), {columns} x {rows} here, and "
                "keeps the greatest cell (dot) of 6 x 6, 3 x 3, 2 x 2 and 1 x 1 bins: 50 numbers a channel."
            ),
        },
        "bin": _("Bin {column}, {row} of {bins} x {bins}: {value}. {what}"),
        "greatest": _("The greatest of {columns} x {rows} cells; on the image, {width} x {height} px."),
        "mean": _("The mean of {points} points; on the image, {width} x {height} px."),
        "none": _("The bin lies outside the map and is empty."),
    }
