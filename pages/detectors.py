"""Detector comparison: five detectors race on one image, timed stage by stage."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.detectors import NAMES
from core.families import PAPER_SIZE, Family
from core.i18n import _
from core.machine import machine
from core.scripts import detection
from ui.detectors.race import StartedRace, finished, show, start, titles, wait
from ui.detectors.results import show_more, show_results
from ui.images.family import choose_family
from ui.kit.code import show_code
from ui.kit.image_picker import PickedImage, pick_image, show_picked

ON_ARRIVAL = ("faster_rcnn", "yolo")  # quick enough to be there before anybody presses a button
ARRIVAL_REGIONS = 300
PATIENCE = 2.0  # seconds that the page stands still for a quick race
REGIONS = (100, 200, 300, 500, 1000, 2000)
PAPER_REGIONS = 2000
RACED = "race"  # in the address of a race that was asked for: whoever opens the link sees it run


def choose_race(trained: Family) -> tuple[list[str], int, Family]:
    """Show who races and how; return the detectors, the most region proposals and the family, if not ``trained``."""
    names = st.pills(
        _("Detectors"),
        NAMES,
        selection_mode="multi",
        default=NAMES,
        format_func=lambda name: titles()[name],
        key="detectors",
        bind="query-params",
        persist_state="session",
        wrap=True,
    )
    words = _(
        "Full AlexNet and up to 2000 proposals with random weights: for timing only, the boxes mean nothing. "
        "R-CNN alone takes 20 s or more; you can cancel."
    )
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    paper = row.toggle(_("Paper size"), key="paper", bind="query-params", persist_state="session", help=words)
    regions = row.select_slider(
        _("Region proposals, at most"),
        REGIONS,
        500,
        key="regions",
        disabled=paper,
        width=260,
        bind="query-params",
        persist_state="session",
    )
    if paper:
        st.info(words)
        return names, PAPER_REGIONS, PAPER_SIZE
    return names, regions, trained


def race_on(picked: PickedImage, trained: Family, names: list[str], regions: int, family: Family) -> StartedRace:
    """Return the session's race on ``picked``, of a ``family`` that is the ``trained`` one or the papers' size.

    A button starts it. An image that is new here, or new to the family, is raced at once by the quick detectors, or,
    where a link brings a race along, as in the link; at paper size nobody is surprised by it.
    """
    pressed = st.button(
        _("Race"), type="primary", icon=":material/flag:", width="stretch", disabled=not names, key="go"
    )
    current: StartedRace | None = st.session_state.get("race")
    linked = current is None and RACED in st.query_params and not family.for_timing and bool(names)
    if pressed or linked:
        st.query_params[RACED] = "true"
        return start(picked, names, regions, family)
    if current and current.picked.key == picked.key and current.family in (trained, PAPER_SIZE):
        return current
    st.query_params.pop(RACED, None)
    started = start(picked, ON_ARRIVAL, ARRIVAL_REGIONS, trained, urgent=True)
    wait(started, PATIENCE)
    return started


come_through_the_entrance()
st.title(_("Detector comparison"))
shown, image_column, race_column = st.columns([3, 8, 9], gap="medium")
with image_column:
    picked = pick_image(sets=True)
if picked:
    with image_column:
        family = choose_family(picked)
    picked = picked.known_to(family)
    with shown:
        show_picked(picked)
    with race_column:
        current = race_on(picked, family, *choose_race(family))
    if current.job.poll().active or not finished(current):
        show(current)
        st.caption(_("Measured here: {machine}.").format(machine=machine()))
    else:
        if current.names == ON_ARRIVAL:
            st.caption(_("Two of the five, raced on arrival. Press Race to see the others."))
        show_results(current)
        show_more(current)
        raced = picked.key, picked.title, current.names, current.max_regions, current.family.name
        show_code(lambda _address: detection.race(*raced))
