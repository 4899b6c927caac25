"""Downloads from a server on this machine: whole, offline, broken off, wrong, without end, cancelled, without room."""

import errno
import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core import downloading
from core.downloading import DownloadError, Refusals, Remote, load_remote
from tests.local_server import Serve, serving

NOWHERE = "http://127.0.0.1:9/thing"
CONTENT = bytes(range(256)) * 4000
WORDS = Refusals("{host} is away: keep {file}.", "{host} sent another {file}.", "No room for {file} of {host}.")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy stands between these tests and this machine's own server."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def serve() -> Iterator[Serve]:
    with serving() as serve:
        yield serve


def remote(url: str, content: bytes = CONTENT) -> Remote:
    return Remote(url, len(content), "sha256", hashlib.sha256(content).hexdigest()[:8])


def refusal(thing: Remote, folder: Path) -> str:
    """Return the sentence of the refusal, after which nothing may be left."""
    with pytest.raises(DownloadError) as error:
        list(load_remote(thing, folder / "thing.bin", WORDS))
    assert list(folder.iterdir()) == []
    return str(error.value)


def test_a_file_arrives_whole_and_says_how_far_it_is(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "CHUNK", 1000)
    file = tmp_path / "made" / "thing.bin"
    counts = list(load_remote(remote(serve(CONTENT)), file, WORDS))
    assert counts[0] == 0 and counts[-1] == len(CONTENT) and counts == sorted(counts)
    assert 80 < len(counts) < 110, "about a hundred reports of something small, not one a chunk"
    assert file.read_bytes() == CONTENT and [one.name for one in file.parent.iterdir()] == ["thing.bin"]


def test_reports_of_something_large_are_a_step_apart(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "CHUNK", 1000)
    monkeypatch.setattr(downloading, "STEP", 2000)
    counts = list(load_remote(remote(serve(CONTENT)), tmp_path / "thing.bin", WORDS))
    assert counts[1:4] == [2000, 4000, 6000]


def test_either_sum_is_checked(serve: Serve, tmp_path: Path) -> None:
    known = replace(remote(serve(CONTENT)), sum="md5", digits=hashlib.md5(CONTENT).hexdigest())
    list(load_remote(known, tmp_path / "thing.bin", WORDS))
    (tmp_path / "thing.bin").unlink()
    assert refusal(replace(known, digits="0" * 32), tmp_path) == "127.0.0.1 sent another thing.bin."


def test_offline_says_what_the_caller_has_to_say_of_it(tmp_path: Path) -> None:
    assert refusal(remote(NOWHERE), tmp_path) == "127.0.0.1 is away: keep thing.bin."


def test_a_connection_that_breaks_off_is_one_sentence(serve: Serve, tmp_path: Path) -> None:
    assert refusal(remote(serve(CONTENT, cut=1)), tmp_path) == "The connection to 127.0.0.1 broke off: try again."


def test_what_is_longer_than_it_may_be_is_not_loaded_to_its_end(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "CHUNK", 1000)
    thing = replace(remote(serve(CONTENT)), size=10_000)
    counts: list[int] = []
    loading = map(counts.append, load_remote(thing, tmp_path / "thing.bin", WORDS))
    with pytest.raises(DownloadError, match="sent another"):
        list(loading)
    assert counts[-1] == 20_000 and list(tmp_path.iterdir()) == []


def test_one_that_is_cancelled_leaves_nothing(serve: Serve, tmp_path: Path) -> None:
    loading = load_remote(remote(serve(CONTENT)), tmp_path / "thing.bin", WORDS)
    assert [next(loading), next(loading)][0] == 0
    assert len(list(tmp_path.iterdir())) == 1
    loading.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_the_callers_words(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match=r"^No room for thing.bin of 127.0.0.1.$"):
        list(load_remote(remote(serve(CONTENT)), tmp_path / "file" / "thing.bin", WORDS))


def test_a_disk_that_is_full_midway_is_said_and_left_as_it_was(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.BytesIO):
        def write(self, _chunk: object) -> int:
            raise OSError(errno.ENOSPC, "no space left on device")

    def opened(path: Path, _mode: str) -> Full:
        path.touch()
        return Full()

    monkeypatch.setattr(Path, "open", opened)
    assert refusal(remote(serve(CONTENT)), tmp_path) == "No room for thing.bin of 127.0.0.1."
