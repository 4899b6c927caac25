"""Three ways of learning one task, as jobs: what is known already is shown, what is missing is learnt."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import streamlit as st

from core import jobs
from core.figures.transfer import board_data
from core.i18n import _
from core.pretrained import Name
from core.transfer.tasks import COUNTS
from core.transfer.ways import WAYS, Drift, Event, Learnt, Look, Opened, Plan
from ui.kit.following import NOTHING, follow, press_again, show_status
from ui.sources.source import PickedSource
from ui.transfer.board import titles, transfer_board
from ui.transfer.started import STARTED, Started, is_everybodys, start
from ui.transfer.words import show_accuracy, show_keeping, show_verdicts

SEEDS = 3
REMEMBERED = 500  # results of a source, for all sessions together
OWN = "transfer_known"


@dataclass(frozen=True)
class Known:
    """All that was found out about one source: how it opens for a trunk, what was learnt, and what moves features."""

    opened: dict[Name, Opened] = field(default_factory=dict)
    learnt: dict[Plan, Learnt] = field(default_factory=dict)
    drifts: dict[Plan, Drift] = field(default_factory=dict)

    def note(self, events: Sequence[Event], trunk: Name) -> None:
        """Remember what came of a job with ``trunk``."""
        for event in events:
            if isinstance(event, Opened):
                self.opened[trunk] = event
            elif isinstance(event, Learnt):
                self.learnt[event.plan] = event
            elif isinstance(event, Drift):
                self.drifts[event.plan] = event
        while len(self.learnt) > REMEMBERED:
            del self.learnt[next(iter(self.learnt))]


def known_of(picked: PickedSource) -> Known:
    """Return what is known of a source: with all sessions where it is everybody's, and forgotten with its own."""
    if is_everybodys(picked):
        return _known(picked.key)
    own: dict[str, Known] = st.session_state.setdefault(OWN, {})
    return own.setdefault(picked.key, Known())


@st.cache_resource(max_entries=64, show_spinner=False)
def _known(source: str) -> Known:
    return Known()


def show_study(picked: PickedSource, plan: Plan) -> None:
    """Show the three ways as ``plan`` says but for the way, and learn what is not known yet.

    Of a large trunk only the last layer is learnt unasked: the others take minutes and a GB of memory.
    """
    plans = tuple(replace(plan, way=way) for way in WAYS)
    known = known_of(picked)
    unasked = plans if plan.trunk == "slim" else plans[:1]
    missing = tuple(one for one in unasked if one not in known.learnt)
    started: Started | None = st.session_state.get(STARTED)
    if started and (started.key != picked.key or _learnt_by_others(started, known)):
        started.cancel()
        started = st.session_state[STARTED] = None
    if missing and not (started and set(missing) <= set(started.plans)):
        start(picked, missing)
        started = st.session_state[STARTED]
    follow(_poll, partial(_show_known, picked, plans))


def _learnt_by_others(started: Started, known: Known) -> bool:
    """Whether a job still stands in line for what another session has found out meanwhile."""
    return started.poll().active and all(plan in known.learnt for plan in started.plans)


def _poll() -> jobs.Progressed[Event]:
    """Return how the session's newest job stands: a button of the fragment itself may have started another."""
    started: Started | None = st.session_state.get(STARTED)
    return started.poll() if started else NOTHING


def _show_known(picked: PickedSource, plans: tuple[Plan, ...], now: jobs.Progressed[Event]) -> None:
    known = known_of(picked)
    started: Started | None = st.session_state.get(STARTED)
    if started:
        known.note(now.events, started.plans[0].trunk)
        _status(picked, started, now, known)
    if not now.active:
        _offer(picked, plans, known)
    opened = known.opened.get(plans[0].trunk)
    show_verdicts(plans, known.learnt, opened)
    transfer_board(board_data(plans, opened, looks_in(now), known.learnt.values()))
    if opened:
        show_accuracy(plans[0], opened)
    show_keeping(plans[0], known.learnt.get(plans[0]), known.drifts.get(plans[0]))


def looks_in(now: jobs.Progressed[Event]) -> list[Look]:
    """Return the looks among the events of a job."""
    return [event for event in now.events if isinstance(event, Look)]


def _status(picked: PickedSource, started: Started, now: jobs.Progressed[Event], known: Known) -> None:
    show_status(started, now, press_again(_("Learn again")))
    left = tuple(plan for plan in started.plans if plan not in known.learnt)
    if now.state in ("cancelled", "failed") and left:
        label = _("Learn again")
        st.button(label, icon=":material/replay:", key="transfer_again", on_click=start, args=(picked, left))
    if now.active and not now.place:
        steps = {look.plan: look.step for look in looks_in(now)}
        part = sum(steps.values()) / (len(started.plans) * started.plans[0].steps)
        done = len(started.plans) - len(left)
        words = _("{done} of {count} trainings").format(done=done, count=len(started.plans))
        if part > 0.05:
            seconds = (time.monotonic() - started.at) * (1 - part) / part
            words += _(", about {seconds} s left").format(seconds=round(seconds))
        st.progress(min(part, 1.0), words)


def _offer(picked: PickedSource, plans: tuple[Plan, ...], known: Known) -> None:
    """Offer to learn the ways that are missing; to measure all numbers of images, the chosen one first, by several
    seeds."""
    rest = tuple(plan for plan in plans if plan not in known.learnt)
    if rest and len(rest) < len(plans):
        ways = ", ".join(titles()[plan.way] for plan in rest)
        said = _("Learn these too, in some minutes: {ways}").format(ways=ways)
        st.button(said, icon=":material/play_arrow:", key="transfer_rest", on_click=start, args=(picked, rest))
    counts = sorted(COUNTS, key=lambda count: count != plans[0].per_class)
    every = [replace(plan, per_class=count, seed=seed) for seed in range(SEEDS) for count in counts for plan in plans]
    missing = tuple(plan for plan in every if plan not in known.learnt)
    if missing:
        words = _("Measure {counts} images a class with {seeds} seeds ({trainings} trainings)")
        said = words.format(counts=", ".join(map(str, COUNTS)), seeds=SEEDS, trainings=len(missing))
        st.button(said, icon=":material/monitoring:", key="transfer_more", on_click=start, args=(picked, missing))
