"""The recipes for photographs, from end to end on a handful of small ones."""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from core import segmentation
from core.backbones import TRUNKS
from core.checkpoint import CheckpointError, load_trunk, load_weights, rest_of
from core.data.folders import FolderError
from core.detectors import NAMES, load, run
from core.families import PHOTOS, SHAPES, Family, card_of
from core.models import ALL, MODELS
from core.segmentation.study import UPSAMPLERS, studied
from core.training import batches, recipes
from core.training.loop import TrainingError, TrainingStep
from core.training.recipes import PHOTO_RECIPES, photographed, train_by_recipe
from tests.data.written_folders import thing, write, write_voc_masks

pytestmark = pytest.mark.slow

STEPS, PICTURES = 3, 6
FCNS = ("fcn32s", "fcn16s", "fcn8s")
LAST = TrainingStep(STEPS, 1.0, {}, 1e-3, 1.0)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Noise of 60 x 40 pixels with a dog each, and beside it a cat that is difficult; the last one is not to learn.

    The dog has pixels of its own, the cat's are known to be a cat's.
    """
    root = tmp_path / "animals"
    rng = np.random.default_rng(0)
    for number in range(PICTURES + 1):
        dog, cat = thing("dog", 11, 6, 50, 36), thing("cat", 1, 1, 9, 9, difficult=1)
        write(root, f"p{number}", dog, cat, thing("kettle", 3, 3, 20, 20))
        write_voc_masks(root, f"p{number}", [(10, 5, 50, 36, 2, 1), (0, 0, 9, 9, 3, 2 if number else 255)])
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(root / "JPEGImages" / f"p{number}.jpg")
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("\n".join(f"p{number}" for number in range(PICTURES)))
    return root


@pytest.fixture
def family(tmp_path: Path) -> Family:
    made = replace(PHOTOS, folder=tmp_path / "checkpoints")
    made.folder.mkdir()
    (made.folder / "trunk.safetensors").write_bytes((PHOTOS.folder / "trunk.safetensors").read_bytes())
    return made


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tiny = replace(TRUNKS["lite0"], short_side=96, long_side=160, square_side=96, crop_side=56)
    monkeypatch.setitem(TRUNKS, "lite0", tiny)
    monkeypatch.setattr(recipes, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(batches, "cached_proposals", partial(batches.cached_proposals, cache=tmp_path / "cache"))
    for name, recipe in PHOTO_RECIPES.items():
        scenes, regions = (PICTURES, 40) if recipe.svm_scenes else (0, 0)
        short = replace(recipe, batch_size=2, steps=STEPS, svm_scenes=scenes, svm_regions=regions)
        monkeypatch.setitem(PHOTO_RECIPES, name, short)


def test_recipes_learn_from_all_photos() -> None:
    assert {"fast_rcnn", "faster_rcnn", "yolo", *segmentation.NAMES, "upsamplers"} <= set(PHOTO_RECIPES)
    for name in PHOTO_RECIPES:
        drawn, recipe = MODELS[name].recipe, MODELS[name].photo_recipe
        assert drawn and recipe
        assert (recipe.scenes, recipe.proposals) == (ALL, drawn.proposals)
        assert recipe.start == drawn.start or name in FCNS


def test_the_three_fcns_are_trained_alike() -> None:
    one, *others = (PHOTO_RECIPES[name] for name in FCNS)
    assert others == [one, one] and one.trunk_stays and one.start == "upsamplers"


def test_every_start_is_trained_before_what_starts_from_it() -> None:
    for name in PHOTO_RECIPES:
        start = PHOTO_RECIPES[name].start
        assert start == "trunk" or (start in PHOTO_RECIPES and PHOTO_RECIPES[start].start == "trunk"), name


@pytest.fixture
def begun(family: Family) -> None:
    """What recipes start from, beside the trunk: models with random weights on it."""
    for name in {recipe.start or "" for recipe in PHOTO_RECIPES.values()} - {"trunk"}:
        torch.manual_seed(0)
        model = MODELS[name].make(family.trunk, family.classes)
        load_trunk(model.trunk, "trunk", family.folder)
        torch.nn.init.ones_(model.trunk.block15.layers[-1].weight)
        recipes.save(model, name, PHOTO_RECIPES[name], LAST, family.folder, "nothing")


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("name", PHOTO_RECIPES)
def test_a_recipe_trains_from_end_to_end(name: str, animals: Path, family: Family, tmp_path: Path) -> None:
    states = tmp_path / "states"
    events = list(train_by_recipe(name, family=family, data=animals, states=states))
    steps = [event for event in events if event.stage == "gradient steps"]
    assert [event.step for event in steps] == [1, 2, 3] and steps[-1].done == 1
    assert all(math.isfinite(value) for event in steps for value in event.losses.values())
    assert (states / name / "state.safetensors").is_file() and not (tmp_path / "runs").exists()

    own, trunk = (load_file(family.folder / f"{one}.safetensors") for one in (name, "trunk"))
    learnt = {key.split(".")[1] for key in own if key.startswith("trunk.")}
    stays = name == "sppnet" or name == "mask_rcnn" or PHOTO_RECIPES[name].trunk_stays
    assert learnt == (set() if stays else {f"block{number}" for number in range(11, 16)})
    image = torch.zeros(3, 80, 100, dtype=torch.uint8)
    if name in NAMES:
        assert run(load(name, family), image).detections.scores.isfinite().all()
    elif name in segmentation.NAMES:
        assert segmentation.load(name, family).predict(image).shape == (80, 100)
    else:
        assert set(studied(family=family)) == set(UPSAMPLERS)
    assert all(values.isfinite().all() for values in (*own.values(), *trunk.values()))

    card = card_of(name, family)
    assert card["data"].startswith(f"{PICTURES} photos (animals, train), mirrored")
    assert card["recipe"]["steps"] == STEPS and card["recipe"]["start"] == PHOTO_RECIPES[name].start


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize("name", ["fcn8s", "mask_rcnn"])
def test_a_model_on_anothers_trunk_has_that_to_the_last_bit(name: str, animals: Path, family: Family) -> None:
    list(train_by_recipe(name, family=family, data=animals))
    start = PHOTO_RECIPES[name].start
    assert start and rest_of(name, family.folder) == start
    model, trunk = MODELS[name].make(family.trunk, family.classes), TRUNKS[family.trunk].build()
    load_weights(model, name, family.folder)
    load_trunk(trunk, start, family.folder)
    assert all(torch.equal(values, trunk.state_dict()[key]) for key, values in model.trunk.state_dict().items())


def test_only_photos_with_masks_teach_segmenters(animals: Path) -> None:
    (animals / "SegmentationObject" / "p1.png").unlink()
    assert photographed(animals, "fcn8s", PHOTO_RECIPES["fcn8s"], PHOTOS).said.startswith(f"{PICTURES - 1} photos")
    assert photographed(animals, "yolo", PHOTO_RECIPES["yolo"], PHOTOS).said.startswith(f"{PICTURES} photos")


def test_segmenters_learn_the_classes_of_pixels_whoever_they_belong_to(animals: Path) -> None:
    images, targets = photographed(animals, "fcn8s", PHOTO_RECIPES["fcn8s"], PHOTOS).batch(0)
    assert images.shape == (2, 3, 96, 96)
    shown = torch.stack([target["pixel_labels"] for target in targets]).unique().tolist()
    assert set(shown) <= {0, 2, 3, 255} and {0, 2} <= set(shown)


def test_frozen_blocks_stay_as_they_were_to_the_last_bit(animals: Path, family: Family) -> None:
    list(train_by_recipe("faster_rcnn", family=family, data=animals))
    model = MODELS["faster_rcnn"].make(PHOTOS.trunk, PHOTOS.classes)
    load_weights(model, "faster_rcnn", family.folder)
    trunk = load_file(family.folder / "trunk.safetensors")
    same = {key.split(".")[0]: True for key in model.trunk.state_dict()}
    for key, values in model.trunk.state_dict().items():
        same[key.split(".")[0]] &= torch.equal(values, trunk[f"trunk.{key}"].to(values.dtype))
    assert tuple(name for name, kept in same.items() if kept) == model.trunk.frozen


def test_difficult_objects_and_other_classes_are_not_learnt(animals: Path) -> None:
    material = photographed(animals, "faster_rcnn", PHOTO_RECIPES["faster_rcnn"], PHOTOS)
    for step in range(6):
        _images, targets = material.batch(step)
        for target in targets:
            assert target["labels"].tolist() in ([PHOTOS.classes.index("dog")], []), "a cut may have lost it"
    assert material.said.startswith(f"{PICTURES} photos")


def test_photos_are_as_large_as_the_trunk_wants_them(animals: Path) -> None:
    images, _targets = photographed(animals, "faster_rcnn", PHOTO_RECIPES["faster_rcnn"], PHOTOS).batch(0)
    assert images.shape == (2, 3, 96, 144)


def test_a_stopped_training_is_resumed(animals: Path, family: Family) -> None:
    whole = list(train_by_recipe("faster_rcnn", family=family, data=animals))
    expected = load_file(family.folder / "faster_rcnn.safetensors")
    training = train_by_recipe("faster_rcnn", family=family, data=animals)
    first = next(training)
    training.close()  # type: ignore[attr-defined]
    rest = list(train_by_recipe("faster_rcnn", family=family, data=animals, resume=True))
    assert [event.losses for event in (first, *rest)] == [event.losses for event in whole]
    found = load_file(family.folder / "faster_rcnn.safetensors")
    assert found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)


@pytest.mark.parametrize(
    ("name", "data", "error", "sentence"),
    [
        ("faster_rcnn", None, TrainingError, "learns from photos: give their folder by --data"),
        ("trunk", Path("animals"), TrainingError, "no recipe for trunk on photos: choose among .*faster_rcnn"),
        ("faster_rcnn", Path("nowhere"), FolderError, "no file Annotations"),
    ],
)
def test_what_cannot_be_learnt_is_a_sentence(
    name: str, data: Path | None, error: type[Exception], sentence: str, family: Family
) -> None:
    with pytest.raises(error, match=sentence):
        next(train_by_recipe(name, family=family, data=data))


def test_a_missing_trunk_is_a_sentence(animals: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="trunk is missing"):
        next(train_by_recipe("faster_rcnn", family=replace(PHOTOS, folder=tmp_path / "none"), data=animals))


def test_the_drawn_shapes_have_their_own_recipes() -> None:
    known: Callable[[str, Family], object] = recipes.recipe_of
    assert known("faster_rcnn", SHAPES) is recipes.RECIPES["faster_rcnn"]
    assert known("faster_rcnn", PHOTOS) is PHOTO_RECIPES["faster_rcnn"]
