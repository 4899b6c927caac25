"""Folders of photos, one folder a class, as torchvision reads them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision.datasets import ImageFolder

from core.data.class_folder import ClassFolder
from core.data.folders import FolderError
from tests.data.written_folders import write_classes


def test_a_folder_a_class_is_read_as_torchvision_reads_it(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png", "cat/z.jpg", "dog/a.png", "dog/a.jpg")
    folder, twin = ClassFolder(tmp_path), ImageFolder(str(tmp_path))
    assert folder.classes == tuple(twin.classes) == ("cat", "dog") and folder.notes == ()
    assert [str(tmp_path / name) for name in folder.names] == [path for path, _label in twin.samples]
    for index, (picture, expected) in enumerate(twin):
        image, label = folder[index]
        assert torch.equal(image, torch.from_numpy(np.array(picture)).permute(2, 0, 1)) and label == expected


def test_folders_of_classes_within_folders_of_splits(tmp_path: Path) -> None:
    write_classes(tmp_path, "train/dog/b.png", "train/cat/z.png", "val/dog/a.png", "val/cow/a.png")
    assert ClassFolder(tmp_path, "train").names == ("train/cat/z.png", "train/dog/b.png")
    val = ClassFolder(tmp_path, "val")
    assert val.names == ("val/cow/a.png", "val/dog/a.png")
    assert val.classes == ("cat", "cow", "dog") and [label for _image, label in (val[0], val[1])] == [1, 2]
    assert len(ClassFolder(tmp_path)) == 4
    with pytest.raises(FolderError, match="no list other"):
        ClassFolder(tmp_path, "other")


def test_validation_is_the_whole_word_for_val(tmp_path: Path) -> None:
    write_classes(tmp_path, "train/dog/b.png", "train/cat/z.png", "validation/dog/a.png", "validation/cat/a.png")
    assert ClassFolder(tmp_path, "train").names == ("train/cat/z.png", "train/dog/b.png")
    assert ClassFolder(tmp_path, "val").names == ("validation/cat/a.png", "validation/dog/a.png")


def test_what_is_no_photo_is_left_out_of_classes(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png", "cat/z.png")
    (tmp_path / "dog" / "notes.txt").write_text("notes")
    (tmp_path / "dog" / ".hidden.png").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    folder = ClassFolder(tmp_path)
    assert folder.names == ("cat/z.png", "dog/b.png") and folder.classes == ("cat", "dog")
    assert folder.notes == ("Left out what is no JPEG, PNG or WebP file by its name: notes.txt.",)
    (tmp_path / "dog" / "b.png").write_bytes(b"no photo")
    with pytest.raises(FolderError, match=r"b\.png is not a photo"):
        folder[1]


def test_one_class_is_none(tmp_path: Path) -> None:
    write_classes(tmp_path, "dog/b.png")
    with pytest.raises(FolderError, match="make one for each class"):
        ClassFolder(tmp_path)
