"""YOLO, one look: its grid, its loss, the pull of the loss at one box, and its training, live."""

from ui.frame.startup import come_through_the_entrance

from functools import partial

import streamlit as st
from torch import Tensor

from core.checkpoint import CheckpointError
from core.detectors import load, run
from core.detectors.yolo import YOLO, Grid
from core.families import SHAPES, Family
from core.figures.sent.yolo import CellLosses, DragScene, GridCells
from core.figures.yolo import drag_data, grid_data, look, loss_data
from core.i18n import N_, _
from core.scripts import Script, detection
from ui.images.family import choose_family, say_if_none
from ui.kit.caching import cache_words
from ui.kit.choices import choose
from ui.kit.code import Address, show_code
from ui.kit.image_picker import PickedImage, pick_image
from ui.yolo.drag import yolo_drag
from ui.yolo.grid import yolo_grid
from ui.yolo.loss import yolo_loss
from ui.yolo.training import show_training, start_training

REMEMBERED = 32  # images, for all sessions together


@st.cache_resource
def loaded(family: str) -> YOLO:
    """Return the YOLO of ``family``; it is shared by all sessions."""
    detector = load("yolo", family)
    assert isinstance(detector, YOLO)
    return detector


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def seen(key: str, family: str, _pixels: Tensor) -> Grid:
    """Return what the network of ``family`` says of the image called ``key``."""
    return look(loaded(family), _pixels)


@cache_words(REMEMBERED, N_("Detecting ..."))
def grid_of(key: str, family: str, _pixels: Tensor, _truth: dict[str, Tensor] | None) -> GridCells:
    """Return what the view of the grid shows of the image called ``key``."""
    return grid_data(loaded(family), run(loaded(family), _pixels), seen(key, family, _pixels), _truth)


@cache_words(REMEMBERED, N_("Detecting ..."))
def loss_of(key: str, family: str, _pixels: Tensor, _truth: dict[str, Tensor]) -> CellLosses:
    """Return what the view of the loss shows of the image called ``key``."""
    return loss_data(loaded(family), _pixels, seen(key, family, _pixels), _truth)


@cache_words(REMEMBERED, N_("Detecting ..."))
def scene_of(key: str, family: str, _pixels: Tensor, _truth: dict[str, Tensor]) -> DragScene:
    """Return what stays on the image called ``key`` while a box is dragged."""
    return drag_data(loaded(family), _pixels, seen(key, family, _pixels), _truth)


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"grid": _("Grid"), "loss": _("Loss"), "drag": _("Drag a box"), "train": _("Train it")}
    words = {
        "grid": _(
            "One pass of one network fills a grid. Each cell predicts two boxes with a confidence each, and one set of "
            "class probabilities for an object whose centre lies in it. Point at a cell, click to keep it."
        ),
        "loss": _(
            "Training minimises three parts, all squared errors: of the responsible boxes, of every confidence, and of "
            "the class probabilities where an object is. Point at a cell, move the weights."
        ),
        "drag": _("Put a predicted box where you like, and watch which way, and how hard, the loss pulls at it."),
        "train": _("A new YOLO learns on this server while you look on: its loss, and what it finds in this image."),
    }
    view = choose(_("View"), titles, "view", "grid")
    st.markdown(words[view])
    return view


def show(view: str, picked: PickedImage, family: Family) -> None:
    """Show the ``view`` of the image, as the YOLO of ``family`` sees it.

    Raises:
        CheckpointError: there are no trained weights.
    """
    image, truth = (picked.key, family.name, picked.pixels), picked.truth
    if view == "train":
        show_training(picked)
    elif view == "grid":
        grid = grid_of(*image, truth)
        say_if_none(family, [one["score"] for one in grid["detections"]])
        yolo_grid(grid)
    elif truth is None:
        st.info(
            _(
                "The loss compares with ground truth, and these models know none here: choose a drawn scene for models "
                "of drawn shapes, or a photo of a set on this server for those of photographs."
            )
        )
    elif view == "loss":
        yolo_loss(loss_of(*image, truth))
    else:
        yolo_drag(f"{picked.key} {family.name}", scene_of(*image, truth), picked.pixels, seen(*image), truth)
    if view != "train":
        show_code(partial(script, picked, family))


def script(picked: PickedImage, family: Family, address: Address) -> Script:
    """Return the code for the grid and the loss, at the threshold and the weights of the ``address``."""
    coord, noobj = address.number("coord", 5, 0, 10), address.number("noobj", 0.5, 0, 1)
    threshold = address.number("threshold", 0.2, 0.01, 1)
    return detection.yolo(picked.key, picked.title, family.name, threshold, coord, noobj)


come_through_the_entrance()
st.title(_("YOLO: one look"))
image_column, view_column = st.columns([2, 3], gap="large")
with image_column:
    picked = pick_image(sets=True)
with view_column:
    view = choose_view()
    if picked and view == "train":
        start_training(picked)
if picked:
    family = SHAPES
    if view != "train":  # which is on drawn scenes
        with image_column:
            family = choose_family(picked)
    picked = picked.known_to(family)
    for note in picked.notes:
        st.caption(note)
    try:
        show(view, picked, family)
    except CheckpointError as error:
        st.error(str(error))
