"""The runs of this session, and the one that the address names."""

import time
from typing import Any
from uuid import uuid4

import streamlit as st

from core.checkpoint import CheckpointError
from core.i18n import _
from core.models import MODELS
from core.training import app_runs
from core.training.plan import Plan
from core.training.runs import Run
from ui.training.ongoing_training import ADDRESS, TrainingJob, own_runs

CURRENT, BEGUN, NOT_BEGUN = "training_run", "training_begun", "training_not_begun"
MOST_KNOWN = 12  # runs of a session that are offered to be compared
TWICE = 1.5  # seconds within which a second click on the same button means the first


def begin(plan: Plan, weights: bytes | None, titles: dict[str, str]) -> None:
    """Start a training in place of the one that this session has at work, which is paused.

    Where it cannot be, the sentence ``NOT_BEGUN`` in the session says why.
    """
    last: tuple[float, Any] | None = st.session_state.get(BEGUN)
    if last and last[1] == plan and time.monotonic() - last[0] < TWICE:
        return
    st.session_state[BEGUN] = time.monotonic(), plan
    for job in own_runs().values():
        if job:
            job.cancel()
    try:
        token, job = app_runs.start(plan, weights, owner(), **titles)
    except CheckpointError as error:
        st.session_state[NOT_BEGUN] = str(error)
        return
    remember(token, job)
    show(token)


def owner() -> str:
    """Return a name for this session, so that turns in the line go round."""
    name: str = st.session_state.setdefault("training_owner", uuid4().hex)
    return name


def remember(token: str, job: "TrainingJob | None") -> None:
    """Count the run among this session's; only so many are."""
    known = own_runs()
    known[token] = job or known.get(token)
    for old in list(known)[:-MOST_KNOWN]:
        del known[old]


def show(token: str | None) -> None:
    """Put the run of ``token`` into the address, or none."""
    st.session_state[CURRENT] = token
    if token:
        st.query_params[ADDRESS] = token
    else:
        st.query_params.pop(ADDRESS, None)


def current_run() -> Run | None:
    """Return the run that the address names, or the session's last; None, with a sentence, where it is gone."""
    token = st.query_params.get(ADDRESS) or st.session_state.get(CURRENT)
    if not token:
        return None
    run = app_runs.find(token)
    if run is None:
        show(None)
        st.warning(_("There is no run of that name on this server, or none any more: start a new training."))
        return None
    show(token)
    remember(token, app_runs.job_of(run))
    return run


def title_of(run: Run) -> str:
    """Return what a run is called: its model, its data, and the beginning of its token."""
    entry = MODELS[run.card["asked"]["model"]]
    model = _(entry.title)
    return f"{model} · {run.card['titles']['data']} · {run.name[:4]}"
