"""Uploaded zip files, unpacked so that nothing is written outside the work folder and nothing stays behind.

What an archive says of itself is not believed: sizes are counted while they are written, names are checked before the
first file is made, and whatever is no plain file or folder is refused.
"""

import errno
import os
import re
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import IO, cast

from core.faults import UserError
from core.i18n import _

MOST_PACKED = 200 * 10**6  # bytes of an archive
MOST_UNPACKED = 500 * 10**6  # bytes of all its files
MOST_FILES = 20_000  # and folders
MOST_RATIO = 100  # of bytes unpacked to bytes packed, once there are more than LITTLE; text shrinks by about 10
LITTLE = 32 * 10**6  # bytes that every archive may become
SPARE = 10**9  # bytes of the disk that are left free
LONGEST_NAME = 200  # bytes of the name of one file or folder, below every file system's limit
LONGEST_PATH = 500  # bytes of all the names on the way to a file

_MOST_AT_ONCE = 8 * 2**20  # bytes that a reader may ask for; the directory of 20,000 files takes about 3 million
_CHUNK = 2**16
_WAYS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack a few bytes to any amount of memory at once
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar")
_UNFIT = re.compile(r"[^\w-]+")  # for the name of a folder
_LONGEST_TITLE = 60  # letters, of four bytes at most
_CLUTTER = re.compile(r"(^|/)(__MACOSX(/|$)|\._|\.DS_Store$|Icon\r$|Thumbs\.db$|desktop\.ini$)")

Source = str | os.PathLike[str] | IO[bytes]


class ArchiveError(UserError):
    """An archive cannot be used; the message is one sentence for the user that says what to do."""


class Unpacked:
    """What was in an archive: it lies in ``folder`` until ``close``, the end of ``with`` or the end of this object.

    ``files`` are their paths within ``folder``, sorted; ``notes`` has a sentence for what was left packed. What is put
    beside ``folder``, in its parent, goes with it.
    """

    def __init__(self, parent: str | os.PathLike[str] | None, title: str):
        self._work = TemporaryDirectory(prefix="visible-vision-", dir=parent)
        self.folder = Path(self._work.name) / (_UNFIT.sub("_", title)[:_LONGEST_TITLE] or "unpacked")
        self.folder.mkdir()
        self.files: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()

    def __enter__(self) -> "Unpacked":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the folder and all that is in it; a second time this does nothing."""
        self._work.cleanup()


def unpack(source: Source, parent: str | os.PathLike[str] | None = None, title: str = "") -> Unpacked:
    """Unpack a zip file, given as a path or a binary file, into a new folder in ``parent``.

    The folder is called by the ``title``, since sentences call data sets by the names of their folders. Without
    ``parent`` it lies where the system keeps temporary files. Archives in the archive stay packed; what systems add
    unasked, such as __MACOSX, is left out.

    Raises:
        ArchiveError: it is no zip file, or damaged, encrypted or too large; or it has links, devices, two files of
            one name, or names that lead elsewhere or are not fit for files. Nothing of it is left then.
    """
    work = Unpacked(parent, title)
    try:
        _unpack(source, work)
    except BaseException as error:
        work.close()
        if isinstance(error, ArchiveError) or not isinstance(error, Exception):
            raise
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _no_room() from None
        # A damaged archive leads its reader to nearly every exception there is.
        raise _damaged() from None
    return work


def _unpack(source: Source, work: Unpacked) -> None:
    if isinstance(source, str | os.PathLike):
        try:
            file = open(source, "rb")  # noqa: SIM115 - closed by the next `with`
        except OSError:
            raise ArchiveError(_("There is no such file, or it cannot be read: choose another one.")) from None
        with file:
            return _unpack(file, work)
    packed = source.seek(0, os.SEEK_END)
    if packed > MOST_PACKED:
        sentence = _("The archive is larger than {most} MB: leave some files out, or scale the images down.")
        raise ArchiveError(sentence.format(most=MOST_PACKED // 10**6))
    source.seek(0)
    if source.read(2) != b"PK":
        raise ArchiveError(_("This is no archive that can be unpacked here: choose a zip file."))
    with zipfile.ZipFile(cast(IO[bytes], _Bounded(source))) as archive:
        _write(archive, work, _Writer(work.folder, packed))


class _Bounded:
    """A file that does not hand over a lot at once, such as the directory of a million files."""

    def __init__(self, file: IO[bytes]):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(_MOST_AT_ONCE + 1 if size < 0 else min(size, _MOST_AT_ONCE + 1))
        if len(data) > _MOST_AT_ONCE:
            raise _too_many_files()
        return data

    def seekable(self) -> bool:
        return True


class _Writer:
    """Copies what an archive of ``packed`` bytes holds to the disk of ``folder``, until it becomes too much."""

    def __init__(self, folder: Path, packed: int):
        self.packed = packed
        self._folder = folder
        self._likely = max(LITTLE, MOST_RATIO * packed)
        self._written = 0

    def expect(self, size: int) -> None:
        """Refuse ``size`` more bytes, to be called before they are written."""
        if self._written + size > MOST_UNPACKED:
            sentence = _("Unpacked, the archive takes more than {most} MB: leave some files out.")
            raise ArchiveError(sentence.format(most=MOST_UNPACKED // 10**6))
        if self._written + size > self._likely:
            sentence = _("Unpacked, the archive takes more than {most} times as much: save its images as JPEG or PNG.")
            raise ArchiveError(sentence.format(most=MOST_RATIO))
        if shutil.disk_usage(self._folder).free - size < SPARE:
            raise _no_room()

    def copy(self, stream: IO[bytes], file: IO[bytes]) -> None:
        while chunk := stream.read(_CHUNK):
            self.expect(len(chunk))
            self._written += len(chunk)
            file.write(chunk)


def _write(archive: zipfile.ZipFile, work: Unpacked, writer: _Writer) -> None:
    """Check the directory of ``archive``, then write its files."""
    places = _places(archive.infolist())
    # Files that share their packed bytes are never honest: a little could be read, and unpacked, any number of times.
    if sum(info.compress_size for info in places.values()) > writer.packed:
        raise _damaged()
    writer.expect(sum(info.file_size for info in places.values()))
    for place, info in places.items():
        path = work.folder / place
        (path if _is_folder(info) else path.parent).mkdir(parents=True, exist_ok=True)
        if not _is_folder(info):
            with archive.open(info) as stream, path.open("xb") as file:  # x: never over another file
                writer.copy(stream, file)
    work.files = tuple(sorted(str(place) for place, info in places.items() if not _is_folder(info)))
    if not work.files:
        raise ArchiveError(_("There is no file in the archive: choose another one."))
    inner = [name for name in work.files if name.lower().endswith(_ARCHIVES)]
    if inner:
        sentence = _("Archives in the archive were left packed: {names}.")
        work.notes = (sentence.format(names=", ".join(inner[:5]) + (", ..." if inner[5:] else "")),)


def _places(members: Sequence[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return where each of ``members`` goes, within the work folder; each place is one on every file system."""
    if len(members) > MOST_FILES:
        raise _too_many_files()
    places: dict[PurePosixPath, zipfile.ZipInfo] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for member in members:
        _check_kind(member)
        if _CLUTTER.search(member.orig_filename):
            continue
        place = _place(member.orig_filename)
        if not place.parts:
            continue
        key = str(place).casefold()
        above = {str(folder).casefold() for folder in place.parents}
        if key in files or files & above or (key in folders and not _is_folder(member)):
            raise ArchiveError(_("The archive has two files of one name, {name}: rename one.").format(name=place))
        folders |= above
        (folders if _is_folder(member) else files).add(key)
        places[place] = member
        if len(files) + len(folders) > MOST_FILES:
            raise _too_many_files()
    return places


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return member.orig_filename.endswith(("/", "\\"))


def _check_kind(member: zipfile.ZipInfo) -> None:
    """Refuse what is no plain file or folder."""
    if member.flag_bits & 1:
        raise ArchiveError(_("The archive is encrypted: pack it anew, without a password."))
    kind = stat.S_IFMT(member.external_attr >> 16)  # of Unix; 0 where another system packed
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        sentence = _("The archive has a link or device, {name}: pack it anew with plain files and folders only.")
        raise ArchiveError(sentence.format(name=_shown(member.filename)))
    if member.compress_type not in _WAYS:
        raise ArchiveError(_("The archive is packed in a rare way: pack it anew, as an ordinary zip file."))


def _place(name: str) -> PurePosixPath:
    """Return ``name`` as a path within a folder, whichever system wrote it."""
    plain = unicodedata.normalize("NFC", name).replace("\\", "/")
    if not plain.isprintable():  # line ends and the like, and what could not be decoded
        raise _unfit(name)
    path = PureWindowsPath(plain)  # which knows drive letters, and the roots of both systems
    if path.drive or path.root or ".." in path.parts:
        sentence = _("A name in the archive leads out of its folder, {name}: pack it anew, from inside the folder.")
        raise ArchiveError(sentence.format(name=_shown(name)))
    place = PurePosixPath(plain)
    if len(plain.encode()) > LONGEST_PATH or any(len(part.encode()) > LONGEST_NAME for part in place.parts):
        raise _unfit(name)
    return place


def _shown(name: str) -> str:
    """Return the beginning of ``name`` with nothing in it that a screen would obey."""
    return ascii(name[:40]).strip("'") if not name.isprintable() else name[:40]


def _unfit(name: str) -> ArchiveError:
    sentence = _("A name in the archive is too long or unreadable, {name}: give the file a short, plain name.")
    return ArchiveError(sentence.format(name=_shown(name)))


def _damaged() -> ArchiveError:
    return ArchiveError(_("The archive is damaged or cut off: pack it anew."))


def _no_room() -> ArchiveError:
    return ArchiveError(_("There is too little room on the server's disk: try again later, or with less."))


def _too_many_files() -> ArchiveError:
    sentence = _("The archive has more than {most} files and folders: leave some out.")
    return ArchiveError(sentence.format(most=MOST_FILES))
