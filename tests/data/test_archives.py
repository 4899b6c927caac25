"""Archives as honest people pack them, and as others do: unpacked within the folder, or refused in a sentence."""

import hashlib
import io
import random
import shutil
import stat
import struct
import zipfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from core.data import archives
from core.data.archives import ArchiveError, unpack

Entry = tuple[str | zipfile.ZipInfo, bytes | str]


def zipped(*entries: Entry, way: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", way) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return file


def with_mode(name: str, mode: int, content: str = "/etc/passwd") -> io.BytesIO:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return zipped((info, content))


def patched(file: io.BytesIO, old: bytes, new: bytes) -> io.BytesIO:
    """Return the archive with some of its bytes written over, as no packer would."""
    assert old in file.getvalue() and len(old) == len(new)
    return io.BytesIO(file.getvalue().replace(old, new))


def refusal(packed: io.BytesIO | bytes | Path, parent: Path) -> str:
    """Return the sentence of the refusal; nothing may lie in ``parent`` after it, nor beside it."""
    before = sorted(parent.parent.rglob("*"))
    with pytest.raises(ArchiveError) as error:
        unpack(io.BytesIO(packed) if isinstance(packed, bytes) else packed, parent)
    assert sorted(parent.parent.rglob("*")) == before
    sentence = str(error.value)
    assert sentence.isprintable() and sentence.endswith(".") and len(sentence) < 200
    return sentence


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "above" / "work"
    folder.mkdir(parents=True)
    return folder


FILES = [("set/JPEGImages/one.jpg", b"\xff\xd8" * 50_000), ("set/Annotations/one.xml", b"<a/>"), ("empty", b"")]


def test_files_come_out_as_they_went_in_and_go_with_the_object(work: Path) -> None:
    with unpack(zipped(*FILES), work) as unpacked:
        assert unpacked.folder.parent.parent == work
        assert unpacked.files == tuple(sorted(name for name, _content in FILES)) and unpacked.notes == ()
        for name, content in FILES:
            assert (unpacked.folder / name).read_bytes() == content
            assert not stat.S_IXUSR & (unpacked.folder / name).stat().st_mode
    assert list(work.iterdir()) == []
    unpacked.close()
    forgotten = unpack(zipped(*FILES), work)
    assert forgotten.folder.exists()
    del forgotten
    assert list(work.iterdir()) == [], "a session that ends without closing leaves nothing either"


@pytest.mark.parametrize(
    ("title", "name"), [("blood cells", "blood_cells"), ("../..", "_"), ("", "unpacked"), ("세포" * 99, "세포" * 30)]
)
def test_the_folder_has_the_archives_name_as_far_as_that_is_fit(title: str, name: str, work: Path) -> None:
    with unpack(zipped(*FILES), work, title) as unpacked:
        assert unpacked.folder.name == name and unpacked.folder.parent.parent == work


def test_a_path_does_as_well_as_a_file(work: Path, tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(zipped(*FILES).getvalue())
    with unpack(tmp_path / "set.zip", work) as unpacked:
        assert len(unpacked.files) == 3
    assert "no such file" in refusal(tmp_path / "missing.zip", work)


def test_folders_without_files_are_made_and_clutter_is_left_out(work: Path) -> None:
    clutter = ("__MACOSX/set/._a.png", "set/.DS_Store", "set/Thumbs.db", "set/._a.png", "set/Icon\r")
    packed = zipped(("cats/", b""), ("set/a.png", b"a"), *((name, b"x") for name in clutter))
    with unpack(packed, work) as unpacked:
        assert unpacked.files == ("set/a.png",)
        assert sorted(path.name for path in unpacked.folder.rglob("*")) == ["a.png", "cats", "set"]


def test_names_from_windows_become_folders(work: Path) -> None:
    with unpack(zipped(("set\\", b""), ("set\\a.png", b"a"), ("./set/./b.png", b"b")), work) as unpacked:
        assert unpacked.files == ("set/a.png", "set/b.png")


def test_archives_in_archives_stay_packed(work: Path) -> None:
    with unpack(zipped(("inner.ZIP", zipped(*FILES).getvalue()), ("a.png", b"a")), work) as unpacked:
        assert unpacked.files == ("a.png", "inner.ZIP")
        assert unpacked.notes == ("Archives in the archive were left packed: inner.ZIP.",)


LEADING_OUT = [
    "../out",
    "a/../../out",
    "/etc/out",
    "C:/out",
    "c:out",
    "..\\out",
    "\\\\server\\share\\out",
    "\\out",
    "a/..",
]


@pytest.mark.parametrize("name", LEADING_OUT)
def test_names_that_lead_elsewhere_are_refused(name: str, work: Path) -> None:
    assert "leads out of its folder" in refusal(zipped(("fine", b"fine"), (name, b"out")), work)


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_are_refused(mode: int, work: Path) -> None:
    assert "link or device, trick" in refusal(with_mode("trick", mode | 0o777), work)


def test_permission_bits_alone_make_no_link(work: Path) -> None:
    with unpack(with_mode("plain", 0o777, "text"), work) as unpacked:
        assert (unpacked.folder / "plain").read_text() == "text"


@pytest.mark.parametrize(
    ("first", "second"),
    [("a.png", "a.png"), ("a.png", "A.PNG"), ("a", "a/b"), ("a/b", "a"), ("é", "e\u0301"), ("a", "a/")],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_of_one_name_are_refused(first: str, second: str, work: Path) -> None:
    assert "two files of one name" in refusal(zipped((first, b"1"), (second, b"2")), work)


@pytest.mark.parametrize(
    "name", ["n" * 201, "é" * 101, "/".join(["folder"] * 80), "line\nend", "\x1b[2J", "\u202egpj.exe"]
)
def test_names_that_are_not_fit_for_files_are_refused(name: str, work: Path) -> None:
    assert "too long or unreadable" in refusal(zipped((name, b"")), work)


def test_names_that_cannot_be_decoded_are_refused(work: Path) -> None:
    assert "too long or unreadable" in refusal(patched(zipped(("a_b", b"")), b"a_b", b"a\0b"), work)
    assert "damaged" in refusal(patched(zipped(("aé", b"")), "aé".encode(), b"a\xff\xff"), work)


def test_encrypted_and_rarely_packed_files_are_refused(work: Path) -> None:
    packed = zipped(("a", b"secret"))
    with zipfile.ZipFile(packed) as archive:
        archive.infolist()[0].flag_bits |= 1
    flagged = bytearray(packed.getvalue())
    flagged[flagged.index(b"PK\x01\x02") + 8] |= 1
    assert "without a password" in refusal(bytes(flagged), work)
    for way in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        assert "ordinary zip" in refusal(zipped(("a", b"x"), way=way), work)


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"PK\x03\x04 and no more", b"\x1f\x8b\x08 of gzip", b"Rar!\x1a\x07", b"text" * 1000]
)
def test_what_is_no_archive_is_refused(content: bytes, work: Path) -> None:
    assert "damaged" in (sentence := refusal(content, work)) or "choose a zip file" in sentence


def test_archives_without_files_are_refused(work: Path) -> None:
    assert "There is no file in the archive" in refusal(zipped(), work)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
@example(place=0.5, byte=0, cut=True)
def test_damage_anywhere_ends_in_a_sentence_or_in_files(place: float, byte: int, cut: bool, work: Path) -> None:
    content = bytearray(zipped(*FILES).getvalue())
    index = int(place * len(content))
    content = content[:index] if cut else content[:index] + bytes([byte]) + content[index + 1 :]
    before = sorted(work.parent.rglob("*"))
    with suppress(ArchiveError), unpack(io.BytesIO(content), work) as unpacked:
        assert all((unpacked.folder / name).is_file() for name in unpacked.files)
    assert sorted(work.parent.rglob("*")) == before


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds a thousandth as large, so that bombs are small and quick."""
    for name in ("MOST_PACKED", "MOST_UNPACKED", "LITTLE"):
        monkeypatch.setattr(archives, name, getattr(archives, name) // 1000)
    monkeypatch.setattr(archives, "MOST_FILES", 20)


@pytest.mark.usefixtures("small")
def test_bombs_are_stopped_by_their_ratio_and_by_their_size(work: Path) -> None:
    with unpack(zipped(("text", bytes(20_000))), work) as unpacked:
        assert (unpacked.folder / "text").stat().st_size == 20_000, "a high ratio of little is no bomb"
    assert "more than 100 times as much" in refusal(zipped(("zeros", bytes(400_000))), work)
    half = hashlib.sha256(b"").digest() * 8000
    padded = ("padding", random.Random(0).randbytes(20_000))
    assert "more than 0 MB" in refusal(zipped(padded, ("a", half), ("b", half)), work)
    assert "larger than 0 MB" in refusal(zipped(("large", random.Random(0).randbytes(201_000))), work)


@pytest.mark.usefixtures("small")
def test_sizes_in_the_directory_are_not_believed(work: Path) -> None:
    """A directory that says 100 bytes: what is written counts, and the first files are gone again."""
    written = []

    class Watched(archives._Writer):
        def copy(self, stream, file):
            super().copy(stream, file)
            written.append(self._written)

    packed = zipped(("fine", b"x" * 1000), ("zeros", bytes(400_000)))
    lying = patched(packed, struct.pack("<L", 400_000), struct.pack("<L", 100))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(archives, "_Writer", Watched)
        refusal(lying, work)
    assert written == [1000], "it ended in the second file"
    assert "damaged" in refusal(lying, work), "no more than the 100 bytes are unpacked, and their checksum is wrong"


@pytest.mark.usefixtures("small")
def test_files_that_share_their_packed_bytes_are_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overlapping entries pack any number of copies into one (Fifield 2019); the directory shows it."""
    monkeypatch.setattr(Path, "open", lambda *_words: pytest.fail("a file was made"))
    packed = zipped(("zeros", random.Random(0).randbytes(2000)))
    content = packed.getvalue()
    start = content.index(b"PK\x01\x02")
    directory, end = content[start : content.index(b"PK\x05\x06")], content[content.index(b"PK\x05\x06") :]
    copies = b"".join(directory.replace(b"zeros", b"zero%d" % number) for number in range(9))
    counts = struct.pack("<HHLL", 9, 9, len(copies), start)
    assert "damaged" in refusal(content[:start] + copies + end[:8] + counts + end[20:], work)


@pytest.mark.usefixtures("small")
def test_too_many_files_and_folders_are_refused_before_the_first_is_made(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", lambda *_words: pytest.fail("a file was made"))
    assert "more than 20 files" in refusal(zipped(*((f"{number}", b"") for number in range(21))), work)
    deep = zipped(*((f"{number}/a/b/c/d", b"") for number in range(6)))
    assert "more than 20 files" in refusal(deep, work)


def test_a_directory_of_a_million_files_is_not_even_read(work: Path) -> None:
    """The end of the archive announces a long directory; only then it is read."""
    one = b"PK\x01\x02" + bytes(42) + b""
    count = archives._MOST_AT_ONCE // len(one) + 1
    end = b"PK\x05\x06" + struct.pack("<HHHHLLH", 0, 0, 0xFFFF, 0xFFFF, count * len(one), 4, 0)
    packed = io.BytesIO(b"PK\x03\x04" + one * count + end)
    assert "more than 20000 files" in refusal(packed, work)


def test_the_last_of_the_disk_is_left_alone(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=archives.SPARE + 100))
    assert "too little room" in refusal(zipped(("a", b"x" * 101)), work)
    with unpack(zipped(("a", b"x" * 100)), work) as unpacked:
        assert unpacked.files == ("a",)


def test_an_interrupt_leaves_nothing_behind(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_words: object) -> None:
        assert list(work.iterdir())
        raise KeyboardInterrupt

    monkeypatch.setattr(archives, "_write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack(zipped(*FILES), work)
    assert list(work.iterdir()) == []
