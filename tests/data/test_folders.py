"""What folders of photos have in common: their splits, and photos that cannot be read."""

import json
from pathlib import Path

import pytest

from core.data import read_voc
from core.data.folders import FolderError, in_split
from core.data.mask_folder import MaskFolder
from tests.data.written_folders import thing, write
from tests.shared_data import shared


def test_lists_of_a_folder_say_what_is_for_training(tmp_path: Path) -> None:
    for stem in "abcd":
        write(tmp_path, stem, thing("dog" if stem == "a" else "cat", 1, 2, 10, 12))
    (tmp_path / "ImageSets" / "Main").mkdir(parents=True)
    (tmp_path / "ImageSets" / "Main" / "train.txt").write_text("b  1\n\na -1\r\nmissing\n")
    assert read_voc(tmp_path, "train").names == ("a", "b")
    assert read_voc(tmp_path, "val").names == ("c", "d"), "what is not listed, where that alone is known"
    assert read_voc(tmp_path, "val").classes == ("background", "cat", "dog"), "the same in every split"
    (tmp_path / "ImageSets" / "val.txt").write_text("c")
    assert read_voc(tmp_path, "val").names == ("c",)
    assert read_voc(tmp_path).names == ("a", "b", "c", "d") and len(read_voc(tmp_path)) == 4
    with pytest.raises(FolderError, match=r"no list test\.txt"):
        read_voc(tmp_path, "test")


def test_without_lists_names_decide_and_a_new_photo_moves_no_other(tmp_path: Path) -> None:
    for number in range(40):
        write(tmp_path, f"photo{number}", thing("dog", 1, 2, 10, 12))
    train, val = (read_voc(tmp_path, split).names for split in ("train", "val"))
    assert sorted(train + val) == sorted(read_voc(tmp_path).names) and 3 <= len(val) <= 13
    write(tmp_path, "another", thing("dog", 1, 2, 10, 12))
    assert set(read_voc(tmp_path, "train").names) - {"another"} == set(train)


def test_a_photo_too_large_to_decode_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "one", thing("dog", 1, 2, 10, 12))
    monkeypatch.setattr("core.data.folders.MOST_PIXELS", 60 * 40 - 1)
    with pytest.raises(FolderError, match=r"one\.jpg is not a photo that can be read"):
        read_voc(tmp_path)[0]


@pytest.mark.slow
def test_nuclei_are_split_by_their_names() -> None:
    train, val = (MaskFolder(shared("nuclei"), split=split) for split in ("train", "val"))
    assert len(train) + len(val) == 316 and not set(train.names) & set(val.names)
    assert 0.15 < len(val) / 316 < 0.25


def test_photos_of_one_group_are_on_one_side_of_the_split(tmp_path: Path) -> None:
    names = [f"{number}" for number in range(60)]
    groups = {name: f"mosaic {int(name) // 6}" for name in names[:-2]}
    manifest = [{"id": name, "group": group} for name, group in groups.items()]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    train, val = (in_split(tmp_path, names, split) for split in ("train", "val"))
    assert sorted(train + val) == sorted(names) and train and val
    assert not {groups.get(name) for name in train} & {groups[name] for name in val if name in groups}


@pytest.mark.parametrize("text", ["", "[1]", '{"id": "1"}', '[{"id": "1"}]', "[" * 100_000, "null"])
def test_a_manifest_about_other_things_parts_nothing(tmp_path: Path, text: str) -> None:
    names = [f"{number}" for number in range(20)]
    before = in_split(tmp_path, names, "val")
    (tmp_path / "manifest.json").write_text(text)
    assert in_split(tmp_path, names, "val") == before


@pytest.mark.slow
def test_no_mosaic_of_the_nuclei_is_on_both_sides() -> None:
    root = shared("nuclei")
    group = {one["id"]: one["group"] for one in json.loads((root / "manifest.json").read_text())}
    train, val = (MaskFolder(root, split=split).names for split in ("train", "val"))
    assert len(train) + len(val) == 316 and len(val) > 50
    assert not {group[name] for name in train} & {group[name] for name in val}
