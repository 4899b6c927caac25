"""Trainings on a few small pictures, which tests share."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.training.events import Event
from core.training.plan import Plan, plan_for


def plan(folder: Path, **others: Any) -> Plan:
    settings = {"steps": 4, "batch_size": 2, "score_steps": 2, "look_every": 1e9, **others}
    return plan_for("yolo", str(folder / "voc"), **settings)


def of(kind: type, events: Iterable[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]
