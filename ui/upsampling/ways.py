"""One score map in every way of enlarging: a trained network's, or a grid that the user draws."""

from typing import Any

import streamlit as st
from torch import Tensor

from core.backbones import TRUNKS
from core.checkpoint import CheckpointError
from core.families import SHAPES, Family
from core.figures.sent import Words
from core.figures.sent.upsampling import EnlargedMaps
from core.figures.upsampling import GRIDS, cells_data, scene_data, tested_on
from core.i18n import N_, _
from core.scripts import segmentation
from core.segmentation.enlarging import as_trained, in_whole_cells
from core.segmentation.study import UpsamplingStudy, load_study
from ui.images.family import choose_family
from ui.kit.caching import cache_words
from ui.kit.choices import choose
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.kit.image_picker import PickedImage, pick_image
from ui.upsampling.words import explorer_words

REMEMBERED = 32  # images and classes, for all sessions together
MOST_FREQUENT = "most frequent"  # in the address; otherwise a class's number


class WaysData(EnlargedMaps):
    words: Words


_component = component("upsampling/ways", WaysData, "segmentation/parts", "upsampling/parts")


@st.cache_resource
def loaded(family: str) -> UpsamplingStudy:
    """Return the trained study of ``family``; it is shared by all sessions."""
    return load_study(family)


@cache_words(REMEMBERED, N_("Enlarging ..."))
def scene_of(
    family: str, key: str, label: int | None, trained: bool, _pixels: Tensor, _truth: dict[str, Tensor] | None
) -> EnlargedMaps:
    """Return what the view shows of the scores of class ``label`` on the image called ``key``."""
    return scene_data(loaded(family), _pixels, _truth, label, trained, family)


@fragment
def upsampling_ways() -> None:
    """Show the choices and the pictures; only this is run again for another choice or an edited grid."""
    choice_column, image_column, class_column = st.columns([2.05, 3, 2.4], gap="small")
    with choice_column:
        drawn = _choose_source() == "grid"
        trained = _choose_weights()
    family = SHAPES
    with image_column:
        picked = None if drawn else pick_image(sets=True, masks=True)
    with class_column:
        if picked:
            family = choose_family(picked)
            picked = picked.known_to(family)
        label = _choose_class(drawn, family.classes) if trained or not drawn else None
    st.caption(_said_of(drawn, trained))
    try:
        if drawn:
            show_grid(label or 0, trained)
        elif picked:
            show_scene(picked, family, label, trained)
    except CheckpointError as error:
        st.error(str(error))


def show_grid(label: int, trained: bool) -> None:
    """Show the grid in the user's hands; raises ``CheckpointError`` where trained weights are missing."""
    asked: dict[str, Any] = st.session_state.get("upsampling_ways", {}).get("asked") or {}
    grid = asked.get("grid") or GRIDS["corner"]
    _show(cells_data(grid, label, as_trained(loaded(SHAPES.name)) if trained else None))
    show_code(lambda address: segmentation.drawn(address.words("grid", GRIDS["corner"]), label, trained))


def show_scene(picked: PickedImage, family: Family, label: int | None, trained: bool) -> None:
    """Show the image's scores in every way; raises ``CheckpointError`` where the trained weights are missing."""
    pixels = in_whole_cells(picked.pixels, TRUNKS[family.trunk])
    _show(scene_of(family.name, picked.key, label, trained, pixels, picked.truth))
    height, width = pixels.shape[1:]
    notes = [*picked.notes]
    if pixels is not picked.pixels:
        words = _("The image was scaled to {width} x {height} pixels, whole cells of the score map.")
        notes.append(words.format(width=width, height=height))
    images = tested_on(family)
    if trained and images:
        words = _(
            "Mean IU and boundary F of the network trained with each way, on {images} test images: from the card of "
            "the checkpoint. All share one trunk and were trained at once."
        )
        notes.append(words.format(images=images))
    if notes:
        st.caption(" ".join(notes))
    show_code(lambda _address: segmentation.ways(picked.key, picked.title, family.name, trained))


def _show(data: EnlargedMaps) -> None:
    _component(data={**data, "words": explorer_words()}, key="upsampling_ways", on_asked_change=lambda: None)
    st.caption(
        _(
            "Checkerboard: the share of the scores' variation that repeats every 16 pixels, all classes together. "
            "Parameters: of all four doublings, without the layer that scores. Multiply-adds: millions, for this map. "
            "ms: the doublings, measured here and now."
        )
    )


def _choose_source() -> str:
    titles = {"network": _("A network's scores"), "grid": _("Draw your own")}
    return choose(_("Score map"), titles, "source", "network")


def _choose_weights() -> bool:
    titles = {"trained": _("Trained"), "begun": _("As they begin")}
    weights = choose(_("Weights of the ways"), titles, "weights_of", "trained")
    return weights == "trained"


def _said_of(drawn: bool, trained: bool) -> str:
    """Say what goes through which weights."""
    if not trained:
        words = _(
            "Nothing is trained: all that learn begin as an interpolation. Unpooling has no convolution behind it that "
            "fills the zeros."
        )
        return words if drawn else _("All enlarge the same scores.") + " " + words
    if drawn:
        return _("To the trained ways the drawing is the scores of the chosen class; all other classes' scores are 0.")
    return _("Ten networks on one trunk, each with its own layer of scores and its own four doublings.")


def _choose_class(drawn: bool, classes: tuple[str, ...]) -> int | None:
    """Return the number of the chosen one of ``classes``; None is the most frequent one of the image."""
    options = [*map(str, range(len(classes)))]
    if not drawn:
        options.insert(0, MOST_FREQUENT)
    chosen = st.selectbox(
        _("Scores of class"),
        options,
        index=1 if drawn else 0,
        format_func=lambda name: _("The most frequent one") if name == MOST_FREQUENT else _(classes[int(name)]),
        key="drawn_class" if drawn else "score_class",
        bind="query-params",
        persist_state="session",
    )
    return None if chosen == MOST_FREQUENT else int(chosen)
