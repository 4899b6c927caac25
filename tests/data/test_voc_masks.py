"""Folders in Pascal VOC's layout with masks of classes and of objects, written here and a real one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.folders import FolderError
from core.data.voc_masks import VOCMasks
from core.families import PHOTOS
from tests.data.written_folders import thing, write, write_voc_masks
from tests.shared_data import shared

CLASSES = ("background", "dog", "cat")
DOG, CAT = thing("dog", 1, 1, 20, 20), thing("cat", 31, 1, 60, 40)


def bounds(mask: torch.Tensor) -> list[int]:
    rows, columns = mask.nonzero(as_tuple=True)
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


def test_the_nth_object_has_the_pixels_of_number_n(tmp_path: Path) -> None:
    """In the file a kettle comes first, whose number nobody else gets, and a cat without a mask of its own last."""
    write(tmp_path, "one", thing("kettle", 25, 1, 30, 9), CAT, DOG, thing("cat", 1, 30, 9, 40))
    parts = [(24, 0, 30, 9, 255, 1), (30, 0, 60, 40, 8, 2), (0, 0, 20, 20, 12, 3), (0, 29, 9, 40, 8, 255)]
    write_voc_masks(tmp_path, "one", parts)
    folder = VOCMasks(tmp_path, CLASSES)
    image, target = folder[0]
    assert image.shape == (3, 40, 60)
    assert target["labels"].tolist() == [2, 1, 2]
    assert [bounds(mask) for mask in target["masks"][:2]] == [[30, 0, 60, 40], [0, 0, 20, 20]]
    assert not target["masks"][2].any()
    assert bounds(target["void"]) == [0, 0, 30, 40] and int(target["void"].sum()) == 6 * 9 + 9 * 11
    labels = target["pixel_labels"]
    assert labels.dtype == torch.uint8
    assert labels[5, 5] == 1 and labels[5, 40] == 2 and labels[35, 5] == 2, "its class is known, not which it is"
    assert labels[5, 26] == 255 and labels[25, 25] == 0
    assert folder.notes == ("Left out objects of other classes: kettle.",)


@pytest.mark.parametrize("classes", [CLASSES, ("background", "cat", "dog"), None])
def test_the_numbers_of_classes_are_what_the_objects_say(classes: Sequence[str] | None, tmp_path: Path) -> None:
    write(tmp_path, "one", DOG)
    write(tmp_path, "two", CAT)
    write_voc_masks(tmp_path, "one", [(0, 0, 20, 20, 12, 1), (40, 0, 50, 9, 8, 255)])
    write_voc_masks(tmp_path, "two", [(30, 0, 60, 40, 8, 1)])
    folder = VOCMasks(tmp_path, classes)
    labels = folder[0][1]["pixel_labels"]
    assert [folder.classes[int(labels[place])] for place in ((5, 5), (5, 45), (30, 5))] == ["dog", "cat", "background"]


def test_pixels_of_classes_that_nobody_named_are_void(tmp_path: Path) -> None:
    write(tmp_path, "one", DOG, CAT)
    write_voc_masks(tmp_path, "one", [(0, 0, 20, 20, 12, 1), (40, 0, 50, 9, 8, 255), (52, 0, 60, 9, 300, 255)])
    labels = VOCMasks(tmp_path, CLASSES)[0][1]["pixel_labels"]
    assert labels.unique().tolist() == [0, 1, 255] and labels[5, 45] == labels[5, 55] == 255


def test_difficult_objects_have_masks_too(tmp_path: Path) -> None:
    write(tmp_path, "one", DOG, thing("cat", 31, 1, 60, 40, difficult=1))
    write_voc_masks(tmp_path, "one", [(0, 0, 20, 20, 12, 1), (30, 0, 60, 40, 8, 2)])
    target = VOCMasks(tmp_path, CLASSES)[0][1]
    assert target["iscrowd"].tolist() == [0, 1] and target["masks"].any((1, 2)).all()
    assert not target["void"].any()


def test_photos_without_masks_that_fit_are_left_out(tmp_path: Path) -> None:
    for stem in ("a", "b", "c", "d", "e"):
        write(tmp_path, stem, DOG)
        write_voc_masks(tmp_path, stem, [(0, 0, 20, 20, 12, 1)])
    (tmp_path / "SegmentationObject" / "b.png").unlink()
    Image.new("L", (60, 39)).save(tmp_path / "SegmentationClass" / "c.png")
    Image.new("RGB", (60, 40)).save(tmp_path / "SegmentationObject" / "d.png")
    (tmp_path / "SegmentationClass" / "e.png").write_bytes(b"no picture")
    folder = VOCMasks(tmp_path, CLASSES)
    assert folder.names == ("a",) and len(folder) == 1
    assert set(folder.notes) == {
        "Left out, since the mask is missing: b.",
        "Left out, since photo and mask differ in size: c.",
        "Left out, since the mask is no PNG file with one number a pixel: d, e.",
    }


def test_grey_masks_do_as_well_as_those_with_a_palette(tmp_path: Path) -> None:
    write(tmp_path, "one", DOG)
    write_voc_masks(tmp_path, "one", [(0, 0, 20, 20, 12, 1)])
    expected = VOCMasks(tmp_path, CLASSES)[0][1]
    for kind in ("SegmentationClass", "SegmentationObject"):
        path = tmp_path / kind / "one.png"
        with Image.open(path) as picture:
            assert picture.mode == "P"
            grey = Image.fromarray(np.asarray(picture))
        grey.save(path)
    found = VOCMasks(tmp_path, CLASSES)[0][1]
    assert all(found[name].equal(expected[name]) for name in expected)


def test_a_part_of_the_photos_can_be_taken(tmp_path: Path) -> None:
    for stem in ("a", "b"):
        write(tmp_path, stem, DOG)
        write_voc_masks(tmp_path, stem, [(0, 0, 20, 20, 12, 1)])
    (tmp_path / "ImageSets").mkdir()
    (tmp_path / "ImageSets" / "val.txt").write_text("b\n")
    assert VOCMasks(tmp_path, CLASSES, "val").names == ("b",)
    (tmp_path / "ImageSets" / "val.txt").write_text("")
    assert len(VOCMasks(tmp_path, CLASSES, "val")) == 0


def test_a_folder_without_masks_is_refused_with_a_sentence(tmp_path: Path) -> None:
    write(tmp_path, "one", DOG)
    with pytest.raises(FolderError, match=r"No photo in .* has masks of its name and size: put them"):
        VOCMasks(tmp_path, CLASSES)


def test_the_animals_have_masks_but_for_a_few() -> None:
    root = shared("animals")
    folder = VOCMasks(root, PHOTOS.classes, "val")
    assert len(folder) == 287 and "2008_007269, 2011_000532, 2011_000730, 2011_003207" in folder.notes[0]
    for index in range(0, len(folder), 40):
        image, target = folder[index]
        shape = image.shape[1:]
        assert target["pixel_labels"].shape == target["void"].shape == target["masks"].shape[1:] == shape
        assert target["masks"].sum(0).max() <= 1 and not (target["masks"].any(0) & target["void"]).any()
        for mask, label in zip(target["masks"], target["labels"], strict=True):
            assert (target["pixel_labels"][mask] == label).all()
