"""Training on one's own data, from a folder to a run directory, on a few small pictures."""

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from core import checkpoint
from core.checkpoint import CheckpointError
from core.data import sources
from core.data.folders import FolderError
from core.detectors.yolo import YOLO
from core.training import loop
from core.training.events import Begun, Ended, Event, Looked, Preparing, Scored
from core.training.initial_weights import read_weights
from core.training.loop import TrainingError, TrainingStep
from core.training.plan import NAMES, plan_for
from core.training.runs import Run, read_metrics, runs_in
from core.training.trained_model import load_trained
from core.training.tuning import tune
from core.values import ClassScores, Detections, Instances, LabelMap
from tests.training.small_runs import of, plan

pytestmark = pytest.mark.slow


def test_events_tell_the_whole_training(unbroken: tuple[list[Event], Path], folder: Path) -> None:
    events, out = unbroken
    [begun] = of(Begun, events)
    assert (begun.images, begun.validation_images) == (4, 2) and begun.classes == ("background", "berry", "leaf")
    assert set(begun.taken.new) == {name for name in YOLO().state_dict() if name.startswith("head.")}
    assert (
        begun.learning == begun.parameters == sum(values.numel() for values in YOLO(classes=begun.classes).parameters())
    )
    assert [step.step for step in of(TrainingStep, events)] == [1, 2, 3, 4]
    assert [scored.step for scored in of(Scored, events)] == [2, 4]
    assert of(Scored, events)[0].best and all(0 <= one.scores["map50"] <= 1 for one in of(Scored, events))
    looked = of(Looked, events)
    assert [one.step for one in looked] == [1, 4], "at once, and at the end"
    assert [look.image.shape for look in looked[0].looks] == [(3, 72, 96)] * 2
    assert all(isinstance(look.made, Detections) and len(look.truth["boxes"]) == 2 for look in looked[0].looks)
    assert torch.equal(looked[0].looks[1].image, looked[1].looks[1].image), "the samples are fixed"
    [ended] = of(Ended, events)
    assert (ended.how, ended.step) == ("finished", 4) and events.index(ended) == len(events) - 1
    assert ended.weights == out / "weights.safetensors" and ended.best_step in (2, 4)


def test_a_run_directory_holds_all_that_is_needed(unbroken: tuple[list[Event], Path], folder: Path) -> None:
    events, out = unbroken
    names = sorted(path.name for path in out.iterdir())
    assert names[0] == "card.json" and names[1].startswith("events.out.tfevents")
    assert names[2:] == ["metrics.jsonl", "state.safetensors", "weights.safetensors"]
    [run] = runs_in(out.parent)
    assert run.name == "unbroken" and run.ended == "finished" and run.weights.exists()
    assert run.plan["data"] == str(folder / "voc") and run.plan["augmentation"]["zoom"] == 1.3
    assert run.card["classes"] == ["background", "berry", "leaf"]
    assert run.card["scores"] == of(Ended, events)[0].scores and run.card["steps"] == 4
    curves = run.curves()
    steps = of(TrainingStep, events)
    assert set(curves) == {f"loss/{part}" for part in steps[0].losses} | {"learning rate", "score/map50"}
    assert curves["loss/confidence"].values == tuple(step.losses["confidence"] for step in steps)
    assert curves["score/map50"].steps == (2, 4)
    assert list(curves["learning rate"].seconds) == sorted(curves["learning rate"].seconds)


def test_tensorboard_opens_the_same_curves(unbroken: tuple[list[Event], Path]) -> None:
    _events, out = unbroken
    reader = EventAccumulator(str(out))
    reader.Reload()
    curves = Run(out, {}).curves()
    assert {name.replace("_", " ") for name in reader.Tags()["scalars"]} == set(curves)
    for name in ("loss/confidence", "score/map50"):
        found = reader.Scalars(name)
        assert tuple(one.step for one in found) == curves[name].steps
        assert [one.value for one in found] == pytest.approx(curves[name].values)


def test_a_stopped_run_goes_on_with_the_losses_and_scores_of_an_unbroken_one(
    unbroken: tuple[list[Event], Path], folder: Path, tmp_path: Path
) -> None:
    expected, whole = unbroken
    out = tmp_path / "run"
    first = []
    for event in (training := tune(plan(folder), out)):
        first.append(event)
        if isinstance(event, TrainingStep) and event.step == 3:
            training.close()
    card = Run(out, json.loads((out / "card.json").read_text())).card
    assert card["ended"] == "stopped" and card["steps"] == 3
    rest = list(tune(plan(folder), out, resume=True))
    pieces = [*of(TrainingStep, first), *of(TrainingStep, rest)]
    assert [step.losses for step in pieces] == [step.losses for step in of(TrainingStep, expected)]
    assert [one.scores for one in [*of(Scored, first), *of(Scored, rest)]] == [
        one.scores for one in of(Scored, expected)
    ]
    assert runs_in(tmp_path)[0].ended == "finished"
    assert _without_seconds(out) == _without_seconds(whole)
    weights = [load_file(place / "weights.safetensors") for place in (out, whole)]
    assert all(torch.equal(weights[0][name], values) for name, values in weights[1].items())


def test_what_a_killed_run_said_behind_its_state_is_said_once(
    unbroken: tuple[list[Event], Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.plan.SAVE_AFTER", 0.0)
    out, killed = tmp_path / "run", tmp_path / "killed"
    training = tune(plan(folder), out)
    for event in training:
        if isinstance(event, TrainingStep) and event.step == 2:
            shutil.copy(out / "state.safetensors", tmp_path)
        if isinstance(event, TrainingStep) and event.step == 3:
            shutil.copytree(out, killed)  # what a kill here leaves, had the state not been saved again
            shutil.copy(tmp_path / "state.safetensors", killed)
            break
    with (killed / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "sec')
    training.close()
    rest = of(TrainingStep, tune(plan(folder), killed, resume=True))
    assert [step.step for step in rest] == [3, 4]
    assert _without_seconds(killed) == _without_seconds(unbroken[1])


def _without_seconds(out: Path) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "seconds"} for line in read_metrics(out)]


def test_a_finished_run_that_is_resumed_changes_nothing(
    unbroken: tuple[list[Event], Path], folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(unbroken[1], tmp_path / "run")
    again = list(tune(plan(folder), tmp_path / "run", resume=True))
    assert [step.step for step in of(TrainingStep, again)] == [4]
    assert _without_seconds(tmp_path / "run") == _without_seconds(unbroken[1])
    assert of(Ended, again)[0].scores == of(Ended, unbroken[0])[0].scores


def test_runs_are_not_written_over_or_mixed(unbroken: tuple[list[Event], Path], folder: Path, tmp_path: Path) -> None:
    with pytest.raises(
        CheckpointError, match=r"^unbroken holds a run already: choose another folder, or go on with it by --resume"
    ):
        next(tune(plan(folder), unbroken[1]))
    with pytest.raises(CheckpointError, match="holds no run that could be resumed"):
        next(tune(plan(folder), tmp_path, resume=True))
    with pytest.raises(CheckpointError, match=r"begun with other settings \(batch_size, learning_rate\)"):
        next(tune(plan(folder, batch_size=3, learning_rate=1.0), unbroken[1], resume=True))
    shutil.copytree(unbroken[1], tmp_path / "longer")
    longer = of(TrainingStep, tune(plan(folder, steps=5), tmp_path / "longer", resume=True))
    assert [step.step for step in longer] == [5], "a longer training is the same run"


def test_a_frozen_trunk_stays_bit_by_bit(folder: Path, tmp_path: Path) -> None:
    events = list(tune(plan(folder, freeze="trunk", steps=2), tmp_path / "run"))
    trunk = read_weights("trunk")
    found = load_file(tmp_path / "run" / "state.safetensors")
    for name, values in trunk.items():
        if name.startswith("trunk."):
            assert torch.equal(found[f"model.{name}"], values.to(found[f"model.{name}"].dtype)), name
    [begun] = of(Begun, events)
    assert begun.learning == sum(values.numel() for values in YOLO(classes=begun.classes).head.parameters())
    assert begun.learning < begun.parameters


HEADLINES = dict.fromkeys(("rcnn", "sppnet", "fast_rcnn", "faster_rcnn", "yolo"), "map50") | {
    "mask_rcnn": "mask_ap50",
    "classifier": "accuracy",
}
MADE = {"map50": Detections, "mask_ap50": Instances, "mean_iou": LabelMap, "accuracy": ClassScores}
SVMS = "SVMs and box regressions"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "yolo"])
def test_every_model_trains_on_a_folder(name: str, folder: Path, tmp_path: Path) -> None:
    headline = HEADLINES.get(name, "mean_iou")
    data = folder / ("voc" if headline in ("map50", "accuracy") else "masks")
    events = list(tune(plan_for(name, str(data), steps=1, batch_size=2), tmp_path / "run"))
    first, *fitted = of(TrainingStep, events)
    assert np.isfinite(list(first.losses.values())).all() and first.stage == "gradient steps"
    assert bool(fitted) == (name in ("rcnn", "sppnet")) and all(step.stage == SVMS for step in fitted)
    assert (len(of(Preparing, events)) == 4) == (name in ("rcnn", "sppnet", "fast_rcnn"))
    [ended] = of(Ended, events)
    assert next(iter(ended.scores)) == headline
    assert all(isinstance(look.made, MADE[headline]) for look in of(Looked, events)[-1].looks)
    model = load_trained(ended.weights)
    assert model.name == name and model.classes[-2:] == (
        ("berry", "leaf") if data.name == "voc" else ("class 1", "class 2")
    )


def test_mask_rcnn_learns_as_a_whole_unless_a_detector_of_the_same_classes_is_there(
    folder: Path, tmp_path: Path
) -> None:
    def began(name: str, start: str = "trunk") -> tuple[Begun, TrainingStep]:
        settings = plan_for(name, str(folder / "masks"), start=start, batch_size=2, look_every=1e9)
        training = tune(settings, tmp_path / f"{name} from {Path(start).parent.name}")
        begun, step = next(training), next(training)
        training.close()
        assert isinstance(begun, Begun) and isinstance(step, TrainingStep)
        return begun, step

    begun, step = began("mask_rcnn")
    parts = ["objectness", "proposal regression", "classification", "box regression"]
    assert list(step.losses) == [*parts, "mask"] and begun.learning == begun.parameters
    assert list(began("faster_rcnn")[1].losses) == parts
    begun, step = began("mask_rcnn", str(tmp_path / "faster_rcnn from " / "weights.safetensors"))
    assert list(step.losses) == ["mask"] and 0 < begun.learning < begun.parameters / 2


def test_what_is_wrong_with_a_folder_later_is_said_without_its_place(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "voc", tmp_path / "mine")
    (tmp_path / "mine" / "JPEGImages" / "2.jpg").write_bytes(b"none")
    with pytest.raises(FolderError, match=r"^JPEGImages/2\.jpg is not a photo that can be read\."):
        list(tune(plan_for("yolo", str(tmp_path / "mine"), steps=2, batch_size=4), tmp_path / "run"))


def test_a_training_that_diverges_ends_with_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "MOST_LOST", 2)
    losses = YOLO.losses

    def lost(self: YOLO, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: value * float("nan") for name, value in losses(self, images, targets).items()}

    monkeypatch.setattr(YOLO, "losses", lost)
    with pytest.raises(TrainingError, match="start a new training with a lower learning rate"):
        list(tune(plan(folder), tmp_path / "run"))
    assert runs_in(tmp_path)[0].ended == "diverged"


def test_a_full_disk_ends_a_training_with_a_sentence_and_it_goes_on_when_there_is_room(
    unbroken: tuple[list[Event], Path], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.training.plan.SAVE_AFTER", 0.0)
    out = tmp_path / "run"

    def save(tensors: dict[str, Tensor], place: Path, **others: Any) -> None:
        if int(tensors.get("step", torch.tensor(0))) > 2:
            raise OSError(errno.ENOSPC, "no space left on device")
        save_file(tensors, place, **others)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", save)
        with pytest.raises(CheckpointError, match=r"^The disk is full, and state\.safetensors could not be saved"):
            list(tune(plan(folder), out))
    rest = list(tune(plan(folder), out, resume=True))
    expected = [step.losses for step in of(TrainingStep, unbroken[0])]
    assert [step.losses for step in of(TrainingStep, rest)] == expected[2:]
    assert _without_seconds(out) == _without_seconds(unbroken[1])


@pytest.mark.parametrize("data", ["scenes", "digits"])
def test_what_is_drawn_is_data_too(data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for part, count in (("train", 2), ("val", 1)):
        monkeypatch.setitem(sources.COUNTS, part, count)
    settings = plan_for("yolo", data, steps=1)
    assert settings.augmentation.mirror == (data == "scenes"), "a mirrored 2 is none"
    events = list(tune(settings, tmp_path / "run"))
    assert of(Begun, events)[0].taken and of(Ended, events)
