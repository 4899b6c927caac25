"""Which form of dataset a folder has."""

from pathlib import Path

import pytest

from core.data.class_folder import ClassFolder
from core.data.folder_forms import form_of, read_folder
from core.data.folders import FolderError
from core.data.mask_folder import MaskFolder
from core.data.voc_folder import VOCFolder
from tests.data.written_folders import numbered, thing, write, write_classes, write_masked


def test_the_form_of_a_folder_is_found_below_what_an_archive_puts_on_top(tmp_path: Path) -> None:
    write(tmp_path / "voc" / "VOCdevkit" / "VOC2007", "one", thing("dog", 1, 2, 10, 12))
    write_masked(tmp_path / "masks" / "top", "one", numbered(x0y0=1), "labels")
    write_classes(tmp_path / "classes" / "top", "dog/b.png", "cat/z.png")
    write_classes(tmp_path / "parts", "train/dog/b.png", "train/cat/z.png")
    assert form_of(tmp_path / "voc") == (tmp_path / "voc" / "VOCdevkit" / "VOC2007", "voc")
    assert form_of(tmp_path / "masks") == (tmp_path / "masks" / "top", "masks")
    assert form_of(tmp_path / "classes") == (tmp_path / "classes" / "top", "classes")
    assert form_of(tmp_path / "parts") == (tmp_path / "parts", "classes")
    for name, kind in (("voc", VOCFolder), ("masks", MaskFolder), ("classes", ClassFolder), ("parts", ClassFolder)):
        folder = read_folder(tmp_path / name)
        assert isinstance(folder, kind) and len(folder) == len(folder.names) > 0, name


def test_a_folder_of_no_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_classes(tmp_path, "photos/a.png")
    for folder in (tmp_path / "empty", tmp_path / "photos", tmp_path / "photos" / "a.png", tmp_path / "missing"):
        with pytest.raises(FolderError, match="There is no dataset in"):
            form_of(folder)
