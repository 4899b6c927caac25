"""Where data comes from: scenes, digits and folders, found and opened by what is in them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.digits import DigitScenes
from core.data.folders import FolderError
from core.data.scenes import ShapeScenes
from core.data.sources import (
    VARIABLE,
    FoundFolder,
    Opened,
    certain,
    dataset_in,
    datasets_below,
    has_masks,
    open_set,
    open_source,
    owners_folder,
    without_path,
)
from core.data.voc_masks import VOCMasks
from tests.data.flawed_folders import photo
from tests.data.written_folders import thing, write, write_voc_masks


def test_the_owners_folder_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert owners_folder() == Path(__file__).parents[2] / "data"
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert owners_folder() == tmp_path


def test_every_form_is_found_below_a_folder_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "voc" / "inner", "one", thing("dog", 1, 2, 10, 12))
    for name in ("images", "instances"):
        (tmp_path / "cells" / name).mkdir(parents=True)
    for name in ("cat", "dog"):
        (tmp_path / "animals" / name).mkdir(parents=True)
        photo(1).save(tmp_path / "animals" / name / "one.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / ".hidden" / "Annotations").mkdir(parents=True)
    (tmp_path / "README").write_text("no folder")
    assert datasets_below(tmp_path) == {
        "animals": FoundFolder(tmp_path / "animals", "classes"),
        "cells": FoundFolder(tmp_path / "cells", "masks"),
        "voc": FoundFolder(tmp_path / "voc" / "inner", "boxes"),
    }
    assert datasets_below(tmp_path / "nowhere") == {}
    with pytest.raises(FolderError):
        dataset_in(tmp_path / "empty")


def test_sources_open_as_datasets_of_their_parts(tmp_path: Path) -> None:
    scenes, digits = open_source("scenes", "val"), open_source("digits")
    assert len(scenes) == 100 and scenes.classes == ShapeScenes.classes
    image, target = scenes[3]
    expected, truth = ShapeScenes("validation", 100)[3]
    assert torch.equal(image, expected) and torch.equal(target["masks"], truth["masks"])
    assert len(digits) == 2000 and digits.classes == DigitScenes.classes
    for number in range(10):
        write(tmp_path, f"{number}", thing("dog", 1, 2, 10, 12), thing("dog", 7, 7, 7, 7))
    train, val, whole = (open_source(str(tmp_path), split) for split in ("train", "val", ""))
    assert len(train) + len(val) == len(whole) == 10
    assert len(whole.notes) == 1, "boxes without area were left out"
    with pytest.raises(FolderError, match="no longer there"):
        open_source(str(tmp_path / "gone"))
    (tmp_path / "JPEGImages" / "0.jpg").write_bytes(b"cut")
    with pytest.raises(FolderError, match=r"^JPEGImages/0\.jpg is not a photo"):
        whole[0]
    (tmp_path / "Annotations" / "0.xml").write_bytes(b"cut")
    with pytest.raises(FolderError, match=r"^Annotations/0\.xml is not an annotation"):
        open_source(str(tmp_path), "")


def test_a_photo_of_a_class_has_its_label_as_target(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        photo(1).save(tmp_path / name / "one.png")
    whole = open_source(str(tmp_path), "")
    assert whole.classes == ("cat", "dog")
    assert [whole[index][1] for index in range(2)] == [{"label": torch.tensor(0)}, {"label": torch.tensor(1)}]


def test_a_large_photo_is_scaled_down_with_what_is_on_it(tmp_path: Path) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    mask: np.ndarray = np.zeros((1024, 2048), np.uint8)
    mask[100:300, 400:1000] = 2
    Image.new("RGB", (2048, 1024), "teal").save(tmp_path / "images" / "one.jpg")
    Image.fromarray(mask).save(tmp_path / "labels" / "one.png")
    image, target = open_source(str(tmp_path), "")[0]
    assert image.shape == (3, 512, 1024) and image.dtype == torch.uint8
    assert target["boxes"].tolist() == [[200, 50, 500, 150]] and target["labels"].tolist() == [2]
    assert target["masks"].shape == (1, 512, 1024) and target["masks"].dtype == torch.bool
    assert int(target["masks"].sum()) == 300 * 100


def test_a_sentence_does_not_say_where_the_folder_lies(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(FolderError) as error:
        dataset_in(tmp_path / "set")
    said = without_path(str(error.value), tmp_path / "set", "my set")
    assert said.startswith("There is no dataset in my set:") and str(tmp_path) not in said
    assert without_path(f"{tmp_path}/a.jpg is not a photo.", tmp_path, "mine") == "a.jpg is not a photo."


def test_what_is_known_of_the_pixels_of_a_large_photo_is_scaled_with_it(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("dog", 1, 1, 1024, 1024))
    Image.new("RGB", (2048, 1024), "teal").save(tmp_path / "JPEGImages" / "one.jpg")
    for kind, number in (("SegmentationClass", 7), ("SegmentationObject", 1)):
        pixels: np.ndarray = np.zeros((1024, 2048), np.uint8)
        pixels[:, :1024], pixels[:, 2000:] = number, 255
        (tmp_path / kind).mkdir()
        Image.fromarray(pixels).save(tmp_path / kind / "one.png")
    image, target = Opened(VOCMasks(tmp_path))[0]
    assert image.shape == (3, 512, 1024)
    assert target["pixel_labels"].shape == target["void"].shape == (512, 1024) and target["void"].dtype == torch.bool
    assert (target["pixel_labels"][:, :512] == 1).all() and target["void"][:, 1001:].all()


def test_sets_say_whether_they_have_masks_and_open_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    for name in ("boxes", "both"):
        write(tmp_path / name, "one", thing("dog", 1, 1, 20, 20), thing("dog", 30, 1, 40, 20, difficult=1))
    write_voc_masks(tmp_path / "both", "one", [(0, 0, 20, 20, 3, 1), (29, 0, 40, 20, 3, 2)])
    sets = datasets_below(tmp_path)
    assert {name: has_masks(found) for name, found in sets.items()} == {"both": True, "boxes": False}
    assert "masks" not in open_set("both")[0][1] and "masks" in open_set("both", masks=True)[0][1]
    target = certain(open_set("both", masks=True)[0][1])
    assert len(target["labels"]) == len(target["masks"]) == 1 and target["void"][5, 35]
    with pytest.raises(FolderError, match="No photo in the data set has masks"):
        open_set("boxes", masks=True)


def test_of_an_owners_set_the_photos_for_validation_are_opened_else_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    for name in ("parted", "whole"):
        for stem in ("a", "b"):
            write(tmp_path / name, stem, thing(f"dog {stem}", 1, 2, 10, 12))
    for name, listed in (("parted", "b\n"), ("whole", "")):
        (tmp_path / name / "ImageSets").mkdir()
        (tmp_path / name / "ImageSets" / "val.txt").write_text(listed)
    assert [len(open_set(name)) for name in ("parted", "whole")] == [1, 2]
    photos = open_set("parted")
    assert [photos.classes[label] for label in photos[0][1]["labels"]] == ["dog b"]
    with pytest.raises(FolderError, match="no photos of a set elsewhere on this server"):
        open_set("elsewhere")


def test_what_is_difficult_is_no_certain_truth() -> None:
    boxes = torch.arange(8.0).view(2, 4)
    target = {"boxes": boxes, "labels": torch.tensor([1, 2]), "iscrowd": torch.tensor([1, 0])}
    assert torch.equal(certain(target)["boxes"], boxes[1:]) and certain(target)["labels"].tolist() == [2]
    plain = {"boxes": boxes, "labels": torch.tensor([1, 2])}
    assert certain(plain) is plain
