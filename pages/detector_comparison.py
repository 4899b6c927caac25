"""Detector comparison: five detectors race on one image, timed stage by stage."""

import streamlit as st

from core.backbones import Size
from core.detectors import NAMES
from core.detectors.race import machine
from core.i18n import _
from pages.parts.image_picker import PickedImage, pick_image
from pages.parts.race import StartedRace, finished, show, start, titles
from pages.parts.race_results import show_results

ON_ARRIVAL = ("faster_rcnn", "yolo")  # quick enough to be there before anybody presses a button
REGIONS = (100, 200, 300, 500, 1000, 2000)


def controls(picked: PickedImage) -> None:
    """Show who races and how, and start the race when the button is pressed."""
    names = st.pills(
        _("Detectors"),
        NAMES,
        selection_mode="multi",
        default=NAMES,
        format_func=lambda name: titles()[name],
        key="detectors",
        bind="query-params",
        persist_state="session",
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    regions = left.select_slider(
        _("Region proposals, at most"), REGIONS, 500, key="regions", bind="query-params", persist_state="session"
    )
    paper = right.toggle(_("Paper size"), key="paper", bind="query-params", help=paper_words())
    size: Size = "paper" if paper else "slim"
    if paper:
        st.info(paper_words())
    if st.button(_("Race"), type="primary", icon=":material/flag:", width="stretch", disabled=not names, key="go"):
        start(picked, names, 2000 if paper else regions, size)


def paper_words() -> str:
    """Return what the switch to the papers' size does."""
    return _(
        "Full AlexNet and up to 2000 proposals with random weights: for timing only, the boxes mean nothing. "
        "R-CNN alone takes 20 s or more; you can cancel."
    )


def race_on(picked: PickedImage) -> StartedRace:
    """Return the session's race on ``picked``; an image that is new here is raced at once by the quick detectors."""
    current: StartedRace | None = st.session_state.get("race")
    if current and current.picked.key == picked.key:
        return current
    return start(picked, ON_ARRIVAL, 300, "slim")


st.title(_("Detector comparison"))
image_column, race_column = st.columns([2, 3], gap="large")
with image_column:
    picked = pick_image()
if picked:
    with race_column:
        controls(picked)
    for note in picked.notes:
        st.caption(note)
    current = race_on(picked)
    st.subheader(picked.title)
    show(current)
    if not current.job.poll().active and finished(current):
        if set(current.names) == set(ON_ARRIVAL):
            st.caption(_("Two of the five, raced on arrival. Press Race to see the others."))
        show_results(current)
    else:
        st.caption(_("Measured here: {machine}.").format(machine=machine()))
