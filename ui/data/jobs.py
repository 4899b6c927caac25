"""Work of the data page that runs elsewhere: started once, looked at again and again while it runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from core import jobs
from core.i18n import _
from ui.kit.faults import fragment
from ui.kit.queueing import submit, waiting

Event = TypeVar("Event")

POLL = 0.4  # seconds between two looks


@dataclass(frozen=True)
class StartedJob(Generic[Event]):
    """A job that this session started, and the ``name`` of what it is about."""

    name: str
    job: jobs.Job[Event]


def start(slot: str, name: str, work: Callable[[], Iterator[Event]], long: bool = False) -> StartedJob[Event]:
    """Start ``work`` about ``name``, which may take ``long``, in place of the session's last one of this ``slot``."""
    last: StartedJob[Event] | None = st.session_state.get(slot)
    if last:
        last.job.cancel()
    started = StartedJob(name, submit(work, long=long))
    st.session_state[slot] = started
    return started


def follow(started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None]) -> None:
    """Show how the job stands and, by ``show``, what has come of it, looking again while it runs."""
    active = started.job.poll().active
    fragment(_look, run_every=POLL if active else None)(started, show, active)


def _look(started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None], was_active: bool) -> None:
    now = started.job.poll()
    if was_active and not now.active:
        st.rerun()  # the fragment stops polling, and the page takes what has come
    if now.active:
        line = st.container(horizontal=True, vertical_alignment="center")
        line.markdown(f":material/hourglass_top: {waiting(now) if now.place else _('Running ...')}", width="content")
        line.button(_("Cancel"), on_click=started.job.cancel, key=f"cancel {started.name}", icon=":material/close:")
    elif now.state == "cancelled":
        st.warning(_("Cancelled, or left alone for too long."))
    elif now.state == "failed":
        st.error(now.error)
    show(now)
