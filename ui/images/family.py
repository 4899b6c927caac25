"""Whose models look at an image: the chooser of a family, and what is said where its models do not know the image."""

from collections.abc import Iterable

import streamlit as st

from core.families import FAMILIES, PHOTOS, SHAPES, Family
from core.figures.stages import SURE
from core.i18n import _
from ui.kit.choices import choose
from ui.kit.image_picker import KINDS, PickedImage

TRAINED = (SHAPES.name, PHOTOS.name)


def choose_family(picked: PickedImage) -> Family:
    """Show the trained families and return the chosen one, at first the one that learned from images like ``picked``.

    The choice is one for images of this kind: with another kind it is the first again. Where it is not, one line says
    what the models know.
    """
    first = SHAPES.name if picked.drawn else PHOTOS.name
    titles = {name: _(FAMILIES[name].title) for name in TRAINED}
    for other in KINDS:
        if other != picked.kind:
            st.session_state.pop(_key(other), None)
    line = st.container(horizontal=True, vertical_alignment="center", gap="small")
    line.markdown(_("Trained on"), width="content")
    chosen = choose(_("Trained on"), titles, _key(picked.kind), first, place=line, labelled=False)
    if chosen != first:
        st.caption(_foreign(FAMILIES[chosen]))
    return FAMILIES[chosen]


def _key(kind: str) -> str:
    """Return what the choice for images of ``kind`` is called in the address."""
    return f"family_{kind}"


def _foreign(family: Family) -> str:
    """Say what the models of ``family`` know, and what that means for an image of another kind."""
    if family.name == SHAPES.name:
        return _(
            "These models know six drawn shapes only: on a photo, watch the time and the proposals, not the labels."
        )
    words = _("These models learned from photographs and know only: {classes}. A label here is a mistake.")
    return words.format(classes=known(family))


def known(family: Family) -> str:
    """Return the names of the classes that the models of ``family`` know, in a row."""
    return ", ".join(_(name) for name in family.classes[1:])


def say_if_none(family: Family, scores: Iterable[float]) -> None:
    """Say what models of ``family`` that learned from photos know, where none of the ``scores`` of what they found is
    one to rely on."""
    if family.data and max(scores, default=0) < SURE:
        words = _("Nothing that these models know was found with a score of {sure} or more. They know: {classes}.")
        st.info(words.format(sure=SURE, classes=known(family)))
