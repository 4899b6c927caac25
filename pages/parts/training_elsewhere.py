"""A training that goes on while its session looks at another page: how far it is, in the header."""

import streamlit as st

from core.i18n import _
from pages.parts.training_runs import ADDRESS, Job, own_runs

PAGE = "training"
POLL = 3.0  # seconds; a job that nobody asks for is paused after 20


def keep_training(page: str) -> None:
    """Ask for the session's training on every other ``page`` too, so that it goes on; lead back to it."""
    if page == PAGE:
        return
    for token, job in own_runs().items():
        if job and job.poll().active:
            st.fragment(_keep, run_every=POLL)(token, job)


def _keep(token: str, job: Job) -> None:
    now = job.poll()
    if not now.active:
        st.rerun()  # nobody needs to ask any more
    step = now.events[-1].step if now.events else None
    words = _("Training: {percent} %").format(percent=round(100 * step.done) if step else 0)
    st.page_link("pages/training.py", label=words, icon=":material/model_training:", query_params={ADDRESS: token})
