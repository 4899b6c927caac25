"""A training that goes on while its session looks at another page: how far it is, in the header.

Every page has it, so it imports nothing of what trains: a new server's first visitor would wait a second for that.
"""

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import streamlit as st

from core.i18n import _
from core.jobs import Job, Progressed
from ui.frame.places import PAGES
from ui.kit.following import follow

if TYPE_CHECKING:
    from core.training.app_runs import Snapshot

TrainingJob: TypeAlias = "Job[Snapshot]"

PAGE, ADDRESS = "training", "run"
JOBS = "training_jobs"
PACE = 3.0  # seconds between two looks: a job that nobody asks for is paused after 20, and every page looks


def own_runs() -> "dict[str, TrainingJob | None]":
    """Return the tokens of this session's runs, the oldest first, with the jobs that it has started."""
    known: dict[str, TrainingJob | None] = st.session_state.setdefault(JOBS, {})
    return known


def keep_training(page: str) -> None:
    """Ask for the session's training on every other ``page`` too, so that it goes on; lead back to it."""
    if page == PAGE:
        return
    for token, job in own_runs().items():
        if job and job.poll().active:
            follow(job.poll, partial(_lead_back, token), PACE)


def _lead_back(token: str, now: "Progressed[Snapshot]") -> None:
    step = now.events[-1].step if now.events else None
    words = _("Training: {percent} %").format(percent=round(100 * step.done) if step else 0)
    page = PAGES / f"{PAGE}.py"
    st.page_link(page, label=words, icon=":material/model_training:", query_params={ADDRESS: token})
