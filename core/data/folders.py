"""What folders of photos have in common: their files, what is for training, and how a photo is read."""

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms.v2.functional import to_dtype

from core.faults import UserError
from core.i18n import _
from core.images import MOST_PIXELS

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
MOST_MANIFEST = 2**25  # bytes
VALIDATION_SHARE = 5  # one in so many photos is held out where no list says which

UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow says of damaged files


class FolderError(UserError):
    """A folder cannot be read as a dataset; the message is one sentence that says what to do."""


def in_split(root: Path, names: Iterable[str], split: str) -> list[str]:
    """Return those of a folder's photo ``names`` that are of its ``split``; of all, where that is "".

    A split is what ``root``/ImageSets/SPLIT.txt or ImageSets/Main/SPLIT.txt lists; where only one of "train" and "val"
    is listed, the other is the rest, and where neither is, "val" is a fifth of the photos, by their names' checksums.
    Photos that belong together, such as the tiles of one mosaic, are not parted: ``root``/manifest.json, a list of
    objects with "id", the name without suffix, and "group", says which do.

    Raises:
        FolderError: there is no such split.
    """
    names = sorted(names)
    listed = _listed(root, split)
    if not split:
        return names
    if listed is not None:
        return [name for name in names if name in listed]
    if split not in ("train", "val"):
        raise FolderError(_("There is no list {split}.txt in {folder}/ImageSets.").format(split=split, folder=root))
    other = _listed(root, "val" if split == "train" else "train")
    if other is not None:
        return [name for name in names if name not in other]
    groups = _groups(root)
    held_out = {name for name in names if zlib.crc32(groups.get(name, name).encode()) % VALIDATION_SHARE == 0}
    return [name for name in names if (name in held_out) == (split == "val")]


def _groups(root: Path) -> dict[str, str]:
    """Return the groups that ``root``/manifest.json says photos belong to, by the photos' names."""
    path = root / "manifest.json"
    try:
        if path.stat().st_size > MOST_MANIFEST:
            return {}
        listed = json.loads(path.read_bytes())
        return {str(one["id"]): str(one["group"]) for one in listed}
    except (OSError, KeyError, TypeError, ValueError, RecursionError):  # there is none, or it is about other things
        return {}


def _listed(root: Path, split: str) -> set[str] | None:
    """Return the names in the list of ``split``, of which VOC's say more on each line; None where there is none."""
    for path in (root / "ImageSets" / f"{split}.txt", root / "ImageSets" / "Main" / f"{split}.txt"):
        if path.is_file():
            lines = path.read_text("utf-8", "replace").splitlines()
            return {line.split()[0] for line in lines if line.strip()}
    return None


def photos_in(folder: Path) -> list[Path]:
    """Return the files in ``folder`` that are photos by their suffix, by name."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def visible(folder: Path) -> list[Path]:
    """Return what is in ``folder`` and not hidden, by name."""
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def by_stem(folder: Path, pattern: str) -> dict[str, Path]:
    """Return the files in ``folder`` of a glob ``pattern`` by their names without suffix, in order."""
    return {path.stem: path for path in sorted(folder.glob(pattern)) if not path.name.startswith(".")}


def read_photo(photo: Path) -> Tensor:
    """Return a photo's pixels: (3, H, W) uint8.

    Raises:
        FolderError: it is damaged, too large, or no photo.
    """
    try:
        with Image.open(photo, formats=FORMATS) as picture:  # reads the header alone
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError("too large to be decoded")
        return to_dtype(decode_image(str(photo), ImageReadMode.RGB), torch.uint8, scale=True)
    except (RuntimeError, *UNREADABLE):
        raise _unreadable(photo) from None


def photo_size(photo: Path) -> tuple[int, int]:
    """Return a photo's width and height, from its header alone.

    Raises:
        FolderError: it is no photo.
    """
    try:
        with Image.open(photo, formats=FORMATS) as picture:
            return picture.size
    except UNREADABLE:
        raise _unreadable(photo) from None


def _unreadable(photo: Path) -> FolderError:
    return FolderError(_("{file} is not a photo that can be read.").format(file=photo))


def sentences_of(left_out: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the sentences about {names} that have some."""
    return tuple(sentence.format(names=", ".join(names)) for sentence, names in left_out.items() if names)


def nothing_known(root: Path, classes: Sequence[str]) -> FolderError:
    """Return the error of a folder that shows none of ``classes``."""
    sentence = _("No object in {folder} is of a class that is known here: {classes}.")
    return FolderError(sentence.format(folder=root, classes=", ".join(classes[1:]) or _("none")))
