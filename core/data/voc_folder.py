"""Photos with boxes, in Pascal VOC's layout."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import torch
from torch import Tensor
from torch.utils.data import Dataset

from core.data.folders import FolderError, in_split, nothing_known, photo_size, read_photo, sentences_of
from core.i18n import _

MOST_XML = 2**20  # bytes of an annotation, enough for thousands of objects

_SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Annotation:
    """One photo's annotation in Pascal VOC's form: its objects' half-open ``boxes`` (x0, y0, x1, y1) in pixels, class
    ``names``, ``difficult`` marks and ``numbers``, their places in the file from 1 on, and the ``size`` (width, height)
    that it says the ``photo`` has, or None."""

    photo: Path
    boxes: list[list[float]]
    names: list[str]
    difficult: list[bool]
    numbers: list[int]
    size: tuple[int, int] | None = None


class VOCFolder(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The photos of ``root``/JPEGImages with the boxes of ``root``/Annotations: ``folder[i]`` is an image and target.

    An image is (3, H, W) uint8 of its own size; its target holds ``boxes`` (N, 4) float32 half-open (VOC counts
    pixels from 1 and names the last one), ``labels`` (N,) int64 into ``classes``, where 0 is the background, and
    ``iscrowd`` (N,) int64, 1 for objects that VOC calls difficult, so that an evaluation ignores them. ``names`` are
    the photos' without suffix, ``notes`` has a sentence for everything that was left out. A ``split`` such as "train"
    or "val" takes part of the photos, as ``in_split`` does. Layout: Everingham et al. 2010.

    Raises:
        FolderError: there are no annotations, one is damaged, none has a class of ``classes``, or there is no such
            ``split``; later, a photo cannot be read.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None, split: str = ""):
        root = Path(root)
        paths = sorted((root / "Annotations").glob("*.xml"))
        if not paths:
            sentence = _("There is no file Annotations/*.xml in {folder}: choose a folder in Pascal VOC's layout.")
            raise FolderError(sentence.format(folder=root))
        found = {path.stem: read_annotation(path, root / "JPEGImages") for path in paths}
        known = {name for one in found.values() for name in one.names}
        self.classes = tuple(classes) if classes else ("background", *sorted(known))
        if not known & set(self.classes[1:]):
            raise nothing_known(root, self.classes)
        chosen = {stem: found[stem] for stem in in_split(root, found, split)}
        kept = {stem: _kept(one, self.classes) for stem, one in chosen.items() if one.photo.is_file()}
        self.names = tuple(kept)
        self._annotated = tuple(kept.values())
        self.notes = _notes(list(chosen.values()), self.classes)

    def __len__(self) -> int:
        return len(self._annotated)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return read_photo(self._annotated[index].photo), self.target(index)

    def sizes(self) -> list[tuple[int, int]]:
        """Return each photo's (width, height), from its header.

        Raises:
            FolderError: a photo cannot be read.
        """
        return [photo_size(one.photo) for one in self._annotated]

    def target(self, index: int) -> dict[str, Tensor]:
        """Return the target of one photo, which is not read for it."""
        one = self._annotated[index]
        return {
            "boxes": torch.tensor(one.boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([self.classes.index(name) for name in one.names], dtype=torch.int64),
            "iscrowd": torch.tensor(one.difficult, dtype=torch.int64),
        }


def read_voc(folder: str | Path, split: str = "") -> VOCFolder:
    """Read a folder in Pascal VOC's form as a dataset of images and detection targets; see ``VOCFolder``.

    Raises:
        FolderError: as ``VOCFolder`` does.
    """
    return VOCFolder(folder, split=split)


def read_annotation(path: Path, photos: Path) -> Annotation:
    """Read one annotation in Pascal VOC's form of a photo in the folder ``photos``, whether that exists or not.

    Raises:
        FolderError: it is no such annotation.
    """
    try:
        if path.stat().st_size > MOST_XML:
            raise ValueError("too long to be an annotation")
        tree = ElementTree.parse(path)
        objects = list(tree.iter("object"))
        corners = [[float(one.findtext(f"bndbox/{side}", "")) for side in _SIDES] for one in objects]
        if not all(math.isfinite(side) for box in corners for side in box):
            raise ValueError("a box without end")
        size = [int(float(tree.findtext(f"size/{side}", "0"))) for side in ("width", "height")]
        # Only the last part of a file name counts: an annotation must not name a file elsewhere.
        photo = photos / PureWindowsPath(tree.findtext("filename", "")).name
        if not photo.is_file():
            photo = photos / f"{path.stem}.jpg"
    except (ElementTree.ParseError, LookupError, OSError, OverflowError, ValueError):
        sentence = _("{file} is not an annotation in Pascal VOC's form: mend or remove it.")
        raise FolderError(sentence.format(file=path)) from None
    return Annotation(
        photo,
        [[x0 - 1, y0 - 1, x1, y1] for x0, y0, x1, y1 in corners],
        [one.findtext("name", "").strip() for one in objects],
        [one.findtext("difficult", "0").strip() == "1" for one in objects],
        list(range(1, 1 + len(objects))),
        (size[0], size[1]) if all(size) else None,
    )


def _kept(one: Annotation, classes: Sequence[str]) -> Annotation:
    """Leave out the boxes without area, and those of classes that are not among ``classes``."""
    fit = [
        index
        for index, (box, name) in enumerate(zip(one.boxes, one.names, strict=True))
        if not is_empty(box) and name in classes[1:]
    ]
    return Annotation(
        one.photo,
        [one.boxes[index] for index in fit],
        [one.names[index] for index in fit],
        [one.difficult[index] for index in fit],
        [one.numbers[index] for index in fit],
    )


def is_empty(box: Sequence[float]) -> bool:
    """Whether ``box`` names the same pixel twice, or one left of or above its first: it was never drawn."""
    return box[2] - box[0] <= 1 or box[3] - box[1] <= 1


def _notes(found: Sequence[Annotation], classes: Sequence[str]) -> tuple[str, ...]:
    missing = [one.photo.stem for one in found if not one.photo.is_file()]
    empty = [one.photo.stem for one in found if any(is_empty(box) for box in one.boxes)]
    strange = sorted({name for one in found for name in one.names} - set(classes[1:]))
    return sentences_of(
        {
            _("Left out, since the photo is missing: {names}."): missing,
            _("Left out boxes without area in {names}."): empty,
            _("Left out objects of other classes: {names}."): strange,
        }
    )
