"""What a finished race shows: time a stage, the table, the stages one by one, the replay, the curve, the papers."""

import json
from functools import partial

import streamlit as st

from core import jobs
from core.data.scenes import CLASSES
from core.detectors import NAMES
from core.detectors.race import TRUNCATED, cost_curve, machine, table
from core.detectors.report import race_report
from core.figures.race import curve_chart, stage_bars
from core.i18n import _
from core.papers import paper_figures
from pages.parts.race import POLL, StartedRace, finished, stages, status, titles
from pages.parts.replay import Lane, replay


def show_results(started: StartedRace) -> None:
    """Show the views of a race that has ended; the chosen one lives in the address."""
    views = {
        "times": (_("Time per stage"), show_times),
        "steps": (_("Step through"), show_steps),
        "replay": (_("Replay"), show_replay),
        "curve": (_("Cost of proposals"), show_curve),
        "papers": (_("The papers"), show_papers),
    }
    view = st.segmented_control(
        _("Look at"),
        list(views),
        default="times",
        required=True,
        format_func=lambda name: views[name][0],
        key="view",
        bind="query-params",
        persist_state="session",
    )
    views[view][1](started)


def show_times(started: StartedRace) -> None:
    through = finished(started)
    share = st.toggle(_("As shares of each detector's own time"), key="share", bind="query-params")
    st.plotly_chart(stage_bars(through, titles(), share), alt=_("Time of each stage of each detector"), key="bars")
    columns: dict[str, list[object]] = {
        _("Detector"): [],
        _("Total (ms)"): [],
        _("Images/s"): [],
        _("Times faster than R-CNN"): [],
        _("... without proposals"): [],
        _("Convolution passes"): [],
        _("GFLOPs"): [],
        _("Parameters (M)"): [],
        _("mAP@0.5"): [],
    }
    for row in table(through, started.size):
        values = [
            titles()[row.name],
            round(1000 * row.seconds, 1),
            round(1 / row.seconds, 2),
            row.faster and round(row.faster, 1),
            row.faster_without_proposals and round(row.faster_without_proposals, 1),
            row.convolution_passes,
            round(row.gigaflops, 2),
            round(row.parameters / 1e6, 2),
            row.map50 and round(row.map50, 3),
        ]
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    known = {title: values for title, values in columns.items() if any(value is not None for value in values)}
    st.dataframe(known, hide_index=True, alt=_("The race in figures"))
    st.caption(
        _(
            "Measured here, one run each: {machine}. mAP@0.5 on held-out scenes, from each checkpoint's evaluation."
        ).format(machine=machine())
    )
    report = race_report(started.picked.title, started.picked.pixels, CLASSES, {one.name: one.trace for one in through})
    st.download_button(_("Download as JSON"), json.dumps(report, indent=2), "race.json", "application/json")


def show_steps(started: StartedRace) -> None:
    names = [one.name for one in finished(started)]
    name = st.selectbox(_("Detector"), names, format_func=lambda one: titles()[one], key="stepped", bind="query-params")
    done = stages(started.job.poll().events, name)
    number = st.slider(_("Stage"), 1, len(done), len(done), key=f"stage_{name}", bind="query-params")
    step, picture = done[number - 1]
    left, right = st.columns([3, 2])
    left.image(picture.jpeg, width="stretch", alt=picture.words)
    right.markdown(f"### {number}. {_(step.name)}")
    right.markdown(picture.words)
    right.metric(_("Time of this stage"), f"{1000 * step.seconds:,.2f} ms")
    right.caption(_("Measured here: {machine}.").format(machine=machine()))


def show_replay(started: StartedRace) -> None:
    events = started.job.poll().events
    lanes = [Lane(titles()[one.name], stages(events, one.name)) for one in finished(started)]
    replay(lanes)


def show_curve(started: StartedRace) -> None:
    names = [one.name for one in finished(started) if one.name != TRUNCATED]
    st.markdown(_("How long one image takes with 100 to 2000 region proposals, measured now on this image."))
    running: tuple[str, jobs.Job] | None = st.session_state.get("curve")  # type: ignore[type-arg]
    if st.button(_("Measure"), key="measure", disabled=started.size == "paper"):
        if running:
            running[1].cancel()
        work = partial(cost_curve, started.picked.pixels, names)
        running = st.session_state["curve"] = (started.picked.key, jobs.submit(work))
    if running and running[0] == started.picked.key:
        active = running[1].poll().active
        st.fragment(_curve, run_every=POLL if active else None)(running[1], active)


def _curve(job: jobs.Job, was_active: bool) -> None:  # type: ignore[type-arg]
    now = job.poll()
    if was_active and not now.active:
        st.rerun()
    if now.active:
        status(now, job)
    if now.events:
        st.plotly_chart(curve_chart(now.events, titles()), alt=_("Time against region proposals"), key="curve_chart")
        st.caption(_("Median of three runs, one where a run takes over a second: {machine}.").format(machine=machine()))


def show_papers(started: StartedRace) -> None:
    figures = paper_figures()
    ours = {row.name: row for row in table(finished(started), started.size)}
    for name in NAMES:
        row = ours.get(name)
        st.markdown(f"#### {titles()[name]}")
        if row:
            words = _("**Ours, measured here:** {ms} ms")
            faster = _("; {all} times faster than R-CNN with proposals, {rest} times without them")
            text = words.format(ms=f"{1000 * row.seconds:,.1f}")
            if row.faster and row.faster_without_proposals and name != "rcnn":
                text += faster.format(all=f"{row.faster:.1f}", rest=f"{row.faster_without_proposals:.1f}")
            st.markdown(text)
        for figure in figures:
            if figure.detector == name:
                theirs = _("The paper's: **{value}**, {compares} ({source})")
                st.markdown("- " + theirs.format(value=figure.value, compares=figure.compares, source=figure.source))
    st.caption(_("The papers measured other images, networks and machines: compare the ratios, not the seconds."))
