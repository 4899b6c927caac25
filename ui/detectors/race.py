"""A race on the page: started as a job, polled by a fragment, one panel for each detector."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import streamlit as st
from torch import Tensor

from core import jobs
from core.detectors import Progress, TimedStep
from core.detectors.race import Finished, Ran, Refused, entered, race
from core.families import Family
from core.figures.stages import Drawn, Picture, draw, draw_race, seconds_left
from core.i18n import _, spoken
from core.models import MODELS
from ui.kit.caching import cache_words
from ui.kit.following import follow, press_again, show_status
from ui.kit.image_picker import PickedImage
from ui.kit.queueing import submit

FEWEST_COLUMNS = 2  # one panel alone would push the results off a projector's screen
REDRAWN = 128  # stages' pictures in another language, for all sessions


@dataclass(frozen=True)
class StartedRace:
    """A race that this session started: on which image, with whom, of at most how many region proposals, its job, and a
    ``key`` of its own."""

    picked: PickedImage
    names: tuple[str, ...]
    max_regions: int
    family: Family
    job: jobs.Job[Drawn]
    key: str = field(default_factory=lambda: uuid4().hex)


def titles() -> dict[str, str]:
    """Return the visible name of each contestant."""
    return {name: _(model.title) for name, model in MODELS.items() if model.kind == "detector"}


def start(
    picked: PickedImage, names: Sequence[str], max_regions: int, family: Family, urgent: bool = False
) -> StartedRace:
    """Start a race in place of the session's last one; an ``urgent`` one goes before those that wait."""
    last: StartedRace | None = st.session_state.get("race")
    if last:
        last.job.cancel()
    racing = entered(names)
    running = partial(race, picked.pixels, racing, max_regions, family)
    drawing = partial(draw_race, image=picked.pixels, classes=family.classes)
    job = submit(partial(jobs.piped, running, drawing), urgent, kind=f"race of {len(racing)}, {family.name}")
    started = StartedRace(picked, tuple(names), max_regions, family, job)
    st.session_state["race"] = started
    return started


def wait(started: StartedRace, seconds: float) -> None:
    """Stand still while a quick race runs, for at most ``seconds``: a page that looks every moment disturbs it."""
    end = time.monotonic() + seconds
    while started.job.poll().active and time.monotonic() < end:
        time.sleep(0.02)


def show(started: StartedRace) -> None:
    """Show the race's panels, looking again and again while it runs."""
    follow(started.job.poll, partial(_panels, started))


def finished(started: StartedRace) -> list[Finished]:
    """Return the contestants that are through."""
    return [drawn.event for drawn in started.job.poll().events if isinstance(drawn.event, Finished)]


def stages(started: StartedRace, events: Sequence[Drawn], name: str) -> list[tuple[TimedStep, Picture]]:
    """Return the finished stages of contestant ``name`` with their pictures."""
    own = [drawn for drawn in events if isinstance(drawn.event, Ran) and drawn.event.name == name]
    return [
        (drawn.event.event, _picture(started, name, drawn, drawn.event.event))
        for drawn in own
        if isinstance(drawn.event, Ran) and isinstance(drawn.event.event, TimedStep) and drawn.picture
    ]


def _picture(started: StartedRace, name: str, drawn: Drawn, step: TimedStep) -> Picture:
    """Return the picture of a ``step``, drawn anew where the reader has changed the language since."""
    if drawn.picture and drawn.language == spoken():
        return drawn.picture
    return _redrawn(started.key, name, step.name, step, started.picked.pixels, started.family.classes)


@cache_words(REDRAWN)
def _redrawn(
    key: str, name: str, step_name: str, _step: TimedStep, _pixels: Tensor, _classes: tuple[str, ...]
) -> Picture:
    return draw(_step.value, _pixels, _classes)


def _panels(started: StartedRace, now: jobs.Progressed[Drawn]) -> None:
    show_status(started.job, now, press_again(_("Race")))
    if started.family.for_timing:
        st.caption(_("Paper size: random weights, for timing only. The boxes mean nothing."))
    for column, name in zip(st.columns(max(len(started.names), FEWEST_COLUMNS)), started.names, strict=False):
        with column:
            _panel(started, name, now)


def _panel(started: StartedRace, name: str, now: jobs.Progressed[Drawn]) -> None:
    own = [drawn for drawn in now.events if drawn.event.name == name]
    done = stages(started, own, name)
    spent = _("{ms} ms").format(ms=f"{1000 * sum(step.seconds for step, _picture in done):,.1f}")
    st.markdown(f"**{titles()[name]}**" + (f" · {spent}" if done else ""))
    for drawn in own:
        if isinstance(drawn.event, Refused):
            st.warning(drawn.event.sentence)
            return
    if now.active and own:
        _progress(own)
    if done:
        step, picture = done[-1]
        st.image(picture.webp, width="stretch", alt=f"{titles()[name]}, {_(step.name)}: {picture.words}")
        st.caption(f"**{_(step.name)}**: {picture.words}")
    elif now.active:
        st.skeleton(height=200)


def _progress(own: Sequence[Drawn]) -> None:
    """Show how far the stage is that contestant's last event, of its ``own``, came from inside of."""
    last = own[-1].event
    if isinstance(last, Ran) and isinstance(last.event, Progress):
        words = _("{stage}: {done} of {total}")
        text = words.format(stage=_(last.event.name), done=last.event.done, total=last.event.total)
        left = seconds_left(own)
        if left is not None:
            text += _(", {seconds} s left").format(seconds=round(left))
        st.progress(last.event.done / max(last.event.total, 1), text)
