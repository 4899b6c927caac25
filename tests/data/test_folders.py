"""Folders in Pascal VOC's layout: written here, and the real ones with their faults."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from core.data.folders import FolderError, VOCFolder
from tests.shared_data import shared

OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def write(root: Path, stem: str, *objects: str) -> None:
    for name in ("Annotations", "JPEGImages"):
        (root / name).mkdir(parents=True, exist_ok=True)
    text = f"<annotation><filename>{stem}.jpg</filename>{''.join(objects)}</annotation>"
    (root / "Annotations" / f"{stem}.xml").write_text(text)
    Image.new("RGB", (60, 40), "teal").save(root / "JPEGImages" / f"{stem}.jpg")


def thing(name: str, *corners: int, difficult: int = 0) -> str:
    return OBJECT.format(*corners, name=name, difficult=difficult)


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


def test_the_blood_photos_lose_their_boxes_without_area() -> None:
    folder = VOCFolder(shared("bccd"))
    assert len(folder) == 292
    assert folder.classes == ("background", "Platelets", "RBC", "WBC")
    assert any("BloodImage_00338" in note and "BloodImage_00343" in note for note in folder.notes)
    for index in range(0, len(folder), 50):
        image, target = folder[index]
        assert image.shape == (3, 480, 640)
        assert (target["boxes"][:, 2:] > target["boxes"][:, :2]).all()
