"""The flawed set for practice: a check finds every kind of flaw that boxes can have, and a cleaned copy has none."""

from pathlib import Path

import pytest

from core.data.checking import check_folder
from core.data.cleaned import write_cleaned
from core.data.flaws import KINDS
from core.data.folders import FolderError
from core.data.practice import write_practice
from core.data.voc_folder import read_voc
from tests.data.flawed_folders import contents

KEPT = {"declared", "no_objects", "overlap", "near", "leak", "imbalance"}  # what a cleaned copy leaves as it is


def test_every_flaw_of_boxes_is_found_and_cleaned(tmp_path: Path) -> None:
    report = check_folder(write_practice(tmp_path / "set"))
    assert set(report.flaws) == set(KINDS) - {"mismatch", "no_photos"}, "those are of masks and of classes"
    assert [item.files for item in report.flaws["unreadable"]] == [("JPEGImages/scene_062.jpg",)]
    assert [item.objects for item in report.flaws["inverted"]] == [(1,)]
    assert [item.objects for item in report.flaws["overlap"]] == [(1, 2)]
    with pytest.raises(FolderError):
        read_voc(report.root)
    clean = check_folder(write_cleaned(report, tmp_path / "clean"))
    assert set(clean.flaws) <= KEPT
    assert len(read_voc(clean.root, "train")) + len(read_voc(clean.root, "val")) == len(clean.files) == 21


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = (write_practice(tmp_path / name) for name in ("one", "other"))
    assert contents(one) == contents(other)
