"""A cleaned copy, of which nothing in the source is changed, its zip file, and how far they are."""

import zipfile
from pathlib import Path

import pytest

from core.data.archives import unpack
from core.data.checking import check_folder
from core.data.cleaned import cleaned, size_of, write_cleaned
from core.data.flaws import KINDS
from core.data.folders import FolderError
from core.data.practice import write_practice
from core.data.voc_folder import read_voc
from tests.data.flawed_folders import contents, write_flawed


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    return write_flawed(tmp_path / "flawed")


def test_a_cleaned_copy_has_the_same_without_the_flaws(flawed: Path, tmp_path: Path) -> None:
    before = contents(flawed)
    out = write_cleaned(check_folder(flawed), tmp_path / "clean")
    assert contents(flawed) == before
    copy = contents(out)
    names = sorted(Path(name).stem for name in copy if name.startswith("JPEGImages"))
    assert names == ["also", "boxes", "copied", "lost", "near", "nothing", "sized", "twice"]
    for name in ("JPEGImages/also.png", "Annotations/also.xml", "Annotations/twice.xml"):
        assert copy[name] == before[name], "what is right is copied byte for byte"
    assert copy["ImageSets/train.txt"].split() == [b"also", b"boxes", b"lost"]
    assert copy["ImageSets/val.txt"].split() == [b"copied", b"near", b"twice", b"sized", b"nothing"]
    dataset = read_voc(out)
    boxes = {name: dataset[index][1]["boxes"].tolist() for index, name in enumerate(dataset.names)}
    assert boxes["boxes"] == [[9, 4, 20, 30], [49, 29, 60, 40]]
    assert boxes["lost"] == [] and len(boxes["twice"]) == 3
    again = check_folder(out).flaws
    assert not [kind for kind in again if KINDS[kind].cleaned.split(",")[0] != "kept"]
    assert list(tmp_path.glob("*.part")) == []


def test_a_copy_goes_to_a_new_place_or_nowhere(flawed: Path, tmp_path: Path) -> None:
    report = check_folder(flawed)
    for out in (flawed, flawed / "clean", tmp_path):
        with pytest.raises(FolderError, match="needs a new folder outside"):
            write_cleaned(report, out)
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderError, match="cannot be written"):
        write_cleaned(report, tmp_path / "file" / "clean")
    (flawed / "JPEGImages" / "twice.png").unlink()  # between the check and the copy
    with pytest.raises(FolderError, match="cannot be written"):
        write_cleaned(report, tmp_path / "clean")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "flawed"]


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
