"""Folders with every flaw, written here and real: all are found."""

import json
from pathlib import Path
from shutil import copytree

import pytest
from PIL import Image
from typer.testing import CliRunner

from core.__main__ import app
from core.data.checking import MOST_OF_ONE, check_folder, checking
from core.data.cleaned import write_cleaned
from core.data.flaws import Item
from core.data.folder_forms import read_folder
from core.data.mask_folder import MaskFolder
from core.data.voc_folder import read_voc
from tests.data.flawed_folders import contents, files, photo, write, write_flawed
from tests.data.written_folders import numbered, thing, write_masked
from tests.shared_data import shared


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    return write_flawed(tmp_path / "flawed")


def test_every_flaw_is_found_where_it_is_and_nowhere_else(flawed: Path) -> None:
    before = contents(flawed)
    report = check_folder(flawed)
    assert contents(flawed) == before
    assert report.form == "voc" and report.root == flawed
    found = {kind: files(report, kind) for kind in report.flaws}
    assert found == {
        "unreadable": [("cut.png",)],
        "damaged": [("torn.xml", "torn.png")],
        "no_image": [("gone.xml",)],
        "no_annotation": [("alone.jpg",)],
        "duplicate": [("copied.png", "good.png")],
        "no_area": [("boxes.png",)],
        "inverted": [("boxes.png",)],
        "outside": [("boxes.png",), ("lost.png",)],
        "no_class": [("lost.png",)],
        "declared": [("sized.png",)],
        "no_objects": [("nothing.png",)],
        "overlap": [("twice.png",)],
        "near": [("copied.png", "near.png")],
        "leak": [("copied.png", "good.png")],
    }
    assert len(report.files) == 9 and report.files["JPEGImages/good.png"] == "Annotations/good.xml"
    assert report.objects == {"dog": 13, "cat": 4}
    details = [item.detail for kind in ("no_area", "inverted", "outside", "declared") for item in report.flaws[kind]]
    assert details == [
        "object 1, dog: 7, 7, 7, 20",
        "object 2, cat: 20, 30, 10, 5",
        "object 3, cat: 50, 30, 70, 45",
        "object 1, dog: 61, 2, 70, 12",
        "60 x 40 pixels, in the annotation 600 x 400",
    ]
    assert str(report.flaws["overlap"][0]) == "JPEGImages/twice.png: objects 1 and 2, dog: IoU 0.97"


def test_flaws_of_folders_with_masks(tmp_path: Path) -> None:
    root = tmp_path / "masks"
    for stem in ("good", "wide", "cut", "no_photo", "empty", "painted"):
        write_masked(root, stem, numbered(x0y0=1, x2y2=7))
    write_masked(root, "no_mask", None)
    Image.new("L", (7, 4), 1).save(root / "instances" / "wide.png")
    Image.new("L", (6, 4), 0).save(root / "instances" / "empty.png")
    Image.new("RGB", (6, 4)).save(root / "instances" / "painted.png")
    for stem in ("good", "wide", "cut", "empty", "painted", "no_mask"):
        photo(len(stem)).save(root / "images" / f"{stem}.png")
    photo(1).resize((6, 4)).save(root / "images" / "good.png")
    photo(2).resize((6, 4)).save(root / "images" / "empty.png")
    (root / "images" / "cut.png").write_bytes(b"\x89PNG")
    (root / "images" / "no_photo.png").unlink()
    report = check_folder(root)
    assert {kind: files(report, kind) for kind in report.flaws} == {
        "unreadable": [("cut.png",)],
        "damaged": [("painted.png", "painted.png")],
        "no_image": [("no_photo.png",)],
        "no_annotation": [("no_mask.png",)],
        "mismatch": [("wide.png", "wide.png")],
        "no_objects": [("empty.png",)],
    }
    assert report.objects == {"object": 2}
    copy = MaskFolder(write_cleaned(report, tmp_path / "clean"))
    assert copy.names == ("empty", "good") and copy.notes == ()


def test_flaws_of_folders_of_classes(tmp_path: Path) -> None:
    for number, name in enumerate(("train/cat/a.png", "train/dog/b.png", "train/dog/c.png", "val/cat/d.png")):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        photo(number).save(tmp_path / "set" / name)
    (tmp_path / "set" / "train" / "cow").mkdir()
    (tmp_path / "set" / "train" / "dog" / "torn.jpg").write_bytes(b"")
    photo(0).save(tmp_path / "set" / "val" / "cat" / "again.png")
    report = check_folder(tmp_path)
    assert report.root == tmp_path / "set" and report.form == "classes"
    assert report.objects == {"cat": 3, "dog": 2}
    assert {kind: [item.files for item in items] for kind, items in report.flaws.items()} == {
        "unreadable": [("train/dog/torn.jpg",)],
        "no_photos": [("train/cow",)],
        "duplicate": [("train/cat/a.png", "val/cat/again.png")],
        "leak": [("train/cat/a.png", "val/cat/again.png")],
    }
    clean = write_cleaned(report, tmp_path / "clean")
    assert sorted(contents(clean)) == ["train/cat/a.png", "train/dog/b.png", "train/dog/c.png", "val/cat/d.png"]
    assert len(read_folder(clean, "train")) == 3


def test_classes_are_unequal_from_ten_to_one_on(tmp_path: Path) -> None:
    write(tmp_path, "one", thing("cat", 1, 1, 5, 5), *[thing("dog", n, 2, n + 3, 12) for n in range(1, 51, 5)])
    assert "imbalance" not in check_folder(tmp_path).flaws
    write(tmp_path, "two", thing("dog", 1, 2, 30, 12))
    assert check_folder(tmp_path).flaws["imbalance"] == (Item((), "11 dog, but 1 cat: 11 to 1"),)


def test_a_hostile_folder_makes_no_endless_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "many", *[thing("dog", 9, 9, 9, 9)] * 1100, *thing("d" * 300, 1, 2, 1, 12))
    report = check_folder(tmp_path)
    assert len(report.flaws["no_area"]) == len(report.flaws["overlap"]) == MOST_OF_ONE
    assert max(len(str(item)) for items in report.flaws.values() for item in items) < 150
    for number in range(12):
        write(tmp_path, f"{number}", thing("dog", 1, 2, 10, 12))
        photo(1).point(lambda grey, shade=number: min(grey, 250 - shade)).save(
            tmp_path / "JPEGImages" / f"{number}.png"
        )
    for block in (256, 5):
        monkeypatch.setattr("core.data.likeness._BLOCK", block)
        assert len(check_folder(tmp_path).flaws["near"]) == 12 * 11 / 2
        with monkeypatch.context() as patch:
            patch.setattr("core.data.likeness.MOST_ITEMS", 30)
            assert len(check_folder(tmp_path).flaws["near"]) == 30


def test_progress_counts_every_image_and_ends_with_the_report(flawed: Path) -> None:
    events = list(checking(flawed))
    assert [event.done for event in events[:-1]] == list(range(1, 13)) and {event.total for event in events} == {12}
    assert events[-1].report and not any(event.report for event in events[:-1])


def test_an_image_too_large_to_decode_is_not_decoded(flawed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.data.likeness.MOST_PIXELS", 60 * 40 - 1)
    assert len(check_folder(flawed).flaws["unreadable"]) == 12


@pytest.mark.slow
def test_the_blood_photos_have_the_flaws_that_are_known_of_them() -> None:
    report = check_folder(shared("bccd"))
    assert files(report, "no_area") == [("BloodImage_00338.jpg",), ("BloodImage_00343.jpg",)]
    assert files(report, "near") == [("BloodImage_00037.jpg", "BloodImage_00038.jpg")]
    assert files(report, "leak") == files(report, "near"), "one of them is for training, the other for validation"
    assert set(report.flaws) == {"no_area", "near", "leak", "overlap", "imbalance"}
    assert len(report.files) == 292 and list(report.objects) == ["RBC", "WBC", "Platelets"]


@pytest.mark.slow
def test_nuclei_are_without_flaw_as_far_as_this_sees() -> None:
    report = check_folder(shared("nuclei"))
    assert report.flaws == {} and len(report.files) == 316


def test_the_command_line_reports_and_cleans(flawed: Path, tmp_path: Path) -> None:
    copytree(flawed, tmp_path / "top" / "flawed")
    words = ["check", str(tmp_path / "top"), "--json", str(tmp_path / "out.json"), "--clean", str(tmp_path / "clean")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "9 images that can be used: 13 dog, 4 cat" in result.output
    assert "Boxes without area: 1; in a cleaned copy: removed\n  JPEGImages/boxes.png: object 1, dog" in result.output
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["images"] == 9 and written["flaws"]["no_image"] == [
        {"files": ["Annotations/gone.xml"], "detail": ""}
    ]
    assert len(read_voc(tmp_path / "clean")) == 8
    result = CliRunner().invoke(app, ["check", str(tmp_path / "missing")])
    assert result.exit_code == 1 and "There is no dataset" in result.output
