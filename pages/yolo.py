"""YOLO, one look: its grid, its loss, the pull of the loss at one box, and its training, live."""

import streamlit as st
from torch import Tensor

from core.detectors import load, run
from core.detectors.yolo import YOLO, Grid
from core.figures.yolo import Json, drag_data, grid_data, look, loss_data
from core.i18n import _
from core.training.checkpoint import CheckpointError
from pages.parts.image_picker import PickedImage, pick_image
from pages.parts.startup import come_through_the_entrance
from pages.parts.yolo_drag import yolo_drag
from pages.parts.yolo_grid import yolo_grid
from pages.parts.yolo_loss import yolo_loss


@st.cache_resource
def loaded() -> YOLO:
    """Return the trained YOLO; it is shared by all sessions."""
    detector = load("yolo")
    assert isinstance(detector, YOLO)
    return detector


@st.cache_data(max_entries=32, show_spinner=False)
def seen(key: str, _pixels: Tensor) -> Grid:
    """Return what the network says of the image called ``key``."""
    return look(loaded(), _pixels)


@st.cache_data(max_entries=32, show_spinner=_("Detecting ..."))
def grid_of(key: str, _picked: PickedImage) -> Json:
    """Return what the view of the grid shows of the image called ``key``."""
    pixels = _picked.pixels
    return grid_data(loaded(), run(loaded(), pixels), seen(key, pixels), _picked.truth)


def show_grid(picked: PickedImage) -> None:
    """Show what every cell says, and what becomes of it."""
    yolo_grid(grid_of(picked.key, picked))


@st.cache_data(max_entries=32, show_spinner=_("Detecting ..."))
def loss_of(key: str, _pixels: Tensor, _truth: dict[str, Tensor]) -> Json:
    """Return what the view of the loss shows of the image called ``key``."""
    return loss_data(loaded(), _pixels, seen(key, _pixels), _truth)


def show_loss(picked: PickedImage) -> None:
    """Show what the loss says of every cell, where there is ground truth."""
    if picked.truth is None:
        say_what_lacks()
    else:
        yolo_loss(loss_of(picked.key, picked.pixels, picked.truth))


@st.cache_data(max_entries=32, show_spinner=_("Detecting ..."))
def scene_of(key: str, _pixels: Tensor, _truth: dict[str, Tensor]) -> Json:
    """Return what stays on the image called ``key`` while a box is dragged."""
    return drag_data(loaded(), _pixels, seen(key, _pixels), _truth)


def show_drag(picked: PickedImage) -> None:
    """Show one predicted box to drag, where there is ground truth."""
    if picked.truth is None:
        say_what_lacks()
    else:
        scene = scene_of(picked.key, picked.pixels, picked.truth)
        yolo_drag(picked.key, scene, picked.pixels, seen(picked.key, picked.pixels), picked.truth)


def say_what_lacks() -> None:
    """Say why there is no loss and where there is one."""
    st.info(_("The loss compares with ground truth, and this image has none: choose a drawn scene."))


VIEWS = {"grid": show_grid, "loss": show_loss, "drag": show_drag}


def choose_view() -> str:
    """Show the views and return the chosen one's name."""
    titles = {"grid": _("Grid"), "loss": _("Loss"), "drag": _("Drag a box"), "train": _("Train it")}
    return st.segmented_control(
        _("View"),
        list(VIEWS),
        default="grid",
        required=True,
        format_func=lambda name: titles[name],
        key="view",
        bind="query-params",
        persist_state="session",
    )


come_through_the_entrance()
st.title(_("YOLO: one look"))
image_column, view_column = st.columns([2, 3], gap="large")
with image_column:
    picked = pick_image()
with view_column:
    view = choose_view()
if picked:
    for note in picked.notes:
        st.caption(note)
    try:
        VIEWS[view](picked)
    except CheckpointError as error:
        st.error(str(error))
