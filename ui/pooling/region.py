"""The region of the pooling page: four numbers in the address, or a rectangle that is being dragged."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.detectors.one_map import EDGES, first_region
from core.i18n import _
from ui.kit.image_picker import PickedImage

FURTHEST = 100_000  # pixels; what lies outside the image is clipped, and said
_DRAGGED = "pooling_dragged"
_IMAGE = "pooling_image"


def begin_with(picked: PickedImage) -> None:
    """Take a new region where the user has changed the image; the one of a link stays with the image of the link."""
    st.session_state.pop(_DRAGGED, None)  # whatever runs the whole page anew, it is no drag
    if st.session_state.get(_IMAGE, picked.key) != picked.key:
        set_down(first_region(picked.pixels, picked.truth))
    st.session_state[_IMAGE] = picked.key


def region_inputs(row: DeltaGenerator, picked: PickedImage) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Show the four numbers in ``row``; return the region's edges where it is now, in the hand while that drags, and
    where it was last left."""
    left = tuple(
        row.number_input(
            # A default beside a value of the session's would be logged as a mistake; the least stands for none.
            edge,
            -FURTHEST,
            FURTHEST,
            value="min" if edge in st.session_state else start,
            step=1,
            key=edge,
            width=130,
            bind="query-params",
            persist_state="session",
            help=_("An edge of the region, in pixels of the image. Drag the rectangle, or type."),
        )
        for edge, start in zip(EDGES, first_region(picked.pixels, picked.truth), strict=True)
    )
    return st.session_state.get(_DRAGGED, left), left


def dragged() -> bool:
    """Return whether the region is still in the user's hand."""
    return _DRAGGED in st.session_state


def drag(edges: Sequence[int]) -> None:
    """Show the region at ``edges`` for now: neither the numbers nor the address follow every move."""
    st.session_state[_DRAGGED] = tuple(edges)


def set_down(edges: Sequence[int]) -> None:
    """Leave the region at ``edges``."""
    st.session_state.pop(_DRAGGED, None)
    for name, value in zip(EDGES, edges, strict=True):
        st.session_state[name] = value
