"""The view that compares proposals: selective search, the RPN and a sliding window, here and on held-out scenes."""

from functools import partial
from typing import Any

import streamlit as st
from torch import Tensor

from core import jobs
from core.detectors import Detector
from core.detectors.recall import MOST, Covered, measure_held_out, proposers
from core.families import SHAPES, Family
from core.figures.proposals import curves_data, recall_data
from core.figures.sent.proposals import Recalled
from core.i18n import N_, _
from core.machine import machine
from core.proposals.selective_search import Mode
from core.scripts import detection
from ui.kit.caching import cache_words
from ui.kit.choices import choose
from ui.kit.code import show_code
from ui.kit.following import follow, show_status
from ui.kit.image_picker import PickedImage, choose_difficulty
from ui.kit.queueing import submit, waiting
from ui.proposals.recall_explorer import recall_explorer

SCENES = 50
Measured = jobs.Job[dict[str, Covered]]


def choose_mode() -> Mode:
    """Show selective search's modes and return the chosen one."""
    modes: dict[Mode, str] = {"single": _("Single"), "fast": _("Fast"), "quality": _("Quality")}
    return choose(_("Selective search"), modes, "mode", "fast")


def _titles() -> dict[str, str]:
    return {"selective_search": _("Selective search"), "rpn": _("RPN"), "sliding_window": _("Sliding window")}


@cache_words(32, N_("Proposing ..."))
def _proposed(
    image_key: str, family: str, mode: Mode, _pixels: Tensor, _truth: dict[str, Tensor] | None, _detector: Detector
) -> Recalled:
    proposed = {name: propose(_pixels) for name, propose in proposers(mode, _detector).items()}
    return recall_data(_pixels, proposed, _truth, _titles(), _detector.classes)


def show_recall(picked: PickedImage, family: Family, mode: Mode, detector: Detector) -> None:
    """Show what each proposer makes of the picked image, ``family``'s RPN, which is the ``detector``'s, among them.

    For the family of drawn scenes, held-out ones can be measured, too.
    """
    if picked.truth is None:
        st.info(_("This image has no ground truth: the proposals are shown, but recall and ABO need objects to find."))
    recall_explorer(_proposed(picked.key, family.name, mode, picked.pixels, picked.truth, detector), "recall_explorer")
    st.caption(
        _(
            "A sliding window knows nothing of the image, so that its order is random. The RPN's time is its trunk's "
            "and its own. Measured here: {machine}."
        ).format(machine=machine())
    )
    show_code(
        lambda address: detection.recall(
            picked.key, picked.title, family.name, mode, address.whole("first", 100, 1, MOST)
        )
    )
    if family.name == SHAPES.name:
        st.subheader(_("On held-out scenes"))
        _show_held_out(mode)


def _show_held_out(mode: Mode) -> None:
    """Offer to measure all proposers on the validation scenes, and show how far the measurement is."""
    row = st.container(horizontal=True, vertical_alignment="bottom")
    difficulty = choose_difficulty(row, "held_out")
    pressed = row.button(
        _("Measure on {count} scenes").format(count=SCENES), icon=":material/play_arrow:", type="primary", key="measure"
    )
    started: dict[str, Any] | None = st.session_state.get("measurement")
    if pressed:
        if started:
            started["job"].cancel()
        work = partial(measure_held_out, mode, difficulty, SCENES)
        started = {"of": (mode, difficulty), "job": submit(work)}
        st.session_state["measurement"] = started
    if started and started["of"] == (mode, difficulty):
        follow(started["job"].poll, partial(_show_measured, started["job"]))
    else:
        st.caption(_("Scenes of the validation split, which no network was trained on: the same for everybody."))


def _show_measured(job: Measured, now: jobs.Progressed[dict[str, Covered]]) -> None:
    done = len(now.events)
    text = waiting(now) if now.place else _("{done} of {total} scenes").format(done=done, total=SCENES)
    cancelled = _("Cancelled after {done} of {total} scenes.").format(done=done, total=SCENES)
    show_status(job, now, cancelled, progress=lambda line: line.progress(done / SCENES, text))
    if done:
        recall_explorer(curves_data(now.events, _titles()), "held_out_explorer")
