"""Training on one's own data, from a folder to a run directory, on a few small pictures."""

import errno
import json
import shutil
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from core import checkpoint
from core.checkpoint import CheckpointError, read_card, save_tensors
from core.data import sources
from core.data.folders import FolderError
from core.detectors.yolo import YOLO
from core.training import loop, tuning
from core.training.batches import NONE
from core.training.initial_weights import read_weights
from core.training.loop import TrainingError, TrainingStep
from core.training.recipes import RECIPES
from core.training.runs import Run, differences, read_metrics, runs_in
from core.training.tuning import (
    NAMES,
    Begun,
    Ended,
    Event,
    Looked,
    Plan,
    Preparing,
    Scored,
    load_trained,
    plan_for,
    tune,
)
from core.training.validation import Measuring
from core.values import ClassScores, Detections, Instances, LabelMap

COLOURS = {"leaf": (30, 160, 60), "berry": (200, 30, 40)}
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of 96 x 72 pixels with two discs each: with boxes, and with a mask for each class."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part in ("voc/Annotations", "voc/JPEGImages", "voc/ImageSets", "masks/images", "masks/labels"):
        (root / part).mkdir(parents=True)
    for number in range(6):
        photo, mask = Image.new("RGB", (96, 72), (90, 90, 100)), Image.new("L", (96, 72))
        objects = []
        for label, (name, colour) in enumerate(COLOURS.items(), 1):
            x, y = 5 + 45 * (label - 1) + int(rng.integers(10)), int(rng.integers(5, 35))
            ImageDraw.Draw(photo).ellipse((x, y, x + 30, y + 30), colour)
            ImageDraw.Draw(mask).ellipse((x, y, x + 30, y + 30), label)
            objects.append(OBJECT.format(name, x + 1, y + 1, x + 31, y + 31))
        photo.save(root / "voc" / "JPEGImages" / f"{number}.jpg", quality=95)
        photo.save(root / "masks" / "images" / f"{number}.png")
        mask.save(root / "masks" / "labels" / f"{number}.png")
        (root / "voc" / "Annotations" / f"{number}.xml").write_text(f"<annotation>{''.join(objects)}</annotation>")
    (root / "voc" / "ImageSets" / "train.txt").write_text("0\n1\n2\n3\n")
    (root / "voc" / "ImageSets" / "val.txt").write_text("4\n5\n")
    shutil.copytree(root / "voc" / "ImageSets", root / "masks" / "ImageSets")
    return root


def plan(folder: Path, **others: Any) -> Plan:
    settings = {"steps": 4, "batch_size": 2, "score_steps": 2, "look_every": 1e9, **others}
    return plan_for("yolo", str(folder / "voc"), **settings)


def of(kind: type, events: Iterable[Event]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


@pytest.fixture(scope="module")
def unbroken(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], Path]:
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    return list(tune(plan(folder), out)), out


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


def test_the_weights_can_be_loaded_back_and_are_those_of_the_best_score(
    unbroken: tuple[list[Event], Path], tmp_path: Path
) -> None:
    _events, out = unbroken
    model = load_trained(out / "weights.safetensors")
    assert isinstance(model, YOLO) and model.classes == ("background", "berry", "leaf") and not model.training
    assert all(
        torch.equal(model.state_dict()[name], values) for name, values in load_file(out / "weights.safetensors").items()
    )
    save_file({"a": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(CheckpointError, match=r"strange\.safetensors does not say which model"):
        load_trained(tmp_path / "strange.safetensors")
    save_tensors({"a": torch.zeros(1)}, tmp_path / "wrong.safetensors", model="yolo", classes='["background", "a"]')
    with pytest.raises(CheckpointError, match=r"missing: trunk\.0\.weight"):
        load_trained(tmp_path / "wrong.safetensors")
    many = json.dumps([f"class {number}" for number in range(3000)])
    for header in (
        *({"model": "yolo9000", "classes": "[]"}, {"model": "yolo", "classes": "["}, {"model": "yolo"}),
        {"model": "yolo", "classes": many},
    ):
        save_tensors({"a": torch.zeros(1)}, tmp_path / "wrong.safetensors", **header)
        with pytest.raises(CheckpointError, match="does not say which model"):
            load_trained(tmp_path / "wrong.safetensors")


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
    monkeypatch.setattr(tuning, "SAVE_AFTER", 0.0)
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


def test_a_training_ends_early_on_a_plateau(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter([0.1, 0.3, 0.3004, 0.2, 0.9, 0.9])

    def measured(*_arguments: object) -> Generator[Measuring, None, dict[str, float]]:
        yield Measuring(1.0)
        return {"map50": next(scores)}

    monkeypatch.setattr(tuning, "measured", measured)
    settings = plan(folder, steps=50, score_steps=1, patience=2, augmentation=NONE)
    events = list(tune(settings, tmp_path / "run"))
    assert [one.best for one in of(Scored, events)] == [True, True, True, False]
    [ended] = of(Ended, events)
    assert (ended.how, ended.step, ended.best_step) == ("plateau", 4, 3)
    assert runs_in(tmp_path)[0].ended == "plateau"
    assert int(load_file(tmp_path / "run" / "state.safetensors")["step"]) == 4
    again = list(tune(settings, tmp_path / "run", resume=True))
    assert [step.step for step in of(TrainingStep, again)] == [4], "there is nothing more to gain"
    assert of(Ended, again)[0].how == "plateau"


def test_scores_and_looks_take_a_part_of_the_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "time", SimpleNamespace(perf_counter=lambda: 102.0))
    due = tuning._Due(3.0, 0.0)
    due.done(50.0, since=101.9)
    assert due.at == 53
    due.done(50.0, since=100.0)
    assert due.at == 50 + 2 * tuning.BUSY


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


def test_svms_follow_the_fine_tuning_and_its_softmax_stands_in_for_them(folder: Path, tmp_path: Path) -> None:
    settings = plan_for("sppnet", str(folder / "voc"), steps=2, batch_size=2, score_steps=1)
    out = tmp_path / "run"
    events: list[Event] = []
    softmax = None
    for event in (training := tune(settings, out)):
        events.append(event)
        if isinstance(event, Scored):
            softmax = load_file(out / "weights.safetensors")
        if isinstance(event, TrainingStep) and event.stage == SVMS and event.done > 0.9:
            training.close()
    assert softmax is not None
    assert torch.equal(softmax["svms.svm"][:, :-1], softmax["score.weight"][1:] - softmax["score.weight"][:1])
    assert not softmax["svms.ridge"].any(), "boxes stay where they were proposed"
    assert Run(out, read_card("card", out)).ended == "stopped"
    rest = list(tune(settings, out, resume=True))
    gradient, *fitted = of(TrainingStep, rest)
    assert (gradient.step, gradient.stage) == (2, "gradient steps") and not of(Scored, rest)
    assert [step.done for step in fitted] == sorted(step.done for step in fitted) and fitted[-1].done == 1
    assert [line["step"] for line in read_metrics(out) if "score" in line] == [1, 2]
    resumed = load_file(out / "weights.safetensors")
    assert resumed["svms.ridge"].any()
    list(tune(settings, tmp_path / "whole"))
    for name, values in load_file(tmp_path / "whole" / "weights.safetensors").items():
        assert torch.equal(resumed[name], values), name


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
    monkeypatch.setattr(tuning, "SAVE_AFTER", 0.0)
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


def test_plans_follow_the_recipes_and_may_be_changed() -> None:
    made = plan_for("faster_rcnn", "folder", minutes=3.0)
    recipe = RECIPES["faster_rcnn"]
    assert (made.batch_size, made.learning_rate) == (recipe.batch_size, recipe.learning_rate)
    assert made.schedule.minutes == 3 and made.schedule.steps == tuning.MOST_STEPS
    assert replace(made, minutes=None).schedule.steps == recipe.steps
    assert replace(made, steps=5, minutes=None).schedule.warmup == 1


def test_runs_are_found_compared_and_told_apart_from_other_folders(tmp_path: Path) -> None:
    for name, batch_size, zoom, begun in (("a", 8, 1.3, "2026-01-01"), ("b", 16, 1.0, "2026-01-02")):
        (tmp_path / name).mkdir()
        card = {"plan": {"model": "yolo", "batch_size": batch_size, "augmentation": {"zoom": zoom, "mirror": True}}}
        (tmp_path / name / "card.json").write_text(json.dumps(card | {"begun": begun}))
    for name, text in (("broken", "{"), ("strange", '{"a": 1}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text(text)
    newer, older = runs_in(tmp_path)
    assert (newer.name, older.name) == ("b", "a") and newer.ended is None and newer.curves() == {}
    assert differences(older, newer) == {"batch_size": (8, 16), "augmentation.zoom": (1.3, 1.0)}
    assert runs_in(tmp_path / "nowhere") == []
