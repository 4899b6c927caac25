"""A job on the page, followed to its end: looked at again and again while it runs, and how it stands in one line."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.i18n import _
from core.jobs import Event
from ui.kit.faults import fragment
from ui.kit.queueing import submit, waiting

PACE = 0.4  # seconds between two looks

NOTHING: jobs.Progressed[Any] = jobs.Progressed("done", ())  # how it stands before there is a job


class Standing(Protocol):
    """How something stands: whether more is to come."""

    @property
    def active(self) -> bool: ...


class Cancellable(Protocol):
    """Something that can be ended."""

    def cancel(self) -> None: ...


Seen = TypeVar("Seen", bound=Standing)


def follow(poll: Callable[[], Seen], show: Callable[[Seen], None], pace: float = PACE) -> None:
    """Let ``show`` show what ``poll`` says, and again every ``pace`` seconds as long as that is active.

    When it becomes active or ends, the whole page runs: only then a fragment begins to poll or stops, and the page
    takes what has come.
    """
    active = poll().active
    fragment(_look, run_every=pace if active else None)(poll, show, active)


def _look(poll: Callable[[], Seen], show: Callable[[Seen], None], was_active: bool) -> None:
    now = poll()
    if was_active != now.active:
        st.rerun()
    show(now)


def show_status(
    job: Cancellable,
    now: jobs.Progressed[Any],
    cancelled: str,
    key: str = "cancel",
    progress: Callable[[DeltaGenerator], object] | None = None,
) -> None:
    """Say in one line how ``job`` stands ``now``, with a button that cancels it while it can be.

    The line begins with what ``progress`` puts into it, by default that it waits or runs; ``cancelled`` is said of one
    that was cancelled, and ``key`` is the button's.
    """
    if now.active:
        line = st.container(horizontal=True, vertical_alignment="center")
        (progress or _running(now))(line)
        line.button(_("Cancel"), on_click=job.cancel, key=key, icon=":material/close:")
    elif now.state == "cancelled":
        st.warning(cancelled)
    elif now.state == "failed":
        st.error(now.error)


def press_again(button: str) -> str:
    """Say of a cancelled job that the button called ``button`` starts it anew."""
    return _("Cancelled. Press {button} to start again.").format(button=button)


def _running(now: jobs.Progressed[Any]) -> Callable[[DeltaGenerator], object]:
    words = waiting(now) if now.place else _("Running ...")
    return lambda line: line.markdown(f":material/hourglass_top: {words}", width="content")


@dataclass(frozen=True)
class StartedJob(Generic[Event]):
    """A job that this session started, and the ``name`` of what it is about."""

    name: str
    job: jobs.Job[Event]


def start_job(slot: str, name: str, work: jobs.Work[Event], long: bool = False) -> StartedJob[Event]:
    """Start ``work`` about ``name``, which may take ``long``, in place of the session's last one of this ``slot``."""
    last: StartedJob[Event] | None = st.session_state.get(slot)
    if last:
        last.job.cancel()
    started = StartedJob(name, submit(work, long=long))
    st.session_state[slot] = started
    return started


def show_job(started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None]) -> None:
    """Show how the job stands and, by ``show``, what has come of it, looking again while it runs."""
    follow(started.job.poll, partial(_show_started, started, show))


def _show_started(
    started: StartedJob[Event], show: Callable[[jobs.Progressed[Event]], None], now: jobs.Progressed[Event]
) -> None:
    show_status(started.job, now, _("Cancelled, or left alone for too long."), f"cancel {started.name}")
    show(now)
