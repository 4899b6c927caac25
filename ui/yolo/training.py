"""YOLO trained while one looks on: a job that a fragment polls, with its loss and what it finds by then."""

from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.data.scenes import CLASSES
from core.figures.sent.yolo import WatchedTraining
from core.figures.yolo import training_data
from core.i18n import _
from core.training.short_training import BATCH, Watched, train_live
from ui.kit.choices import choose
from ui.kit.component import component
from ui.kit.following import NOTHING, follow, show_status
from ui.kit.image_picker import PickedImage
from ui.kit.queueing import submit

MINUTES = 1.0
SESSION_KEY = "yolo_training_job"


class YoloTrainingData(WatchedTraining):
    """The same with words, and what tells it from every other."""

    key: str
    words: dict[str, str]


_component = component("yolo/training", YoloTrainingData, "kit/layered_picture")


@dataclass(frozen=True)
class StartedTraining:
    """A training that this session started: the image that it is watched on, its job, and a ``key`` of its own."""

    picked: PickedImage
    job: jobs.Job[Watched]
    key: str = field(default_factory=lambda: uuid4().hex)


def start_training(picked: PickedImage) -> None:
    """Show the controls; the button starts a training, watched on ``picked``, in place of the session's last one."""
    starts = {"trunk": _("Trained trunk"), "random": _("Random weights")}
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    start = choose(
        _("Start from"),
        starts,
        "start",
        "trunk",
        place=row,
        help=_("The papers start from a network that can name images already. So does the trained trunk here."),
    )
    if row.button(_("Train for a minute"), type="primary", icon=":material/model_training:", key="train"):
        last: StartedTraining | None = st.session_state.get(SESSION_KEY)
        if last:
            last.job.cancel()
        work = partial(train_live, picked.pixels, MINUTES, "trunk" if start == "trunk" else None)
        st.session_state[SESSION_KEY] = StartedTraining(picked, submit(work, long=True))


def show_training(picked: PickedImage) -> None:
    """Show the session's training, or, before there is one, the image ``picked`` that it would be watched on."""
    current: StartedTraining | None = st.session_state.get(SESSION_KEY)
    follow(current.job.poll if current else lambda: NOTHING, partial(_show_learnt, current, picked))


def _show_learnt(current: StartedTraining | None, picked: PickedImage, now: jobs.Progressed[Watched]) -> None:
    status = st.container()  # always there: the picture keeps its place, so that none of an earlier run stays beside it
    if current is None:
        data = _data(picked, "", ())
    else:
        with status:
            show_status(
                current.job,
                now,
                _("Cancelled, or left alone for too long. What it had learnt by then is below."),
                "cancel_training",
                None if now.place else partial(_progress, now),
            )
        data = _data(current.picked, current.key, now.events)
    _component(data=data, key="yolo_training")


def _progress(now: jobs.Progressed[Watched], line: DeltaGenerator) -> None:
    done, seconds = (now.events[-1].step.done, now.events[-1].step.seconds) if now.events else (0.0, 0.0)
    left = _("{seconds} s left").format(seconds=max(0, round(60 * MINUTES - seconds)))
    line.progress(min(done, 1.0), left, width=400)


def _data(picked: PickedImage, key: str, events: tuple[Watched, ...]) -> YoloTrainingData:
    data = training_data(picked.pixels, CLASSES, events, picked.truth)
    return {**data, "key": f"{picked.key} {key}", "words": _words(len(events))}


def _words(steps: int) -> dict[str, str]:
    says = _("{steps} steps of {batch} scenes, each drawn for its step: {scenes} scenes, none seen twice.")
    idle = _("A minute of training on scenes that are drawn on the fly. It takes a place in the server's line.")
    return {
        "before": _("Before the training"),
        "found": _("{right} of {objects} objects found with a score of 0.3 or more"),
        "count": _("{count} boxes"),
        "truth": _("Dotted: ground truth. The thicker a box, the higher its score."),
        "back": _("Look back:"),
        "at": _("second {seconds}, step {step}"),
        "chart": _("Parts of the loss, mean of 10 steps"),
        "axis": _("seconds of training"),
        "box regression": _("Box regression"),
        "confidence": _("Confidence"),
        "classification": _("Classification"),
        "says": says.format(steps=steps, batch=BATCH, scenes=f"{steps * BATCH:,}") if steps else idle,
    }
