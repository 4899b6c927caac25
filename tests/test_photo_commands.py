"""The commands with ``--family photos``, as they are typed."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from core import segmentation
from core.__main__ import app
from core.commands import evaluating, images, training
from core.data.photos import photo
from core.detectors import NAMES, Detector, build
from core.families import PHOTOS, AnyFamily
from core.segmentation import MaskRCNN, Segmenter
from core.training import imagenet
from core.training.loop import TrainingStep
from core.training.recipes import PHOTO_RECIPES
from tests.data.written_folders import thing, write, write_voc_masks

runner = CliRunner()


def said(*words: object, code: int = 0) -> str:
    result = runner.invoke(app, [*map(str, words)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    root = tmp_path / "animals"
    for name in ("one", "two", "three"):
        write(root, name, thing("dog", 11, 6, 50, 36), thing("kettle", 3, 3, 20, 20))
    (root / "ImageSets" / "Main").mkdir(parents=True)
    for part, names in {"test": "one\ntwo\n", "val": "three\n"}.items():
        (root / "ImageSets" / "Main" / f"{part}.txt").write_text(names)
    return root


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> list[AnyFamily]:
    """Detectors with random weights in place of trained ones, and the families that were asked for."""
    asked: list[AnyFamily] = []

    def load(name: str, family: AnyFamily) -> Detector:
        asked.append(family)
        torch.manual_seed(0)
        return build(name, family)

    for module in (images, evaluating):
        monkeypatch.setattr(module, "load", load)
    return asked


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[Path, dict[str, object]]:
    """What goes onto cards, by their paths, instead of being written there."""
    cards: dict[Path, dict[str, object]] = {}

    def note(name: str, folder: Path, **entries: object) -> None:
        cards[folder / name] = entries

    monkeypatch.setattr(evaluating, "update_card", note)
    return cards


def test_the_test_part_of_the_familys_set_goes_onto_the_card(
    animals: Path, untrained: list[AnyFamily], noted: dict[Path, dict[str, object]], tmp_path: Path
) -> None:
    words = ("evaluate", "faster_rcnn", "--family", "photos", "--data", animals, "--part", "test")
    output = said(*words, "--json", tmp_path / "out.json")
    assert "objects of other classes: kettle" in output and untrained == [PHOTOS]
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["data"] == {"folder": str(animals), "part": "test", "images": 2}
    assert "dog" in report["detectors"]["faster_rcnn"]["ap50_per_class"]
    assert set(report["detectors"]["faster_rcnn"]["ap50_per_class"]) <= set(PHOTOS.classes[1:])
    (evaluation,) = (card["evaluation"] for card in noted.values())
    assert set(noted) == {PHOTOS.folder / "faster_rcnn"}
    assert evaluation["data"] == {"set": "animals", "part": "test", "images": 2}  # type: ignore[index]
    assert str(tmp_path) not in json.dumps(noted[PHOTOS.folder / "faster_rcnn"])


@pytest.mark.parametrize(
    ("folder", "more", "count"),
    [("animals", (), 1), ("animals", ("--part", "test", "--images", 1), 1), ("others", ("--part", "test"), 2)],
    ids=["another part", "not all of it", "another set"],
)
def test_no_other_measurement_goes_onto_the_card(
    folder: str,
    more: tuple[object, ...],
    count: int,
    animals: Path,
    untrained: list[AnyFamily],
    noted: dict[Path, dict[str, object]],
) -> None:
    place = animals.rename(animals.parent / folder)
    output = said("evaluate", "yolo", "--family", "photos", "--data", place, *more, "--json", "-")
    assert not noted and f'"images": {count}' in output


def test_all_is_what_the_family_has_recipes_for(
    animals: Path, noted: dict[Path, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def note(name: str, *_others: object) -> dict[str, object]:
        measured.append(name)
        return {}

    monkeypatch.setattr(evaluating, "_measured", note)
    monkeypatch.setattr(evaluating, "_measured_segmenters", note)
    said("evaluate", "all", "--family", "photos", "--data", animals)
    assert set(measured) == set(PHOTO_RECIPES) & set(NAMES), "there are no masks to measure segmenters by"
    measured.clear()
    write_voc_masks(animals, "three", [(10, 5, 50, 36, 2, 1)])
    said("evaluate", "all", "--family", "photos", "--data", animals)
    assert set(measured) == set(PHOTO_RECIPES)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("evaluate", "yolo", "--family", "photos"), 1, "give it by --data"),
        (("evaluate", "yolo", "--family", "photos", "--data", "ANIMALS", "--part", "best"), 1, "no list best.txt"),
        (("evaluate", "yolo", "--family", "birds"), 2, "there is no 'birds': choose among shapes, photos, paper"),
        (("train", "yolo", "--family", "photos"), 1, "give their folder by --data"),
        (("train", "nearest", "--family", "photos"), 2, "there is no 'nearest': choose among trunk, "),
    ],
)
def test_what_does_not_fit_is_a_sentence(words: tuple[str, ...], code: int, sentence: str, animals: Path) -> None:
    assert sentence in said(*(animals if word == "ANIMALS" else word for word in words), code=code)


def test_a_photo_is_looked_at_for_what_the_family_knows(untrained: list[AnyFamily], tmp_path: Path) -> None:
    place = tmp_path / "astronaut.png"
    Image.fromarray(photo("astronaut").permute(1, 2, 0).numpy()).save(place)
    said("detect", place, "--detectors", "faster_rcnn", "--json", tmp_path / "out.json")
    (ran,) = json.loads((tmp_path / "out.json").read_text())["runs"]
    assert untrained == [PHOTOS] and {one["label"] for one in ran["detections"]} <= set(PHOTOS.classes[1:])


@pytest.fixture
def unschooled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segmenters with random weights in place of trained ones."""

    def load(name: str, family: AnyFamily) -> Segmenter | MaskRCNN:
        torch.manual_seed(0)
        return segmentation.build(name, family)

    monkeypatch.setattr(segmentation, "load", load)


@pytest.mark.usefixtures("unschooled")
@pytest.mark.parametrize("name", ["fcn8s", "mask_rcnn"])
def test_segmenters_are_measured_on_the_pixels_that_are_known(
    name: str, animals: Path, noted: dict[Path, dict[str, object]], tmp_path: Path
) -> None:
    write_voc_masks(animals, "one", [(10, 5, 50, 36, 2, 1), (50, 5, 52, 36, 255, 255)])
    words = ("evaluate", name, "--family", "photos", "--data", animals, "--part", "test")
    output = said(*words, "--json", tmp_path / "out.json")
    assert "since the mask is missing: two" in output
    report = json.loads((tmp_path / "out.json").read_text())["segmenters"][name]
    assert sum(map(sum, report["confusion"])) == 60 * 40 - 2 * 31
    assert report["boundary_f"] is None and ("mask_ap75" in report) == (name == "mask_rcnn")
    (evaluation,) = (card["evaluation"] for card in noted.values())
    assert evaluation["data"] == {"set": "animals", "part": "test", "images": 1}  # type: ignore[index]


@pytest.mark.usefixtures("unschooled")
def test_a_photo_is_labelled_at_its_own_size(tmp_path: Path) -> None:
    place, out = tmp_path / "astronaut.png", tmp_path / "labels.png"
    Image.fromarray(photo("astronaut").permute(1, 2, 0).numpy()).resize((200, 160)).save(place)
    said("segment", place, "--out", out, "--family", "photos")
    with Image.open(out) as labels:
        assert labels.size == (200, 160)


def test_training_goes_by_the_familys_recipe(animals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[tuple[object, ...]] = []

    def noting(*given: object) -> Iterator[TrainingStep]:
        trained.append(given)
        yield TrainingStep(20, 0.1, {"confidence": 0.125}, 1e-3, 2.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_by_recipe", noting)
    words = ("--family", "photos", "--data", animals, "--out", tmp_path / "states", "--folder", tmp_path / "weights")
    output = said("train", "yolo", *words, "--resume", code=1)
    family = replace(PHOTOS, folder=tmp_path / "weights")
    assert trained == [("yolo", None, "cpu", True, family, animals, tmp_path / "states")]
    assert "yolo, gradient steps, 20: confidence 0.125" in output
    assert "Go on with the same command and --resume" in output


def test_the_trunk_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Path] = []
    monkeypatch.setattr(imagenet, "take_over", taken.append)
    said("train", "trunk", "--family", "photos", "--folder", tmp_path)
    assert taken == [tmp_path]
