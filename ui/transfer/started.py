"""The trainings of a session, as jobs: what is soon done does not wait for what takes long."""

import time
from dataclasses import dataclass, field, replace
from functools import partial

import streamlit as st

from core import jobs
from core.data.sources import DRAWN
from core.transfer.kept import FOLDER
from core.transfer.ways import WAYS, Event, Plan, study
from ui.kit.queueing import submit
from ui.sources.source import PickedSource
from ui.sources.work_folder import work_folder

MOST_QUICK_STEPS = 400  # of our own trunk, which are 15 s of a processor; what takes longer lets others pass
STARTED = "transfer_started"
KEPT = "features"  # in this session's own folder


@dataclass(frozen=True)
class Started:
    """What this session is learning: ``plans`` on the source called ``key``, as jobs that were ``handed_in`` ``at``
    a second of the clock."""

    key: str
    plans: tuple[Plan, ...]
    handed_in: tuple[jobs.Job[Event], ...]
    at: float = field(default_factory=time.monotonic)

    def cancel(self) -> None:
        """End what is not done yet."""
        for job in self.handed_in:
            job.cancel()

    def poll(self) -> jobs.Progressed[Event]:
        """Return how the jobs stand as one: what came of all of them, and the state of one that is not done."""
        found = [job.poll() for job in self.handed_in]
        left = [one for one in found if one.active] or [one for one in found if one.state != "done"] or found
        return replace(left[0], events=tuple(event for one in found for event in one.events))


def is_everybodys(picked: PickedSource) -> bool:
    """Whether other sessions see this source, too."""
    return picked.data in DRAWN or picked.key.startswith("server:")


def start(picked: PickedSource, plans: tuple[Plan, ...]) -> None:
    """Learn by ``plans``, in place of what this session is learning; what is soon done does not wait for the rest."""
    last: Started | None = st.session_state.get(STARTED)
    if last:
        last.cancel()
    slow = plans[0].trunk != "slim" or sum(plan.steps for plan in plans if not plan.cached) > MOST_QUICK_STEPS
    quick = tuple(plan for plan in plans if not slow or (plan.cached and len(plans) <= len(WAYS)))
    rest = tuple(plan for plan in plans if plan not in quick)
    handed_in = tuple(_submit(picked, part, long) for part, long in ((quick, False), (rest, True)) if part)
    st.session_state[STARTED] = Started(picked.key, plans, handed_in)


def _submit(picked: PickedSource, plans: tuple[Plan, ...], long: bool) -> jobs.Job[Event]:
    everybodys = is_everybodys(picked)
    version = picked.key if everybodys else ""  # nobody's own images are remembered
    keep = FOLDER if everybodys else work_folder() / KEPT
    work = partial(study, picked.data, plans, version, keep)
    return submit(work, long=long, kind=f"transfer, {'long' if long else 'quick'}")
