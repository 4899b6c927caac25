"""A finished race played again in the browser, without trips to the server."""

import base64
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.detectors import TimedStep
from core.figures.race import stage_colour
from core.figures.stages import Picture
from core.i18n import _

_source = Path(__file__).with_suffix("")
_component = st.components.v2.component(
    "race_replay",
    html=_source.with_suffix(".html").read_text(),
    css=_source.with_suffix(".css").read_text(),
    js=_source.with_suffix(".js").read_text(),
)


@dataclass(frozen=True)
class Lane:
    """One detector of the replay: its ``title`` and its stages with their pictures."""

    title: str
    stages: list[tuple[TimedStep, Picture]]


def replay(lanes: list[Lane]) -> None:
    """Show ``lanes`` as an animation in true or scaled time."""
    data = {
        "lanes": [{"title": lane.title, "stages": [_stage(*stage) for stage in lane.stages]} for lane in lanes],
        "words": {"play": _("Play"), "pause": _("Pause"), "again": _("Play again"), "clock": _("Clock")},
        "speeds": [
            {"label": _("True time"), "factor": 1},
            {"label": _("10 times slower"), "factor": 0.1},
            {"label": _("100 times slower"), "factor": 0.01},
            {"label": _("10 times faster"), "factor": 10},
        ],
    }
    _component(data=data, key="replay")


def _stage(step: TimedStep, picture: Picture) -> dict[str, object]:
    return {
        "name": _(step.name),
        "seconds": step.seconds,
        "colour": stage_colour(step.name),
        "picture": "data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode(),
        "words": picture.words,
    }
