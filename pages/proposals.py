"""Region proposals: selective search against a learned RPN, and how well each covers the objects."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.checkpoint import CheckpointError
from core.detectors import load
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.recall import MOST
from core.families import Family
from core.i18n import _
from ui.images.family import choose_family
from ui.kit.choices import choose
from ui.kit.image_picker import PickedImage, pick_image
from ui.proposals.recall import choose_mode, show_recall
from ui.proposals.rpn import show_rpn
from ui.proposals.search import choose_strategy, show_search


@st.cache_resource
def loaded(family: str) -> FasterRCNN:
    """Return Faster R-CNN of ``family`` with as many proposals as its RPN makes; it is shared by all sessions.

    Raises:
        CheckpointError: it has no weights.
    """
    detector = load("faster_rcnn", family)
    assert isinstance(detector, FasterRCNN)
    detector.limit_regions(MOST)
    return detector


def choose_view() -> str:
    """Show the three views and return the chosen one's name."""
    views = {"search": _("Selective search"), "rpn": _("RPN"), "recall": _("Compare")}
    return choose(_("View"), views, "view", "search")


def pick(view: str) -> tuple[PickedImage | None, Family | None]:
    """Show the image's controls and what was done to it; return it and, for a view that has an RPN, whose that is."""
    picked = pick_image(sets=True)
    family = choose_family(picked) if picked and view != "search" else None
    if picked and family:
        picked = picked.known_to(family)
    for note in picked.notes if picked else ():
        st.caption(note)
    return picked, family


come_through_the_entrance()
title_column, view_column = st.columns([2, 3], gap="large", vertical_alignment="bottom")
title_column.title(_("Region proposals"))
with view_column:
    view = choose_view()
image_column, control_column = st.columns([2, 3], gap="large")
with image_column:
    picked, family = pick(view)
try:
    if view == "search":
        with control_column:
            strategy = choose_strategy()
        if picked:
            show_search(picked, strategy)
    elif view == "rpn":
        control_column.markdown(
            _(
                "A small network slides over the trunk's map. At each cell it judges 9 anchors (is there an object?) "
                "and says how to move each onto it. The surest, after NMS, are Faster R-CNN's proposals."
            )
        )
        if picked and family:
            show_rpn(picked, family, loaded(family.name))
    elif view == "recall":
        with control_column:
            mode = choose_mode()
        if picked and family:
            show_recall(picked, family, mode, loaded(family.name))
except CheckpointError as error:
    st.error(str(error))
