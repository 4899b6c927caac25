"""What the training page draws: curves with their future, runs over each other, looks, and weights."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from core.figures import training
from core.figures.segmentation import BACKGROUND
from core.figures.sent.training import CurveLine, Curves
from core.figures.training import (
    WeightsError,
    coming_rates,
    compared_data,
    compared_settings,
    looks_data,
    run_data,
    weights_data,
)
from core.training.plan import plan_for
from core.training.runs import Curve, Run
from core.training.sample_history import Kept, KeptLook


def curve(*values: float, every: int = 1) -> Curve:
    steps = tuple(range(every, every * len(values) + 1, every))
    return Curve(steps, tuple(0.5 * step for step in steps), values)


def lines(data: Curves, chart: str) -> list[CurveLine]:
    return next(one["lines"] for one in data["charts"] if one["name"] == chart)


CURVES = {
    "loss/box": curve(4, 2, math.nan, 1),
    "loss/class": curve(1, 1, 1, 1),
    "learning rate": curve(0.1, 0.2, 0.3, 0.4),
    "score/map50": curve(0.2, 0.5, every=2),
}


def test_a_run_has_its_loss_parts_its_best_score_and_the_schedule_to_come() -> None:
    data = run_data(CURVES, plan_for("yolo", "scenes", steps=10), goes_on=True)
    json.dumps(data, allow_nan=False)
    assert [line["name"] for line in lines(data, "loss")] == ["box", "class"]
    assert lines(data, "loss")[0]["values"] == [4, 2, None, 1] and data["strange"] == 1
    assert lines(data, "score")[0]["best"] == {"step": 4, "seconds": 2.0, "value": 0.5}
    past, coming = lines(data, "rate")
    assert coming["coming"] and past["steps"][-1] == coming["steps"][0] == 4 and coming["steps"][-1] == 10
    assert coming["seconds"][-1] == pytest.approx(5), "at the pace so far"
    assert coming["values"][-1] == pytest.approx(0, abs=1e-6) and data["axis"] == "steps"
    assert len(lines(run_data(CURVES, plan_for("yolo", "scenes", steps=10), False), "rate")) == 1


def test_before_the_first_step_there_is_the_schedule() -> None:
    data = run_data({}, plan_for("yolo", "scenes", minutes=2), goes_on=True)
    [line] = lines(data, "rate")
    assert line["seconds"][0] == 0 and line["seconds"][-1] == 120 and data["axis"] == "seconds"
    highest = max(value for value in line["values"] if value is not None)
    assert highest == pytest.approx(plan_for("yolo", "scenes").learning_rate, rel=0.1)


def test_the_rates_to_come_are_those_of_the_schedule() -> None:
    plan = plan_for("yolo", "scenes", steps=100)
    coming = coming_rates(plan, curve(*[0.0] * 50))
    assert coming.values[0] == plan.schedule.rate(50, 25) and coming.steps[-1] == 100
    assert coming_rates(plan, Curve((100,), (7.0,), (0.0,))).seconds[-1] == 7, "nothing is to come"


def test_many_points_are_thinned_to_means(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_POINTS", 3)
    curves = {"loss/a": curve(*map(float, range(7))), "learning rate": curve(*[0.1] * 7)}
    data = run_data(curves, plan_for("yolo", "scenes"), goes_on=False)
    [line] = lines(data, "loss")
    assert line["values"] == [1, 4, 5] and line["steps"] == [3, 6, 7] and data["every"] == 3


class Written(Run):
    """A run with curves of its own."""

    def curves(self) -> dict[str, Curve]:
        return CURVES


def run(**asked: Any) -> Written:
    return Written(Path("somewhere"), {"asked": {"model": "yolo", "augmentation": {"zoom": 1.3}, **asked}})


def test_runs_are_drawn_over_each_other_by_their_sums() -> None:
    data = compared_data({"one": run(), "other": run()})
    json.dumps(data, allow_nan=False)
    one, other = lines(data, "loss")
    assert one["values"] == [5, 3, None, 2] and one["colour"] != other["colour"] and other["name"] == "other"
    assert all(line["best"]["value"] == 0.5 for line in lines(data, "score"))


def test_settings_differ_by_their_titles_and_never_by_a_path() -> None:
    runs = {
        "one": run(freeze="none", data="/srv/a", learning_rate=1e-3, seed=0),
        "other": run(freeze="trunk", data="/srv/b", learning_rate=1e-3, seed=None),
    }
    rows = compared_settings(runs, {"one": {"data": "Cells"}, "other": {"data": "Leaves"}})
    assert {row["setting"]: (row["one"], row["other"]) for row in rows} == {
        "data": ("Cells", "Leaves"),
        "freeze": ("none", "trunk"),
        "seed": ("0", "–"),
    }
    assert compared_settings({"one": runs["one"]}, {"one": {}}) == []


def test_looks_hold_what_is_drawn() -> None:
    image = torch.zeros(3, 20, 30, dtype=torch.uint8)
    boxes = {"boxes": torch.ones(1, 4), "labels": torch.tensor([1])}
    kept = Kept(({"image": image, **boxes},), (KeptLook(3, 1.5, ({**boxes, "scores": torch.tensor([0.5])},)),))
    data = looks_data(kept, ("background", "cell"))
    assert data["samples"][0]["width"] == 30 and data["samples"][0]["labels"] == [1]
    assert data["looks"] == [
        {"step": 3, "seconds": 1.5, "made": [{"boxes": [[1] * 4], "labels": [1], "scores": [0.5]}]}
    ]
    assert [one["name"] for one in data["classes"]] == ["background", "cell"]
    whole = Kept(
        ({"image": image, "label": torch.tensor(0)},), (KeptLook(1, 0, ({"classes": torch.tensor([0.2, 0.8])},)),)
    )
    data = looks_data(whole, ("cat", "dog"))
    assert data["samples"][0]["label"] == 0 and data["looks"][0]["made"] == [{"label": 1, "share": 0.8}]
    assert data["classes"][0]["colour"] != data["classes"][1]["colour"] != BACKGROUND
    mapped = Kept(({"image": image, "map": torch.zeros(20, 30, dtype=torch.uint8)},), ())
    assert looks_data(mapped, ("background", "cell"))["samples"][0]["map"]


def test_weights_are_described_in_the_order_of_their_layers() -> None:
    weights = {
        "layer.10.weight": torch.tensor([[3.0, 4.0]]),
        "layer.9.weight": torch.tensor([math.nan, math.inf, 1.0]),
        "count": torch.tensor(7),
        "none": torch.zeros(0),
    }
    data = weights_data(weights)
    json.dumps(data, allow_nan=False)
    assert [one["name"] for one in data["tensors"]] == ["count", "layer.9.weight", "layer.10.weight", "none"]
    by_name = {one["name"]: one for one in data["tensors"]}
    assert by_name["layer.10.weight"]["norm"] == 5 and by_name["layer.10.weight"]["shape"] == [1, 2]
    assert sum(by_name["layer.10.weight"]["bins"]) == 2 and by_name["layer.10.weight"]["mean"] == 3.5
    assert by_name["layer.9.weight"]["strange"] == 2 and by_name["count"]["dtype"] == "int64"
    assert "least" not in by_name["none"] and by_name["count"]["bins"] == []


def test_too_many_tensors_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_TENSORS", 1)
    with pytest.raises(WeightsError, match="2 tensors, and at most 1 are shown"):
        weights_data({"a": torch.zeros(1), "b": torch.zeros(1)})
