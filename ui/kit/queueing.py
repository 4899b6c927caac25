"""Long work of a page: handed in under the session's name, and the words for those that wait."""

import math
from typing import Any
from uuid import uuid4

import streamlit as st

from core import jobs
from core.i18n import _
from core.jobs import Event

OWNER = "jobs_owner"
SOON = 60  # seconds; longer waits are told in minutes


def submit(
    work: jobs.Work[Event], urgent: bool = False, *, long: bool = False, newest: bool = False, kind: str = ""
) -> jobs.Job[Event]:
    """Line up ``work`` for this session, as ``core.jobs.submit`` does."""
    owner = st.session_state.setdefault(OWNER, uuid4().hex)
    return jobs.submit(work, urgent, owner=owner, long=long, newest=newest, kind=kind)


def waiting(now: jobs.Progressed[Any]) -> str:
    """Say where in the line a job is and how long it will wait."""
    if now.wait is None:
        return _("Waiting: number {place} in line.").format(place=now.place)
    if now.wait > SOON:
        words = _("Waiting: number {place} in line, about {minutes} min.")
        return words.format(place=now.place, minutes=math.ceil(now.wait / 60))
    return _("Waiting: number {place} in line, about {seconds} s.").format(
        place=now.place, seconds=max(1, math.ceil(now.wait))
    )
