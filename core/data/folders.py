"""Folders of photos with boxes, in Pascal VOC's layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.io import ImageReadMode, decode_image

from core.i18n import _

_SIDES = ("xmin", "ymin", "xmax", "ymax")


class FolderError(ValueError):
    """A folder cannot be read as a dataset; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class _Annotated:
    """One picture's annotation: the ``photo``, half-open ``boxes``, their class ``names`` and ``difficult`` marks."""

    photo: Path
    boxes: list[list[float]]
    names: list[str]
    difficult: list[bool]


class VOCFolder(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The photos of ``root``/JPEGImages with the boxes of ``root``/Annotations: ``folder[i]`` is an image and target.

    An image is (3, H, W) uint8 of its own size; its target holds ``boxes`` (N, 4) float32 half-open (VOC counts
    pixels from 1 and names the last one), ``labels`` (N,) int64 into ``classes``, where 0 is the background, and
    ``iscrowd`` (N,) int64, 1 for objects that VOC calls difficult, so that an evaluation ignores them. ``notes``
    has a sentence for everything that was left out. Layout: Everingham et al. 2010.

    Raises:
        FolderError: there are no annotations, one is damaged, or none has a class of ``classes``; later, a photo
            cannot be read.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None):
        root = Path(root)
        paths = sorted((root / "Annotations").glob("*.xml"))
        if not paths:
            sentence = _("There is no file Annotations/*.xml in {folder}: choose a folder in Pascal VOC's layout.")
            raise FolderError(sentence.format(folder=root))
        found = [_read(path, root / "JPEGImages") for path in paths]
        known = {name for one in found for name in one.names}
        self.classes = tuple(classes) if classes else ("background", *sorted(known))
        if not known & set(self.classes[1:]):
            sentence = _("No object in {folder} is of a class that is known here: {classes}.")
            raise FolderError(sentence.format(folder=root, classes=", ".join(self.classes[1:])))
        kept = [_kept(one, self.classes) for one in found]
        self._annotated = [one for one in kept if one.photo.exists()]
        self.notes = tuple(_notes(found, kept, self.classes))

    def __len__(self) -> int:
        return len(self._annotated)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        one = self._annotated[index]
        try:
            image = decode_image(str(one.photo), ImageReadMode.RGB)
        except RuntimeError:
            raise FolderError(_("{file} is not a photo that can be read.").format(file=one.photo)) from None
        return image, {
            "boxes": torch.tensor(one.boxes, dtype=torch.float32).reshape(-1, 4),
            "labels": torch.tensor([self.classes.index(name) for name in one.names], dtype=torch.int64),
            "iscrowd": torch.tensor(one.difficult, dtype=torch.int64),
        }


def _read(path: Path, photos: Path) -> _Annotated:
    try:
        tree = ElementTree.parse(path)
        objects = list(tree.iter("object"))
        corners = [[float(one.findtext(f"bndbox/{side}", "")) for side in _SIDES] for one in objects]
    except (ElementTree.ParseError, ValueError):
        sentence = _("{file} is not an annotation in Pascal VOC's form: mend or remove it.")
        raise FolderError(sentence.format(file=path)) from None
    photo = photos / tree.findtext("filename", f"{path.stem}.jpg")
    return _Annotated(
        photo if photo.exists() else photos / f"{path.stem}.jpg",
        [[x0 - 1, y0 - 1, x1, y1] for x0, y0, x1, y1 in corners],
        [one.findtext("name", "") for one in objects],
        [one.findtext("difficult", "0").strip() == "1" for one in objects],
    )


def _kept(one: _Annotated, classes: Sequence[str]) -> _Annotated:
    """Leave out the boxes without area, and those of classes that are not among ``classes``."""
    fit = [
        index
        for index, (box, name) in enumerate(zip(one.boxes, one.names, strict=True))
        if not _is_empty(box) and name in classes[1:]
    ]
    return _Annotated(
        one.photo,
        [one.boxes[index] for index in fit],
        [one.names[index] for index in fit],
        [one.difficult[index] for index in fit],
    )


def _is_empty(box: Sequence[float]) -> bool:
    """Whether ``box`` names the same pixel twice, or one left of or above its first: it was never drawn."""
    return box[2] - box[0] <= 1 or box[3] - box[1] <= 1


def _notes(found: Sequence[_Annotated], kept: Sequence[_Annotated], classes: Sequence[str]) -> list[str]:
    sentences = []
    missing = [one.photo.stem for one in found if not one.photo.exists()]
    if missing:
        sentences.append(_("Left out, since the photo is missing: {names}.").format(names=", ".join(missing)))
    empty = [one.photo.stem for one in found if any(_is_empty(box) for box in one.boxes)]
    if empty:
        sentences.append(_("Left out boxes without area in {names}.").format(names=", ".join(empty)))
    strange = sorted({name for one in found for name in one.names} - set(classes[1:]))
    if strange:
        sentences.append(_("Left out objects of other classes: {names}.").format(names=", ".join(strange)))
    return sentences
