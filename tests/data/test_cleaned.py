"""A cleaned copy with its zip file, and how far they are."""

import zipfile
from pathlib import Path

import pytest

from core.data.archives import unpack
from core.data.checking import check_folder
from core.data.cleaned import cleaned, size_of
from core.data.folders import FolderError
from core.data.practice import write_practice
from core.data.voc_folder import read_voc


def test_the_archive_holds_the_copy_and_can_be_uploaded_again(tmp_path: Path) -> None:
    report = check_folder(write_practice(tmp_path / "set"))
    events = list(cleaned(report, tmp_path / "copy"))
    parts = [event.done for event in events]
    assert parts == sorted(parts) and parts[0] == 0 and parts[-1] == 1
    folder, archive = events[-1].folder, events[-1].archive
    assert folder and archive and not any(event.folder for event in events[:-1])
    with zipfile.ZipFile(archive) as packed:
        assert packed.testzip() is None
    with unpack(archive, tmp_path) as unpacked:
        assert read_voc(unpacked.folder / "copy").names == read_voc(folder).names
    assert 0 < size_of(report) < 2_000_000


def test_a_copy_that_cannot_be_written_is_a_sentence_without_a_path(tmp_path: Path) -> None:
    report = check_folder(write_practice(tmp_path / "set"))
    (tmp_path / "copy").mkdir()
    with pytest.raises(FolderError, match="cannot be written") as error:
        list(cleaned(report, tmp_path / "copy"))
    assert str(tmp_path) not in str(error.value)
