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
from core.backbones import TRUNKS, Backbone
from core.checkpoint import CheckpointError, load_weights, save_tensors
from core.data import ShapeScenes
from core.detectors import NAMES, load, run
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.families import SHAPES, Family, card_of
from core.models import MODELS
from core.segmentation.fcn import FCN
from core.segmentation.study import UPSAMPLERS, StudiedFCN, UpsamplingStudy, head_of, load_study, one_of, studied
from core.stages import Step
from core.training import loaders, loop, recipes
from core.training.cells import CellClassifier
from core.training.loop import Schedule, TrainingStep
from core.training.recipes import AT_ONCE, RECIPES, schedule_of, train_by_recipe
from core.values import ScoreMap

pytestmark = pytest.mark.slow

STEPS = 3
SCENES = 6  # they hold every class
EXTENDED = {name: start for name in AT_ONCE if (start := RECIPES[name].start) not in (None, "trunk")}


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
        stride=16,
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
    monkeypatch.setitem(TRUNKS, "slim", replace(TRUNKS["slim"], build=thin))
    monkeypatch.setattr(recipes, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(recipes, "schedule_of", lambda recipe: replace(schedule_of(recipe), warmup=1))
    monkeypatch.setattr(recipes, "draw_ahead", partial(loaders.draw_ahead, cache=cache))
    monkeypatch.setattr(recipes, "with_proposals", partial(loaders.with_proposals, cache=cache))
    for name, recipe in RECIPES.items():
        change(monkeypatch, name, scenes=SCENES, batch_size=2, steps=STEPS)
        if recipe.svm_scenes:
            change(monkeypatch, name, svm_scenes=SCENES, svm_regions=40)


def change(monkeypatch: pytest.MonkeyPatch, name: str, **entries: Any) -> None:
    monkeypatch.setitem(RECIPES, name, replace(RECIPES[name], **entries))


@pytest.fixture
def family(tmp_path: Path) -> Family:
    """A family whose folder holds all that a recipe starts from, the FCNs' scores not at zero."""
    torch.manual_seed(7)
    made = replace(SHAPES, folder=tmp_path / "checkpoints")
    study = {key: values for key, values in UpsamplingStudy().state_dict().items() if key.startswith("trunk.")}
    save_tensors(study, made.folder / f"{UpsamplingStudy.name}.safetensors")
    for name in ("trunk", *EXTENDED.values()):
        model = MODELS[name].make()
        if isinstance(model, FCN):
            for layer in model.score:
                assert isinstance(layer, nn.Conv2d)
                nn.init.normal_(layer.weight, std=0.1)
        save_tensors(model.state_dict(), made.folder / f"{name}.safetensors")
    return made


def weights_of(name: str, family: Family) -> dict[str, Tensor]:
    return load_file(file_of(name, family))


def file_of(name: str, family: Family) -> Path:
    return family.folder / f"{name}.safetensors"


def contents(folder: Path) -> dict[str, bytes]:
    """All files of ``folder``, by their paths in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def outcome(name: str, family: Family) -> Tensor:
    """What the trained model says of a scene: the scores of a detector, the labels of a segmenter."""
    image = ShapeScenes("validation", 1)[0][0]
    if name in NAMES:
        return run(load(name, family), image).detections.scores
    if name == UpsamplingStudy.name:
        return one_of(load_study(family), "bilinear").predict(image)
    if name in UPSAMPLERS:
        return studied((name,), family)[name].predict(image)
    return segmentation.load(name, family).predict(image)


def test_every_model_has_a_recipe_of_its_own_class() -> None:
    assert set(AT_ONCE) == {"trunk", *NAMES, *segmentation.NAMES, "upsamplers"}
    assert set(RECIPES) == {*AT_ONCE, *UPSAMPLERS} and len(RECIPES) == len(AT_ONCE) + len(UPSAMPLERS)
    assert EXTENDED == {"fcn16s": "fcn32s", "fcn8s": "fcn16s", "mask_rcnn": "faster_rcnn"}
    assert all(list(RECIPES).index(start) < list(RECIPES).index(name) for name, start in EXTENDED.items())
    assert type(MODELS["trunk"].make()) is CellClassifier
    assert all(RECIPES[name].start == "upsamplers" for name in UPSAMPLERS)
    for name, recipe in RECIPES.items():
        assert name in ("trunk", *UPSAMPLERS) or MODELS[name].make().name == name
        assert (recipe.start is None) == (name == "trunk")
        assert recipe.proposals == (name in ("rcnn", "sppnet", "fast_rcnn"))
        assert bool(recipe.svm_scenes) == bool(recipe.svm_regions) == (name in ("rcnn", "sppnet"))
        assert recipe.svm_scenes <= recipe.scenes


def test_a_schedule_is_the_recipes() -> None:
    recipe = replace(RECIPES["yolo"], steps=12, learning_rate=0.5, cycles=3)
    assert schedule_of(recipe) == Schedule(steps=12, learning_rate=0.5, cycles=3)


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_trains_from_end_to_end(name: str, family: Family) -> None:
    if name == "trunk":
        file_of("trunk", family).unlink()
    events = list(train_by_recipe(name, family=family))
    steps = [event for event in events if event.stage == "gradient steps"]
    assert [event.step for event in steps] == [1, 2, 3] and steps[-1].done == 1
    assert all(torch.tensor(list(event.losses.values())).isfinite().all() for event in steps)
    fitted = [event.done for event in events[STEPS:]]
    assert fitted == sorted(fitted) and (fitted[-1:] == [pytest.approx(1)]) == bool(RECIPES[name].svm_scenes)
    seconds = [event.seconds for event in events]
    assert seconds == sorted(seconds)

    if name == "trunk":
        load_weights(CellClassifier(), name, family.folder)
    else:
        assert outcome(name, family).isfinite().all()
    card = card_of(head_of(name) if name in UPSAMPLERS else name, family)
    assert card["data"].startswith(f"{SCENES} drawn scenes (train split")
    assert card["recipe"] == {
        "steps": STEPS,
        "batch_size": 2,
        "learning_rate": RECIPES[name].learning_rate,
        "optimizer": card["recipe"]["optimizer"],
        "start": RECIPES[name].start or "random weights",
    }
    assert "AdamW" in card["recipe"]["optimizer"]
    assert card["seed"] == 0 and card["losses"] == steps[-1].losses
    assert card["minutes"] == pytest.approx(events[-1].seconds / 60, abs=0.06)
    expected = f"40 proposals of each of {SCENES} scenes" if RECIPES[name].svm_scenes else None
    assert card["svm"] == expected


def test_weights_are_kept_in_half_precision(family: Family) -> None:
    list(train_by_recipe("yolo", family=family))
    for key, values in weights_of("yolo", family).items():
        assert values.dtype == (torch.int64 if key.endswith("num_batches_tracked") else torch.float16), key


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.start == "trunk"])
def test_models_start_from_the_trunks_weights(name: str, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a learning rate of 0 the convolutions stay what they were at the start."""
    change(monkeypatch, name, steps=1, learning_rate=0.0, svm_scenes=0)
    monkeypatch.setattr(recipes, "fit", lambda *arguments: iter(()))
    list(train_by_recipe(name, family=family))
    start, end = weights_of("trunk", family), weights_of(name, family)
    for layer in ("0.weight", "4.weight", "8.weight"):
        assert torch.equal(end[f"trunk.{layer}"], start[f"trunk.{layer}"].half())


@pytest.mark.parametrize(("name", "start"), EXTENDED.items())
def test_models_start_from_all_weights_of_the_one_that_they_extend(
    name: str, start: str, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch, name, steps=1, learning_rate=0.0)
    list(train_by_recipe(name, family=family))
    end = weights_of(name, family)
    for key, values in weights_of(start, family).items():
        if name == "mask_rcnn" or not key.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(end[key], values.half() if values.is_floating_point() else values), key


def score_maps(model: nn.Module, image: Tensor) -> list[Tensor]:
    assert isinstance(model, FCN)
    with torch.inference_mode():
        values = [stage.value for stage in model.eval().steps(image) if isinstance(stage, Step)]
    return [value.values for value in values if isinstance(value, ScoreMap)]


@pytest.mark.parametrize(("name", "stride"), [("fcn16s", 32), ("fcn8s", 16)])
def test_an_fcn_starts_as_the_next_coarser_one(
    name: str, stride: int, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enlarging in two goes only rounds the corner at the middle of a coarse cell, within a quarter of its side."""
    models: list[nn.Module] = []

    def kept(model: nn.Module, *others: object, **more: object) -> Iterable[TrainingStep]:
        models.append(model)
        return iter(())

    monkeypatch.setattr(recipes, "train", kept)
    list(train_by_recipe(name, family=family))
    coarser = MODELS[EXTENDED[name]].make()
    load_weights(coarser, EXTENDED[name], family.folder)
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
        next(train_by_recipe("fcn16s", family=replace(SHAPES, folder=tmp_path)))


def test_mask_rcnn_trains_its_masks_and_nothing_else(family: Family) -> None:
    list(train_by_recipe("mask_rcnn", family=family))
    start, end = weights_of("faster_rcnn", family), weights_of("mask_rcnn", family)
    torch.manual_seed(0)
    fresh = MODELS["mask_rcnn"].make().state_dict()
    assert {key.split(".")[0] for key in end.keys() - start.keys()} == {"mask"}
    for key, values in end.items():
        before = start.get(key, fresh[key])
        same = torch.equal(values, before.half() if before.is_floating_point() else before)
        assert same == (key in start), key


def test_sppnet_keeps_the_trunk_and_fits_the_rest(family: Family) -> None:
    list(train_by_recipe("sppnet", family=family))
    start, end = weights_of("trunk", family), weights_of("sppnet", family)
    for key in start:
        if key.startswith("trunk."):
            wanted = start[key].half() if start[key].is_floating_point() else start[key]
            assert torch.equal(end[key], wanted), f"{key} changed"
    assert (end["svms.svm"].norm(dim=1) > 0).all(), "a class has no SVM"
    assert (end["svms.ridge"].flatten(1).norm(dim=1) > 0).all(), "a class has no box regression"


def test_the_study_keeps_its_trunk_and_each_head_apart(family: Family) -> None:
    *_earlier, last = train_by_recipe("upsamplers", family=family)
    assert all(key.startswith("trunk.") for key in weights_of("upsamplers", family))
    assert set(last.losses) == set(UPSAMPLERS)
    whole = card_of("upsamplers", family)
    for name in UPSAMPLERS:
        assert {key.split(".")[0] for key in weights_of(head_of(name), family)} <= {"score", "doublings"}
        assert card_of(head_of(name), family) == whole | {"losses": {"classification": last.losses[name]}}
    assert not [path for path in contents(family.folder / "upsamplers") if Path(path).stem not in UPSAMPLERS]


def test_an_upsampling_is_trained_alone_on_the_studys_trunk(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its head and its card are written, and the trunk stays as it is, with the averages of its normalisation."""
    list(train_by_recipe("upsamplers", family=family))
    models: list[nn.Module] = []

    def watched(model: nn.Module, *others: Any, **more: Any) -> Iterable[TrainingStep]:
        models.append(model)
        return loop.train(model, *others, **more)

    monkeypatch.setattr(recipes, "train", watched)
    change(monkeypatch, "deconvolution", steps=STEPS + 1)
    before = contents(family.folder)
    *_earlier, last = train_by_recipe("deconvolution", family=family)
    after = contents(family.folder)
    changed = {name for name in after if after[name] != before.get(name)}
    assert set(after) == set(before)
    assert changed == {"upsamplers/deconvolution.safetensors", "upsamplers/deconvolution.json"}

    (model,) = models
    assert isinstance(model, StudiedFCN)
    for key, values in weights_of("upsamplers", family).items():
        assert torch.equal(model.trunk.state_dict()[key.removeprefix("trunk.")], values.to(torch.float32)), key
    head = weights_of(head_of("deconvolution"), family)
    assert set(head) == set(model.head.state_dict())
    assert all(torch.equal(head[key], values.half()) for key, values in model.head.state_dict().items())
    card = card_of(head_of("deconvolution"), family)
    assert card["recipe"]["steps"] == STEPS + 1 and card["recipe"]["start"] == "upsamplers"
    assert list(last.losses) == ["classification"] and card["losses"] == last.losses


def test_an_upsampling_asks_for_the_studys_trunk(family: Family) -> None:
    file_of("upsamplers", family).unlink()
    with pytest.raises(CheckpointError, match="upsamplers is missing: run `python -m core train upsamplers`"):
        next(train_by_recipe("nearest", family=family))


@pytest.mark.parametrize("name", ["rcnn", "sppnet"])
def test_a_training_that_is_stopped_in_the_svms_goes_on_with_them(
    name: str, family: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = list(train_by_recipe(name, family=family))
    expected = weights_of(name, family)
    file_of(name, family).unlink()
    monkeypatch.setattr(recipes, "RUNS", tmp_path / "others")
    training = train_by_recipe(name, family=family)
    while next(training).stage == "gradient steps":
        pass
    training.close()  # type: ignore[attr-defined]
    assert not file_of(name, family).exists()
    resumed = list(train_by_recipe(name, family=family, resume=True))
    assert [(event.stage, event.done) for event in resumed] == [(e.stage, e.done) for e in whole[STEPS - 1 :]]
    found = weights_of(name, family)
    assert all(torch.equal(found[key], values) for key, values in expected.items())
    assert card_of(name, family)["losses"] == whole[STEPS - 1].losses


def test_a_stopped_training_leaves_the_old_checkpoint_and_can_be_resumed(family: Family, tmp_path: Path) -> None:
    list(train_by_recipe("yolo", family=family))
    before = file_of("yolo", family).read_bytes()
    training = train_by_recipe("yolo", family=family)
    first = next(training)
    training.close()  # type: ignore[attr-defined]
    assert file_of("yolo", family).read_bytes() == before
    assert (tmp_path / "runs" / "shapes" / "yolo" / "state.safetensors").exists()
    rest = list(train_by_recipe("yolo", family=family, resume=True))
    assert [first.step, *(event.step for event in rest)] == [1, 2, 3]
    assert file_of("yolo", family).read_bytes() == before, "resuming changed what comes out"


def test_missing_trunk_is_a_sentence_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="trunk is missing: run `python -m core train trunk`"):
        next(train_by_recipe("yolo", family=replace(SHAPES, folder=tmp_path)))


@pytest.mark.parametrize("minutes", [None, 2.5])
def test_minutes_shorten_the_schedule(minutes: float | None, family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    schedules = []

    def watched(
        model: nn.Module, batch: object, schedule: Schedule, *others: object, **more: object
    ) -> Iterable[TrainingStep]:
        schedules.append(schedule)
        return iter(())

    monkeypatch.setattr(recipes, "train", watched)
    assert list(train_by_recipe("yolo", minutes, family=family)) == []
    expected = recipes.schedule_of(RECIPES["yolo"])
    assert schedules == [expected if minutes is None else replace(expected, minutes=minutes)]
    assert not file_of("yolo", family).exists(), "nothing was trained, and yet it was saved"


def test_svms_see_fewer_scenes_than_the_network(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def watched(model: RCNN | SPPNet, scenes: loaders.DrawnScenes, regions: int) -> Iterable[float]:
        seen.append((len(scenes), len(scenes.targets), regions, model.score.weight.device.type))
        return iter(())

    monkeypatch.setattr(recipes, "fit", watched)
    change(monkeypatch, "sppnet", svm_scenes=4, svm_regions=17)
    list(train_by_recipe("sppnet", family=family))
    assert seen == [(4, 4, 17, "cpu")]
