"""The recipes, each run from end to end on a thin trunk with few scenes, steps and proposals."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core import backbones
from core.backbones import Backbone, CellClassifier
from core.data import ShapeScenes, loaders
from core.detectors import NAMES, load, run
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.training import recipes
from core.training.checkpoint import CheckpointError, load_weights, read_card, save_tensors
from core.training.loop import Schedule, TrainingStep
from core.training.recipes import RECIPES, train_by_recipe

STEPS = 3
SCENES = 6  # they hold every class


def thin() -> Backbone:
    """The slim trunk, six channels wide."""
    return Backbone(
        *backbones._block(3, 6, 11, stride=4),
        nn.MaxPool2d(3, 2, 1),
        *backbones._block(6, 6, 5),
        nn.MaxPool2d(3, 2, 1),
        *backbones._block(6, 6, 3),
        channels=6,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def small(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink every recipe, keep its files in ``tmp_path``, and draw scenes in this process."""

    def spread(work: Callable[[Any], Any], items: Iterable[Any], processes: int) -> list[Any]:
        return [work(item) for item in items]

    monkeypatch.setattr(loaders, "_spread", spread)
    monkeypatch.setattr(backbones, "slim", thin)
    monkeypatch.setattr(recipes, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(recipes, "draw_ahead", partial(loaders.draw_ahead, cache=cache))
    monkeypatch.setattr(recipes, "with_proposals", partial(loaders.with_proposals, cache=cache))
    for name, recipe in RECIPES.items():
        change(monkeypatch, name, scenes=SCENES, batch_size=2, schedule=replace(recipe.schedule, steps=STEPS, warmup=1))
        if recipe.svm_scenes:
            change(monkeypatch, name, svm_scenes=SCENES, svm_regions=40)


def change(monkeypatch: pytest.MonkeyPatch, name: str, **entries: Any) -> None:
    monkeypatch.setitem(RECIPES, name, replace(RECIPES[name], **entries))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of checkpoints that holds a trunk."""
    torch.manual_seed(7)
    place = tmp_path / "checkpoints"
    save_tensors(CellClassifier().state_dict(), place / "trunk.safetensors")
    return place


def weights_of(name: str, folder: Path) -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def test_every_detector_has_a_recipe_of_its_own_class() -> None:
    assert set(RECIPES) == {"trunk", *NAMES}
    for name, recipe in RECIPES.items():
        assert recipe.make().name == name
        assert (recipe.start is None) == (name == "trunk")
        assert recipe.proposals == (name in ("rcnn", "sppnet", "fast_rcnn"))
        assert bool(recipe.svm_scenes) == bool(recipe.svm_regions) == (name in ("rcnn", "sppnet"))
        assert recipe.svm_scenes <= recipe.scenes


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_trains_from_end_to_end(name: str, folder: Path) -> None:
    if name == "trunk":
        (folder / "trunk.safetensors").unlink()
    events = list(train_by_recipe(name, folder=folder))
    steps = [event for event in events if event.stage == "gradient steps"]
    assert [event.step for event in steps] == [1, 2, 3] and steps[-1].done == 1
    assert all(torch.tensor(list(event.losses.values())).isfinite().all() for event in steps)
    fitted = [event.done for event in events[STEPS:]]
    assert fitted == sorted(fitted) and (fitted[-1:] == [pytest.approx(1)]) == bool(RECIPES[name].svm_scenes)
    seconds = [event.seconds for event in events]
    assert seconds == sorted(seconds)

    if name == "trunk":
        load_weights(CellClassifier(), name, folder)
    else:
        trace = run(load(name, folder), ShapeScenes("validation", 1)[0][0])
        assert trace.detections.scores.isfinite().all()
    card = read_card(name, folder)
    assert card["data"].startswith(f"{SCENES} drawn scenes (train split")
    assert card["recipe"] == {
        "steps": STEPS,
        "batch_size": 2,
        "learning_rate": RECIPES[name].schedule.learning_rate,
        "optimizer": card["recipe"]["optimizer"],
        "start": RECIPES[name].start or "random weights",
    }
    assert "AdamW" in card["recipe"]["optimizer"]
    assert card["seed"] == 0 and card["losses"] == steps[-1].losses
    assert card["minutes"] == pytest.approx(events[-1].seconds / 60, abs=0.06)
    expected = f"40 proposals of each of {SCENES} scenes" if RECIPES[name].svm_scenes else None
    assert card["svm"] == expected


def test_weights_are_kept_in_half_precision(folder: Path) -> None:
    list(train_by_recipe("yolo", folder=folder))
    for key, values in weights_of("yolo", folder).items():
        assert values.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float16), key


@pytest.mark.parametrize("name", NAMES)
def test_detectors_start_from_the_trunks_weights(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a learning rate of 0 the convolutions stay what they were at the start."""
    change(monkeypatch, name, schedule=Schedule(steps=1, learning_rate=0.0), svm_scenes=0)
    monkeypatch.setattr(recipes, "fit", lambda *arguments: iter(()))
    list(train_by_recipe(name, folder=folder))
    start, end = weights_of("trunk", folder), weights_of(name, folder)
    for layer in ("0.weight", "4.weight", "8.weight"):
        assert torch.equal(end[f"trunk.{layer}"], start[f"trunk.{layer}"].half())


def test_sppnet_keeps_the_trunk_and_fits_the_rest(folder: Path) -> None:
    list(train_by_recipe("sppnet", folder=folder))
    start, end = weights_of("trunk", folder), weights_of("sppnet", folder)
    for key in start:
        if key.startswith("trunk."):
            wanted = start[key].half() if start[key].is_floating_point() else start[key]
            assert torch.equal(end[key], wanted), f"{key} changed"
    assert (end["svms.svm"].norm(dim=1) > 0).all(), "a class has no SVM"
    assert (end["svms.ridge"].flatten(1).norm(dim=1) > 0).all(), "a class has no box regression"


@pytest.mark.parametrize("name", ["rcnn", "sppnet"])
def test_a_training_that_is_stopped_in_the_svms_goes_on_with_them(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(train_by_recipe(name, folder=folder))
    expected = weights_of(name, folder)
    (folder / f"{name}.safetensors").unlink()
    monkeypatch.setattr(recipes, "RUNS", tmp_path / "others")
    training = train_by_recipe(name, folder=folder)
    while next(training).stage == "gradient steps":
        pass
    training.close()  # type: ignore[attr-defined]
    assert not (folder / f"{name}.safetensors").exists()
    resumed = list(train_by_recipe(name, folder=folder, resume=True))
    assert [(event.stage, event.done) for event in resumed] == [(e.stage, e.done) for e in whole[STEPS - 1 :]]
    found = weights_of(name, folder)
    assert all(torch.equal(found[key], values) for key, values in expected.items())
    assert read_card(name, folder)["losses"] == whole[STEPS - 1].losses


def test_a_stopped_training_leaves_the_old_checkpoint_and_can_be_resumed(folder: Path, tmp_path: Path) -> None:
    list(train_by_recipe("yolo", folder=folder))
    before = (folder / "yolo.safetensors").read_bytes()
    training = train_by_recipe("yolo", folder=folder)
    first = next(training)
    training.close()  # type: ignore[attr-defined]
    assert (folder / "yolo.safetensors").read_bytes() == before
    assert (tmp_path / "runs" / "yolo" / "state.safetensors").exists()
    rest = list(train_by_recipe("yolo", folder=folder, resume=True))
    assert [first.step, *(event.step for event in rest)] == [1, 2, 3]
    assert (folder / "yolo.safetensors").read_bytes() == before, "resuming changed what comes out"


def test_missing_trunk_is_a_sentence_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="trunk is missing: run `python -m core train trunk`"):
        next(train_by_recipe("yolo", folder=tmp_path))


@pytest.mark.parametrize("minutes", [None, 2.5])
def test_minutes_shorten_the_schedule(minutes: float | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schedules = []

    def watched(model: nn.Module, batch: object, schedule: Schedule, *others: object) -> Iterable[TrainingStep]:
        schedules.append(schedule)
        return iter(())

    monkeypatch.setattr(recipes, "train", watched)
    assert list(train_by_recipe("yolo", minutes, folder=folder)) == []
    expected = RECIPES["yolo"].schedule
    assert schedules == [expected if minutes is None else replace(expected, minutes=minutes)]
    assert not (folder / "yolo.safetensors").exists(), "nothing was trained, and yet it was saved"


def test_svms_see_fewer_scenes_than_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(model: RCNN | SPPNet, scenes: loaders.DrawnScenes, regions: int) -> Iterable[float]:
        seen.append((len(scenes), len(scenes.targets), regions, model.score.weight.device.type))
        return iter(())

    monkeypatch.setattr(recipes, "fit", watched)
    change(monkeypatch, "sppnet", svm_scenes=4, svm_regions=17)
    list(train_by_recipe("sppnet", folder=folder))
    assert seen == [(4, 4, 17, "cpu")]
