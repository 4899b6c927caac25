"""A finished race in the browser: what each stage made, where the time went, and the race played again."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from core.detectors import TimedStep
from core.detectors.race import Row
from core.figures.stages import Picture
from core.i18n import _
from core.models import stage_colour
from ui.kit.component import component


class RaceStage(TypedDict):
    """A stage of a detector, its time, and the picture of what it made."""

    name: str
    seconds: float
    colour: str
    picture: str
    words: str


class RaceLane(TypedDict):
    """A detector and its stages; see ``Lane``."""

    name: str
    title: str
    panel: bool
    seconds: float
    stages: list[RaceStage]


class RaceTable(TypedDict):
    """A table of texts."""

    head: list[str]
    rows: list[list[str]]


class ReplaySpeed(TypedDict):
    """How fast the race may be played again."""

    label: str
    factor: float


class RaceData(TypedDict):
    """A race, told from every other by ``race``, with words."""

    race: str
    lanes: list[RaceLane]
    table: RaceTable
    speeds: list[ReplaySpeed]
    words: dict[str, str]


_component = component("detectors/viewer", RaceData)


@dataclass(frozen=True)
class Lane:
    """One contestant: its ``name`` and ``title``, its stages with their pictures, and whether it has a ``panel`` for
    them beside its bar."""

    name: str
    title: str
    stages: list[tuple[TimedStep, Picture]]
    panel: bool


def race_viewer(race: str, lanes: Sequence[Lane], rows: Sequence[Row]) -> None:
    """Show ``lanes`` and, in figures, ``rows``, one for each lane; ``race`` tells this race from every other."""
    titles = {lane.name: lane.title for lane in lanes}
    data: RaceData = {
        "race": race,
        "lanes": [_lane(lane) for lane in lanes],
        "table": figures(rows, titles),
        "speeds": [
            {"label": _("True time"), "factor": 1},
            {"label": _("10 times slower"), "factor": 0.1},
            {"label": _("100 times slower"), "factor": 0.01},
            {"label": _("10 times faster"), "factor": 10},
        ],
        "words": {
            "play": _("Replay"),
            "pause": _("Pause"),
            "speed": _("Speed of the replay"),
            "clock": _("Clock of the replay"),
            "stage": _("Stage"),
            "enlarge": _("Enlarge"),
            "shrink": _("Back to the others"),
            "scale": _("Scale of the bars"),
            "same": _("One scale"),
            "zoom": _("Without the slowest"),
            "share": _("Share of own time"),
            "hint": _("Point at a part of a bar, or click it, to see what that stage made."),
            "part": _("{detector}, {stage}: {time}, {share} % of its time"),
            "table": _("The race in figures"),
        },
    }
    _component(data=data, key="race_viewer")


def _lane(lane: Lane) -> RaceLane:
    return {
        "name": lane.name,
        "title": lane.title,
        "panel": lane.panel,
        "seconds": sum(step.seconds for step, _picture in lane.stages),
        "stages": [_stage(*stage) for stage in lane.stages],
    }


def _stage(step: TimedStep, picture: Picture) -> RaceStage:
    return {
        "name": _(step.name),
        "seconds": step.seconds,
        "colour": stage_colour(step.name),
        "picture": "data:image/webp;base64," + base64.b64encode(picture.webp).decode(),
        "words": picture.words,
    }


def figures(rows: Sequence[Row], titles: dict[str, str]) -> RaceTable:
    """Return ``rows`` as a table of text, without the columns that have nothing to say."""
    columns = {
        _("Detector"): [titles[row.name] for row in rows],
        _("Total (ms)"): [f"{1000 * row.seconds:,.1f}" for row in rows],
        _("Images/s"): [f"{1 / row.seconds:,.{1 if row.seconds < 1 else 2}f}" for row in rows],
        _("Times faster than R-CNN"): [_times(row.faster) for row in rows],
        _("... without proposals"): [_times(row.faster_without_proposals) for row in rows],
        _("Convolution passes"): [f"{row.convolution_passes:,}" for row in rows],
        _("GFLOPs"): [f"{row.gigaflops:,.2f}" for row in rows],
        _("Parameters (M)"): [f"{row.parameters / 1e6:,.2f}" for row in rows],
        _("mAP@0.5"): [f"{row.map50:.3f}" if row.map50 else "" for row in rows],
    }
    known = {title: cells for title, cells in columns.items() if any(cells)}
    return {"head": list(known), "rows": [list(row) for row in zip(*known.values(), strict=True)]}


def _times(factor: float | None) -> str:
    return f"{factor:,.1f}" if factor else ""
