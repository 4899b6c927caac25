"""A cleaned copy of a checked folder, and its zip file, as work that can be done in another process."""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.checking import FolderReport, write_cleaned
from core.data.folders import FolderError
from core.i18n import _


@dataclass(frozen=True)
class Cleaned:
    """The part ``done`` of a cleaned copy; at its end, the ``folder`` and the ``archive`` are there."""

    done: float
    folder: Path | None = None
    archive: Path | None = None


def size_of(report: FolderReport) -> int:
    """Return the bytes of the files that a report calls usable."""
    names = (name for pair in report.files.items() for name in pair if name)
    return sum((report.root / name).stat().st_size for name in names if (report.root / name).exists())


def cleaned(report: FolderReport, out: Path) -> Iterator[Cleaned]:
    """Write the cleaned copy of ``write_cleaned`` to ``out`` and pack it into ``out``.zip, saying how far it is.

    Raises:
        FolderError: it cannot be written.
    """
    yield Cleaned(0.0)
    archive = out.with_name(f"{out.name}.zip")
    try:
        folder = write_cleaned(report, out)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with zipfile.ZipFile(archive, "w") as packed:  # photos are compressed already
            for done, path in enumerate(files):
                packed.write(path, path.relative_to(folder.parent))
                if done % 100 == 0:
                    yield Cleaned(0.5 + 0.5 * done / len(files))
    except (FolderError, OSError):
        raise FolderError(_("The copy cannot be written: the source has gone, or the server's disk is full.")) from None
    yield Cleaned(1.0, folder, archive)
