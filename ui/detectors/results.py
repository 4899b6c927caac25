"""What a finished race shows: time a stage, the table, the stages one by one, the replay, the curve, the papers."""

import json
from functools import partial

import streamlit as st
from torch import Tensor

from core import jobs
from core.detectors import NAMES
from core.detectors.race import (
    CURVE_REGIONS,
    CurvePoint,
    Refused,
    Row,
    cost_curve_of_trained,
    table,
)
from core.detectors.report import race_report
from core.families import SHAPES, Family
from core.figures.race import curve_chart
from core.i18n import _
from core.machine import machine
from core.models import MODELS, PaperFigure
from ui.detectors.race import StartedRace, finished, stages, titles
from ui.detectors.viewer import Lane, race_viewer
from ui.images.family import say_if_none
from ui.images.naming import name_picture
from ui.kit.chart import show_chart
from ui.kit.choices import choose
from ui.kit.following import follow, press_again, show_status
from ui.kit.queueing import submit

CURVES = 16  # images whose curves are kept, for all sessions


def show_results(started: StartedRace) -> None:
    """Show a race that has ended: its pictures and times, and who did not run."""
    through = finished(started)
    now = started.job.poll()
    events = now.events
    show_status(started.job, now, press_again(_("Race")))
    for drawn in events:
        if isinstance(drawn.event, Refused) and drawn.event.name in started.names:
            st.warning(f"**{titles()[drawn.event.name]}**: {drawn.event.sentence}")
    if started.family.for_timing:
        st.caption(_("Paper size: random weights, for timing only. The boxes mean nothing."))
    lanes = [
        Lane(one.name, titles()[one.name], stages(started, events, one.name), one.name in started.names)
        for one in through
    ]
    race_viewer(started.key, lanes, table(through, started.family))
    say_if_none(started.family, [score for one in through for score in one.trace.detections.scores.tolist()])
    if started.family.data:
        name_picture(started.picked.key, started.picked.pixels)
    words = _("Measured here, one run each: {machine}. mAP@0.5 on held-out images, from each checkpoint's evaluation.")
    st.caption(words.format(machine=machine()))
    traces = {one.name: one.trace for one in through}
    report = race_report(started.picked.title, started.picked.pixels, started.family.classes, traces)
    st.download_button(_("Download as JSON"), json.dumps(report, indent=2), "race.json", "application/json")


def show_more(started: StartedRace) -> None:
    """Show what puts the race's figures into proportion; the chosen view lives in the address."""
    titles = {"papers": _("The papers' figures"), "curve": _("Cost of proposals")}
    view = choose(_("Compare with"), titles, "view", "papers")
    {"papers": show_papers, "curve": show_curve}[view](started)


def show_curve(started: StartedRace) -> None:
    st.markdown(
        _(
            "How long this image takes with 100 to 2000 region proposals, measured now. Selective search comes on top; "
            "Faster R-CNN makes its own proposals, and YOLO has none."
        )
    )
    trained = SHAPES if started.family.for_timing else started.family
    image = started.picked.key, trained.name, started.picked.pixels, trained
    job = _curve_job(*image)
    # A session starts a curve that others have left, but not one that was cancelled before its eyes.
    left = job.poll().state == "cancelled" and st.session_state.get("curve") is not job
    if st.button(_("Measure again"), key="measure") or left:
        job.cancel()
        _curve_job.clear(*image)
        job = _curve_job(*image)
    st.session_state["curve"] = job
    follow(job.poll, partial(_curve, job))


@st.cache_resource(max_entries=CURVES, show_spinner=False)
def _curve_job(image_key: str, family: str, _pixels: Tensor, _family: Family) -> jobs.Job[CurvePoint]:
    """Measure the cost curve of an image, once for all who look at it: a class would wait for hours otherwise."""
    return submit(partial(cost_curve_of_trained, _pixels, _family))


def _curve(job: jobs.Job[CurvePoint], now: jobs.Progressed[CurvePoint]) -> None:
    show_status(job, now, press_again(_("Measure again")))
    if now.active:
        measured = len({point.regions for point in now.events})
        st.progress(measured / len(CURVE_REGIONS))
    if now.events:
        show_chart(curve_chart(now.events, titles()), "curve_chart", _("Time against region proposals"))
        st.caption(_("Median of three runs, one where a run takes over a second: {machine}.").format(machine=machine()))


def show_papers(started: StartedRace) -> None:
    """Show beside each detector's times here what its paper, or a later one, reports."""
    ours = {row.name: row for row in table(finished(started), started.family)}
    for name in NAMES:
        title, here, there = st.columns([1, 2, 4], border=False)
        title.markdown(f"**{titles()[name]}**")
        here.markdown(_ours(ours.get(name)))
        there.markdown("\n".join(_theirs(figure) for figure in MODELS[name].figures))
    st.caption(_("The papers measured other images, networks and machines: compare the ratios, not the seconds."))


def _ours(row: Row | None) -> str:
    if row is None:
        return _("Ours: not in this race.")
    text = _("Ours, measured here: **{ms} ms**").format(ms=f"{1000 * row.seconds:,.1f}")
    if row.faster and row.faster_without_proposals and row.name != "rcnn":
        words = _(", **{all}x** faster than R-CNN with proposals, **{rest}x** without them")
        text += words.format(all=f"{row.faster:,.1f}", rest=f"{row.faster_without_proposals:,.1f}")
    return text


def _theirs(figure: PaperFigure) -> str:
    words = _("- The paper's: **{value}**, {compares} ({source})")
    return words.format(value=_(figure.value), compares=_(figure.compares), source=_(figure.source))
