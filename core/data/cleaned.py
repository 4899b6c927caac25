"""A cleaned copy of a checked folder, and with its zip file as work that can be done in another process."""

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

from core.data.flaws import FolderReport, left_out
from core.data.folders import FolderError
from core.i18n import _

_IN_BOXES = ("no_area", "inverted", "outside", "no_class")


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


def write_cleaned(report: FolderReport, out: str | Path) -> Path:
    """Write a copy of the folder of ``report`` to ``out``, without its flaws as their ``KINDS`` say, and return it.

    The folder itself is only read, and ``out`` appears when the copy is whole.

    Raises:
        FolderError: ``out`` exists, lies in the folder, or cannot be written.
    """
    root, out = report.root, Path(out)
    if out.exists() or out.resolve().is_relative_to(root.resolve()):
        sentence = _("A cleaned copy needs a new folder outside of {folder}: choose another place than {out}.")
        raise FolderError(sentence.format(folder=root, out=out))
    unusable = left_out(report.flaws)
    amiss = {file for kind in _IN_BOXES for item in report.flaws.get(kind, ()) for file in item.files}
    kept = {photo: own for photo, own in report.files.items() if photo not in unusable}
    part = out.with_name(f"{out.name}.part")
    try:
        for photo, own in kept.items():
            for name in filter(None, (photo, own)):
                (part / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(root / name, part / name)
            if photo in amiss:
                _mend(part / own, part / photo)
        _shorten_lists(root, part, {Path(photo).stem for photo in kept})
        part.rename(out)
    except OSError:
        raise FolderError(_("{out} cannot be written: choose another place.").format(out=out)) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _mend(annotation: Path, photo: Path) -> None:
    """Remove or change the objects of an ``annotation`` that do not fit its ``photo``."""
    with Image.open(photo) as picture:
        width, height = picture.size
    tree = ElementTree.parse(annotation)
    for parent in list(tree.iter()):
        for one in parent.findall("object"):
            left, right = sorted(float(one.findtext(f"bndbox/{side}", "")) for side in ("xmin", "xmax"))
            top, bottom = sorted(float(one.findtext(f"bndbox/{side}", "")) for side in ("ymin", "ymax"))
            left, top, right, bottom = max(left, 1), max(top, 1), min(right, width), min(bottom, height)
            if not one.findtext("name", "").strip() or right <= left or bottom <= top:
                parent.remove(one)
                continue
            for side, place in (("xmin", left), ("ymin", top), ("xmax", right), ("ymax", bottom)):
                found = one.find(f"bndbox/{side}")
                assert found is not None
                found.text = f"{place:g}"
    tree.write(annotation)


def _shorten_lists(root: Path, part: Path, names: set[str]) -> None:
    """Copy the lists of photos, of which only those of ``names`` are left."""
    for path in sorted((root / "ImageSets").glob("**/*.txt")):
        lines = path.read_text("utf-8", "replace").splitlines()
        copy = part / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        kept = (line for line in lines if line.split()[:1] and line.split()[0] in names)
        copy.write_text("".join(f"{line}\n" for line in kept), "utf-8")
