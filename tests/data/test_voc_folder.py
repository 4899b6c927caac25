"""Folders in Pascal VOC's layout: written here, and a real one with its faults."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from core.data import read_voc
from core.data.folders import FolderError
from core.data.voc_folder import MOST_XML, VOCFolder, read_annotation
from tests.data.written_folders import thing, write
from tests.shared_data import shared


def test_boxes_become_half_open_and_labels_follow_the_names(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12), thing("cat", 5, 5, 60, 40, difficult=1))
    folder = VOCFolder(tmp_path)
    image, target = folder[0]
    assert image.shape == (3, 40, 60)
    assert folder.classes == ("background", "cat", "dog")
    assert target["boxes"].tolist() == [[0, 1, 10, 12], [4, 4, 60, 40]]
    assert target["labels"].tolist() == [2, 1]
    assert target["iscrowd"].tolist() == [0, 1]
    assert folder.notes == ()


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12), thing("dog", 7, 7, 7, 7), thing("cow", 1, 1, 9, 9))
    write(tmp_path, "two", thing("dog", 1, 2, 10, 12))
    (tmp_path / "JPEGImages" / "two.jpg").unlink()
    folder = VOCFolder(tmp_path, ("background", "dog"))
    assert len(folder) == 1
    assert folder[0][1]["boxes"].tolist() == [[0, 1, 10, 12]]
    assert folder.notes == (
        "Left out, since the photo is missing: two.",
        "Left out boxes without area in one.",
        "Left out objects of other classes: cow.",
    )


def test_a_picture_without_objects_has_an_empty_target(tmp_path: Path) -> None:
    write(tmp_path, "empty")
    write(tmp_path, "full", thing("dog", 1, 2, 10, 12))
    target = VOCFolder(tmp_path)[0][1]
    assert target["boxes"].shape == (0, 4)
    assert target["labels"].dtype == torch.int64


def test_wrong_folders_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="choose a folder in Pascal VOC's layout"):
        VOCFolder(tmp_path)
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12))
    with pytest.raises(FolderError, match=r"No object in .* is of a class that is known here: ring"):
        VOCFolder(tmp_path, ("background", "ring"))
    (tmp_path / "JPEGImages" / "one.jpg").write_bytes(b"no photo")
    with pytest.raises(FolderError, match=r"one\.jpg is not a photo"):
        VOCFolder(tmp_path)[0]
    (tmp_path / "Annotations" / "one.xml").write_text("<annotation>")
    with pytest.raises(FolderError, match="not an annotation"):
        VOCFolder(tmp_path)


def test_an_annotation_names_no_file_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "set", "one", thing("dog", 1, 2, 10, 12))
    Image.new("RGB", (6, 4)).save(tmp_path / "secret.jpg")
    file = tmp_path / "set" / "Annotations" / "one.xml"
    for name in ("../../secret.jpg", str(tmp_path / "secret.jpg"), "..\\..\\secret.jpg", "", "..", "."):
        file.write_text(f"<annotation><filename>{name}</filename>{thing('dog', 1, 2, 10, 12)}</annotation>")
        assert read_voc(tmp_path / "set")[0][0].shape == (3, 40, 60), name


ENTITIES = "".join(f'<!ENTITY l{level + 1} "{f"&l{level};" * 10}">' for level in range(12))
BOMB = f'<!DOCTYPE x [<!ENTITY l0 "aaaaaaaaaa">{ENTITIES}]><annotation><filename>&l12;</filename></annotation>'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<annotation>",
        BOMB,
        f"<annotation>{' ' * MOST_XML}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('12', 'nan')}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('12', 'inf')}</annotation>",
        f"<annotation>{thing('dog', 1, 2, 10, 12).replace('bndbox', 'box')}</annotation>",
        "<annotation><size><width>1e999</width></size></annotation>",
        '<?xml version="1.0" encoding="none"?><annotation/>',
    ],
    ids=["empty", "cut", "bomb", "long", "nan", "endless", "boxless", "wide", "encoding"],
)
def test_damaged_annotations_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "one.xml").write_text(content)
    with pytest.raises(FolderError, match=r"one\.xml is not an annotation"):
        read_annotation(tmp_path / "one.xml", tmp_path)


def test_the_blood_photos_are_split_by_their_lists() -> None:
    train, val = (read_voc(shared("bccd"), split) for split in ("train", "val"))
    assert (len(train), len(val)) == (205, 87) and not set(train.names) & set(val.names)
    assert train.classes == val.classes


def test_the_blood_photos_lose_their_boxes_without_area() -> None:
    folder = VOCFolder(shared("bccd"))
    assert len(folder) == 292
    assert folder.classes == ("background", "Platelets", "RBC", "WBC")
    assert any("BloodImage_00338" in note and "BloodImage_00343" in note for note in folder.notes)
    for index in range(0, len(folder), 50):
        image, target = folder[index]
        assert image.shape == (3, 480, 640)
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
