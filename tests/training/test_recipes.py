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
from torch.nn import functional

from core import backbones, segmentation
from core.backbones import Backbone, CellClassifier
from core.checkpoint import CheckpointError, load_weights, read_card, save_tensors
from core.data import ShapeScenes
from core.detectors import NAMES, load, run
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.segmentation.fcn import FCN
from core.segmentation.study import StudiedFCN, UpsamplingStudy, load_study
from core.stages import Step
from core.training import loaders, recipes
from core.training.loop import Schedule, TrainingStep
from core.training.recipes import RECIPES, train_by_recipe
from core.values import ScoreMap

STEPS = 3
SCENES = 6  # they hold every class
EXTENDED = {name: recipe.start for name, recipe in RECIPES.items() if recipe.start not in (None, "trunk")}


def thin() -> Backbone:
    """The slim trunk, six channels wide but for the maps that FCN-8s takes a skip from."""
    return Backbone(
        *backbones.normalised_convolution(3, 32, 11, stride=4),
        nn.MaxPool2d(3, 2, 1),
        *backbones.normalised_convolution(32, 96, 5),
        nn.MaxPool2d(3, 2, 1),
        *backbones.normalised_convolution(96, 6, 3),
        *backbones.normalised_convolution(6, 6, 3),
        *backbones.normalised_convolution(6, 6, 3),
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
    for module in ("fcn", "patch_cnn", "study"):
        monkeypatch.setattr(f"core.segmentation.{module}.slim", thin)
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
    """A folder of checkpoints that holds all that a recipe starts from, the FCNs' scores not at zero."""
    torch.manual_seed(7)
    place = tmp_path / "checkpoints"
    for name in ("trunk", *EXTENDED.values()):
        model = RECIPES[name].make()
        if isinstance(model, FCN):
            for layer in model.score:
                assert isinstance(layer, nn.Conv2d)
                nn.init.normal_(layer.weight, std=0.1)
        save_tensors(model.state_dict(), place / f"{name}.safetensors")
    return place


def weights_of(name: str, folder: Path) -> dict[str, Tensor]:
    return load_file(folder / f"{name}.safetensors")


def outcome(name: str, folder: Path) -> Tensor:
    """What the trained model says of a scene: the scores of a detector, the labels of a segmenter."""
    image = ShapeScenes("validation", 1)[0][0]
    if name in NAMES:
        return run(load(name, folder), image).detections.scores
    if name == UpsamplingStudy.name:
        return StudiedFCN(load_study(folder), "bilinear").predict(image)
    return segmentation.load(name, folder).predict(image)


def test_every_model_has_a_recipe_of_its_own_class() -> None:
    assert set(RECIPES) == {"trunk", *NAMES, *segmentation.NAMES, "upsamplers"}
    assert EXTENDED == {"fcn16s": "fcn32s", "fcn8s": "fcn16s", "mask_rcnn": "faster_rcnn"}
    assert all(list(RECIPES).index(start) < list(RECIPES).index(name) for name, start in EXTENDED.items())
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
        assert outcome(name, folder).isfinite().all()
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


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.start == "trunk"])
def test_models_start_from_the_trunks_weights(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a learning rate of 0 the convolutions stay what they were at the start."""
    change(monkeypatch, name, schedule=Schedule(steps=1, learning_rate=0.0), svm_scenes=0)
    monkeypatch.setattr(recipes, "fit", lambda *arguments: iter(()))
    list(train_by_recipe(name, folder=folder))
    start, end = weights_of("trunk", folder), weights_of(name, folder)
    for layer in ("0.weight", "4.weight", "8.weight"):
        assert torch.equal(end[f"trunk.{layer}"], start[f"trunk.{layer}"].half())


@pytest.mark.parametrize(("name", "start"), EXTENDED.items())
def test_models_start_from_all_weights_of_the_one_that_they_extend(
    name: str, start: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, name, schedule=Schedule(steps=1, learning_rate=0.0))
    list(train_by_recipe(name, folder=folder))
    end = weights_of(name, folder)
    for key, values in weights_of(start, folder).items():
        if name == "mask_rcnn" or not key.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(end[key], values.half() if values.is_floating_point() else values), key


def score_maps(model: nn.Module, image: Tensor) -> list[Tensor]:
    assert isinstance(model, FCN)
    with torch.inference_mode():
        values = [stage.value for stage in model.eval().steps(image) if isinstance(stage, Step)]
    return [value.values for value in values if isinstance(value, ScoreMap)]


@pytest.mark.parametrize(("name", "stride"), [("fcn16s", 32), ("fcn8s", 16)])
def test_an_fcn_starts_as_the_next_coarser_one(
    name: str, stride: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enlarging in two goes only rounds the corner at the middle of a coarse cell, within a quarter of its side."""
    models: list[nn.Module] = []

    def kept(model: nn.Module, *others: object) -> Iterable[TrainingStep]:
        models.append(model)
        return iter(())

    monkeypatch.setattr(recipes, "train", kept)
    list(train_by_recipe(name, folder=folder))
    coarser = RECIPES[EXTENDED[name]].make()
    load_weights(coarser, EXTENDED[name], folder)
    image = ShapeScenes("validation", 1)[0][0]
    *_, coarse, expected = score_maps(coarser, image)
    *_, fused, found = score_maps(models[0], image)
    assert expected.std() > 0.01, "there is nothing to compare"

    doubled = functional.interpolate(coarse[None], scale_factor=2, mode="bilinear")[0]
    torch.testing.assert_close(fused[:, 1:-1, 1:-1], doubled[:, 1:-1, 1:-1])

    middles = (torch.arange(256) + 0.5) / stride
    between = ((middles % 1 < 0.25) | (middles % 1 > 0.75)) & (middles > 0.75) & (middles < 256 / stride - 0.75)
    torch.testing.assert_close(found[:, between][:, :, between], expected[:, between][:, :, between])
    assert (found.argmax(0) == expected.argmax(0)).float().mean() > 0.95


def test_a_missing_start_is_a_sentence_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="fcn32s is missing: run `python -m core train fcn32s`"):
        next(train_by_recipe("fcn16s", folder=tmp_path))


def test_mask_rcnn_trains_its_masks_and_nothing_else(folder: Path) -> None:
    list(train_by_recipe("mask_rcnn", folder=folder))
    start, end = weights_of("faster_rcnn", folder), weights_of("mask_rcnn", folder)
    torch.manual_seed(0)
    fresh = RECIPES["mask_rcnn"].make().state_dict()
    assert {key.split(".")[0] for key in end.keys() - start.keys()} == {"mask"}
    for key, values in end.items():
        before = start.get(key, fresh[key])
        same = torch.equal(values, before.half() if before.is_floating_point() else before)
        assert same == (key in start), key


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
