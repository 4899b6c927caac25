"""A session's folder on the disk: made when it is asked for, bounded, and gone with the session."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.elsewhere.locks import another_process_holds
from ui.sources.work_folder import RoomError, WorkFolders


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def fill(folder: Path, name: str, size: int) -> None:
    (folder / name).mkdir()
    (folder / name / "file").write_bytes(bytes(size))


def test_a_folder_goes_some_time_after_its_session(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, grace=0.02)
    mine, other = folders.enter("mine"), folders.enter("other")
    fill(mine, "set", 10)
    folders.leave("mine")
    wait_for(lambda: not mine.exists())
    assert other.exists()
    assert folders.enter("mine").exists(), "a session that comes back late begins anew"


@pytest.mark.linux  # on Windows a file's mode says nothing of others
def test_others_on_the_machine_cannot_look_into_a_folder(tmp_path: Path) -> None:
    assert WorkFolders(tmp_path).enter("mine").stat().st_mode & 0o077 == 0


def test_a_session_that_was_only_cut_off_finds_its_folder(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, grace=0.05)
    fill(folders.enter("mine"), "set", 10)
    folders.leave("mine")
    mine = folders.enter("mine")
    time.sleep(0.15)
    assert (mine / "set" / "file").exists()


def test_what_is_oldest_makes_room_within_a_session(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, most=100, most_each=50)
    for number, name in enumerate(("first", "second", "third")):
        with folders.reserved("mine", 20) as folder:
            fill(folder, name, 20)
            os.utime(folder / name, (number, number))
    assert sorted(path.name for path in folders.enter("mine").iterdir()) == ["second", "third"]


def test_what_is_being_copied_stays_and_too_much_is_refused_before_anything_goes(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, most=500, most_each=50)
    for number, name in enumerate(("source", "other")):
        with folders.reserved("mine", 20) as folder:
            fill(folder, name, 20)
            os.utime(folder / name, (number, number))
    with (
        pytest.raises(RoomError, match="more than one session may have"),
        folders.reserved("mine", 40, folder / "source" / "file"),
    ):
        raise AssertionError("never reached")
    assert sorted(path.name for path in folder.iterdir()) == ["other", "source"]
    with folders.reserved("mine", 30, folder / "source" / "file"):
        assert [path.name for path in folder.iterdir()] == ["source"]


def test_all_sessions_together_are_bounded_and_room_comes_back(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, most=100, most_each=60, grace=0.0)
    for session in ("one", "two"):
        with folders.reserved(session, 50) as folder:
            fill(folder, "set", 40)
    with folders.reserved("three", 20) as folder:  # what was reserved and not used is free again
        with pytest.raises(RoomError, match="no room"), folders.reserved("four", 1):
            raise AssertionError("never reached")
        fill(folder, "set", 5)
    folders.leave("one")
    wait_for(lambda: not (folders.root / "one").exists())
    with folders.reserved("four", 50) as folder:
        assert folder.is_dir()


def test_what_failed_while_it_was_written_holds_no_room(tmp_path: Path) -> None:
    folders = WorkFolders(tmp_path, most=50)
    with pytest.raises(OSError, match="disk is full"), folders.reserved("mine", 50):
        raise OSError("the disk is full")
    with folders.reserved("other", 50):
        pass


def test_what_a_killed_server_left_is_removed(tmp_path: Path) -> None:
    left, living, mine = tmp_path / "left", tmp_path / "living", WorkFolders(tmp_path)
    for folder in (left, living, mine.root):
        (folder / "session").mkdir(parents=True)
    with another_process_holds(tmp_path / "left.lock"):
        pass
    with another_process_holds(tmp_path / "living.lock"):
        WorkFolders(tmp_path)
        assert not left.exists() and living.exists() and mine.root.exists()
        assert not (tmp_path / "left.lock").exists()
