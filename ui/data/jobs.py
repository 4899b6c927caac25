"""Work of the data page that runs elsewhere: started once, looked at again and again while it runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import streamlit as st

from core import jobs
from core.i18n import _
from ui.kit.following import follow, show_status
from ui.kit.queueing import submit

Event = TypeVar("Event")


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


def show_job(started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None]) -> None:
    """Show how the job stands and, by ``show``, what has come of it, looking again while it runs."""
    follow(started.job.poll, partial(_show, started, show))


def _show(
    started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None], now: jobs.Progressed[Event]
) -> None:
    show_status(started.job, now, _("Cancelled, or left alone for too long."), f"cancel {started.name}")
    show(now)
