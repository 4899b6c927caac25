"""What is wrong with a source: found by a job, listed by kinds with pictures, and left out of a cleaned copy."""

from collections import OrderedDict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypedDict
from uuid import uuid4

import streamlit as st

from core import jobs
from core.data.cleaned import Cleaned, cleaned, size_of
from core.data.flaws import KINDS, FolderReport
from core.data.sources import DRAWN
from core.figures.data import Checked, checked
from core.figures.sent.data import CheckedSet, ClassCount, FlawData
from core.i18n import _
from ui.kit.component import component
from ui.kit.following import StartedJob, show_job, start_job
from ui.sources.practice import practice_source
from ui.sources.sets import PickedSource, add_own
from ui.sources.work_folder import RoomError, room_for


class NamedFlaw(FlawData):
    """A kind of flaw in words, and what a cleaned copy does about it."""

    title: str
    cleaned: str


class CleaningData(TypedDict):
    """What is wrong with a set, in words."""

    form: str
    images: int
    objects: list[ClassCount]
    flaws: list[NamedFlaw]
    words: dict[str, str]


_component = component("data/cleaning", CleaningData, "data/parts")

CHECK_JOB, CLEAN_JOB, COPIES = "data_check_job", "data_clean_job", "data_copies"
REMEMBERED = 32  # reports, for all sessions together


@st.cache_resource(show_spinner=False)
def _reports() -> OrderedDict[str, tuple[FolderReport, CheckedSet]]:
    return OrderedDict()


def report_of(picked: PickedSource) -> tuple[FolderReport, CheckedSet] | None:
    """Return what a check has found in a source and what of it is drawn; None where there was none yet."""
    return _reports().get(picked.key)


def show_cleaning(picked: PickedSource) -> None:
    """Check the source, unless that is done, and show what is wrong with it."""
    if picked.data in DRAWN:
        picked = practice_source()
        st.info(
            _("What is drawn here has no flaws to find. In its place, a small set for practice that has every kind.")
        )
    found = report_of(picked)
    if found is None:
        _check(picked)
        return
    report, data = replace(found[0], root=Path(picked.data)), found[1]
    _component(
        data={
            "form": data["form"],
            "images": data["images"],
            "objects": data["objects"],
            "flaws": [_named(flaw) for flaw in data["flaws"]],
            "words": _words(),
        },
        key="data_cleaning",
    )
    st.subheader(_("A cleaned copy"))
    st.markdown(_("Nothing in the source is deleted or changed. A copy is written without what is wrong."))
    _copy(picked, report)


def _check(picked: PickedSource) -> None:
    current: StartedJob[Checked] | None = st.session_state.get(CHECK_JOB)
    if current is None or current.name != picked.key:
        current = start_job(CHECK_JOB, picked.key, partial(checked, picked.data))
    now = current.job.poll()
    last = now.events[-1] if now.events else None
    if last and last.report and last.data:
        reports = _reports()
        reports[picked.key] = last.report, last.data
        while len(reports) > REMEMBERED:
            reports.popitem(last=False)
        st.rerun()
    show_job(current, _progress)
    if not now.active and st.button(_("Check again"), key="check_again"):
        del st.session_state[CHECK_JOB]
        st.rerun()


def _progress(now: jobs.Progressed[Any]) -> None:
    if now.active and now.events:
        done = now.events[-1].done
        st.progress(done, _("{percent} % done").format(percent=round(100 * done)))


def _named(flaw: FlawData) -> NamedFlaw:
    kind = KINDS[flaw["kind"]]
    return {**flaw, "title": _(kind.title), "cleaned": _(kind.cleaned)}


def _copy(picked: PickedSource, report: FolderReport) -> None:
    copies: dict[str, Cleaned] = st.session_state.setdefault(COPIES, {})
    done = copies.get(picked.key)
    if done and done.folder and done.archive and done.archive.exists():
        row = st.container(horizontal=True)
        row.download_button(
            _("Download the copy"),
            partial(done.archive.open, "rb"),
            f"{picked.title}.zip",
            "application/zip",
            icon=":material/download:",
        )
        title = _("{title}, cleaned").format(title=picked.title)
        source = PickedSource(f"cleaned:{done.folder.parent.name}", title, str(done.folder), picked.form)
        row.button(_("Use it as the source"), on_click=add_own, args=(source,), icon=":material/input:")
        return
    current: StartedJob[Cleaned] | None = st.session_state.get(CLEAN_JOB)
    if st.button(_("Write a cleaned copy"), type="primary", icon=":material/cleaning_services:", key="clean"):
        try:
            # Twice: the folder and its zip file.
            with room_for(2 * size_of(report), keep=report.root) as folder:
                place = folder / uuid4().hex
                place.mkdir()
        except RoomError as error:
            st.error(str(error))
            return
        current = start_job(CLEAN_JOB, picked.key, partial(cleaned, report, place / "cleaned"))
    if current and current.name == picked.key:
        now = current.job.poll()
        if now.state == "done":
            copies[picked.key] = now.events[-1]
            del st.session_state[CLEAN_JOB]
            with room_for(0):  # what was written is counted
                st.rerun()
        show_job(current, _progress)


def _words() -> dict[str, str]:
    return {
        "found": _("Found"),
        "clean": _("No flaw was found."),
        "does": _("In a cleaned copy: {cleaned}."),
        "more": _("and {count} more"),
        "unreadable": _("cannot be read"),
        "classes": _("Objects by class, images by class where there are no objects"),
    }
