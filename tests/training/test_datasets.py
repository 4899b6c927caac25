"""What a model learns from: which source gives which samples, and what is refused."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image

from core.data.folders import FolderError
from core.training.datasets import forms_for, open_data


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of photos of one colour a class."""
    root = tmp_path_factory.mktemp("classes") / "colours"
    for part, count in (("train", 3), ("val", 2)):
        for name in ("blue", "red"):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (40 + number, 30), name).save(root / part / name / f"{number}.png")
    return root


@pytest.mark.parametrize(("model", "form"), [("yolo", "voc"), ("rcnn", "masks"), ("fcn8s", "masks")])
def test_folders_are_opened_in_their_form(model: str, form: str, folder: Path) -> None:
    data = open_data(str(folder / form), model)
    assert (len(data.train), len(data.validation)) == (4, 2) and data.classes[0] == "background"
    assert ("masks" in data.train[0][1]) == (form == "masks")


def test_a_dataset_may_lie_in_a_folder_that_holds_nothing_else(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "voc", tmp_path / "upload" / "top")
    assert len(open_data(str(tmp_path / "upload"), "yolo").train) == 4


@pytest.mark.parametrize("form", ["voc", "masks"])
def test_a_classifier_learns_from_single_objects(form: str, folder: Path) -> None:
    """Berries are red and leaves are green; masks know their classes by number, leaves first."""
    data = open_data(str(folder / form), "classifier")
    assert data.classes == (("berry", "leaf") if form == "voc" else ("class 1", "class 2"))
    assert (len(data.train), len(data.validation)) == (8, 4)
    for index in range(len(data.train)):
        image, target = data.train[index]
        assert target.keys() == {"label"} and target["label"].shape == ()
        red, green, _blue = image[:, image.shape[1] // 2, image.shape[2] // 2].tolist()
        assert ("leaf" if green > red else "berry") == ("berry", "leaf")[int(target["label"]) ^ (form == "masks")]
        assert 30 <= image.shape[1] <= 40 and 30 <= image.shape[2] <= 40, "an eighth of context"


def test_difficult_objects_are_not_classified(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "voc", tmp_path / "voc")
    for path in (tmp_path / "voc" / "Annotations").iterdir():
        text = path.read_text()
        path.write_text(text.replace("</object>", "<difficult>1</difficult></object>", 1))
    assert len(open_data(str(tmp_path / "voc"), "classifier").train) == 4


def test_a_classifier_learns_from_photos_of_one_class_each(classes: Path) -> None:
    data = open_data(str(classes), "classifier")
    assert data.classes == ("blue", "red") and (len(data.train), len(data.validation)) == (6, 4)
    image, target = data.train[5]
    assert int(target["label"]) == 1 and image[0].min() == 255


def test_digits_come_one_an_image_or_several_in_a_scene() -> None:
    single, scene = (open_data("digits", model) for model in ("classifier", "yolo"))
    assert single.classes == tuple("0123456789") and scene.classes == ("background", *single.classes)
    image, target = single.train[0]
    assert image.dtype == torch.uint8 and 0 <= int(target["label"]) <= 9
    assert len(scene.train[0][1]["boxes"]) > 1


@pytest.mark.parametrize("data", ["scenes", "digits"])
def test_fewer_scenes_are_drawn_where_proposals_are_searched_in_them(data: str) -> None:
    counts = {model: len(open_data(data, model).train) for model in ("rcnn", "fast_rcnn", "faster_rcnn")}
    assert counts["rcnn"] == counts["fast_rcnn"] == 300 < counts["faster_rcnn"]


def test_a_drawn_scene_gives_a_classifier_its_first_object() -> None:
    crops, scenes = open_data("scenes", "classifier"), open_data("scenes", "yolo")
    assert crops.classes == scenes.classes[1:] and len(crops.train) == len(scenes.train)
    (_image, target), (_scene, truth) = crops.train[3], scenes.train[3]
    assert target["label"] == truth["labels"][0] - 1


@pytest.mark.parametrize(
    ("form", "model", "sentence"),
    [
        ("voc", "fcn8s", "^voc has boxes, and FCN-8s learns from masks: choose another model or other data"),
        ("colours", "yolo", "^colours has one folder of photos a class, and YOLO learns from boxes or masks: "),
        ("nowhere", "yolo", "^There is no dataset in nowhere: choose one in Pascal VOC's layout"),
    ],
)
def test_what_a_model_cannot_learn_from_is_a_sentence_without_a_path(
    form: str, model: str, sentence: str, folder: Path, classes: Path
) -> None:
    place = classes if form == "colours" else folder / form
    with pytest.raises(FolderError, match=sentence):
        open_data(str(place), model)


def test_a_part_without_images_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "voc", tmp_path / "voc")
    (tmp_path / "voc" / "ImageSets" / "val.txt").write_text("\n")
    with pytest.raises(FolderError, match=r"^voc has no image for val: add images, or list them in ImageSets/val\.txt"):
        open_data(str(tmp_path / "voc"), "yolo")


def test_forms_are_those_that_can_be_opened() -> None:
    assert forms_for("mask_rcnn") == ("masks",) and forms_for("rcnn") == ("boxes", "masks")
    assert forms_for("classifier") == ("classes", "boxes", "masks")
