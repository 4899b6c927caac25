"""Folders of photos: with boxes, in Pascal VOC's layout, or with a mask each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.io import ImageReadMode, decode_image
from torchvision.ops import masks_to_boxes
from torchvision.transforms.v2.functional import to_dtype

from core.i18n import _

OBJECT = "object"  # the one class of things that are told apart but not named
IGNORED = 255  # the class index that stands for none, as on the outlines in Pascal VOC's masks

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_FORMATS = ("JPEG", "PNG", "WEBP")
_UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow says of damaged files


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
            raise _nothing_known(root, self.classes)
        kept = [_kept(one, self.classes) for one in found]
        self._annotated = [one for one in kept if one.photo.exists()]
        self.notes = _notes(found, self.classes)

    def __len__(self) -> int:
        return len(self._annotated)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        one = self._annotated[index]
        return _pixels(one.photo), {
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


def _notes(found: Sequence[_Annotated], classes: Sequence[str]) -> tuple[str, ...]:
    missing = [one.photo.stem for one in found if not one.photo.exists()]
    empty = [one.photo.stem for one in found if any(_is_empty(box) for box in one.boxes)]
    strange = sorted({name for one in found for name in one.names} - set(classes[1:]))
    return _said(
        {
            _("Left out, since the photo is missing: {names}."): missing,
            _("Left out boxes without area in {names}."): empty,
            _("Left out objects of other classes: {names}."): strange,
        }
    )


class MaskFolder(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """The photos of ``root``/images with the masks ``root``/instances/NAME.png, or else ``root``/labels/NAME.png.

    A pixel of an instance mask is the number of its object, 0 for none; all objects are of the class "object". A pixel
    of a label mask is the index of its class, 0 for the background and 255 for none; all that a photo shows of a class
    is one mask, since nothing tells its objects apart. ``folder[i]`` is an image (3, H, W) uint8 of its own size and
    its target: ``boxes`` (N, 4) float32 half-open, ``labels`` (N,) int64 into ``classes``, and ``masks`` (N, H, W)
    bool, which do not overlap. ``notes`` has a sentence for everything that was left out.

    Raises:
        FolderError: no photo has a mask that fits, or none shows a class of ``classes``; later, a photo cannot be read.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None):
        root = Path(root)
        self._of_instances = (root / "instances").is_dir()
        masks = _by_stem(root / ("instances" if self._of_instances else "labels"), "*.png")
        self._pairs, left_out = _matched(_by_stem(root / "images", "*"), masks)
        if not self._pairs:
            sentence = _(
                "No photo in {folder}/images has a mask of its name and size: put NAME.png into {folder}/instances, "
                "where a pixel is the number of its object, or into {folder}/labels, where it is that of its class."
            )
            raise FolderError(sentence.format(folder=root))
        numbers = {int(number) for _photo, mask in self._pairs for number in np.unique(_numbers(mask))} - {0}
        indices = range(1, max(numbers - {IGNORED}, default=0) + 1)
        names = [OBJECT] if self._of_instances else [f"class {index}" for index in indices]
        self.classes = tuple(classes or ("background", *names))
        if not any(self._label(number) for number in numbers):
            raise _nothing_known(root, self.classes)
        strange = sorted(number for number in numbers - {IGNORED} if not self._label(number))
        left_out[_("Left out objects of other classes: {names}.")] = [str(number) for number in strange]
        if IGNORED in numbers and not self._of_instances:
            left_out[_("Left out pixels of no class, which have the number {names}.")] = [str(IGNORED)]
        self.notes = _said(left_out)

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        photo, path = self._pairs[index]
        mask = torch.from_numpy(_numbers(path))
        numbers = [number for number in mask.unique().tolist() if self._label(number)]
        masks = mask == torch.tensor(numbers, dtype=torch.int64)[:, None, None]
        boxes = masks_to_boxes(masks)
        boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
        labels = torch.tensor([self._label(number) for number in numbers], dtype=torch.int64)
        return _pixels(photo), {"boxes": boxes, "labels": labels, "masks": masks}

    def _label(self, number: int) -> int:
        """Return the class of pixels of ``number``, 0 where it is none of ``classes``."""
        if self._of_instances:
            return self.classes.index(OBJECT) if number and OBJECT in self.classes else 0
        return number if number != IGNORED and number < len(self.classes) else 0


def _by_stem(folder: Path, pattern: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob(pattern)) if not path.name.startswith(".")}


def _matched(
    photos: Mapping[str, Path], masks: Mapping[str, Path]
) -> tuple[list[tuple[Path, Path]], dict[str, list[str]]]:
    """Return the photos and masks of one name that fit each other, and the names of the others by what is amiss."""
    pairs = []
    left_out: dict[str, list[str]] = {}
    for stem in sorted(photos.keys() | masks.keys()):
        photo, mask = photos.get(stem), masks.get(stem)
        flaw = _flaw(photo, mask)
        if photo and mask and not flaw:
            pairs.append((photo, mask))
        else:
            left_out.setdefault(flaw, []).append(stem)
    return pairs, left_out


def _flaw(photo: Path | None, mask: Path | None) -> str:
    """Say why ``photo`` and ``mask`` cannot be used together, in a sentence about {names}; "" where they can."""
    if photo is None:
        return _("Left out, since the photo is missing: {names}.")
    if mask is None:
        return _("Left out, since the mask is missing: {names}.")
    try:
        with Image.open(photo, formats=_FORMATS) as picture:
            width, height = picture.size
    except _UNREADABLE:
        return _("Left out, since the photo is no JPEG, PNG or WebP file that can be read: {names}.")
    try:
        shape = _numbers(mask).shape
    except FolderError:
        return _("Left out, since the mask is no PNG file with one number a pixel: {names}.")
    return "" if shape == (height, width) else _("Left out, since photo and mask differ in size: {names}.")


def _numbers(mask: Path) -> np.ndarray:
    """Return the number of every pixel of a grey or palette PNG: (H, W) int64."""
    try:
        with Image.open(mask, formats=("PNG",)) as picture:
            numbers: np.ndarray = np.asarray(picture).astype(np.int64)
    except _UNREADABLE:
        numbers = np.empty(0)
    if numbers.ndim != 2:
        raise FolderError(_("{file} is no PNG file with one number a pixel.").format(file=mask))
    return numbers


def _pixels(photo: Path) -> Tensor:
    try:
        return to_dtype(decode_image(str(photo), ImageReadMode.RGB), torch.uint8, scale=True)
    except RuntimeError:
        raise FolderError(_("{file} is not a photo that can be read.").format(file=photo)) from None


def _said(left_out: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(sentence.format(names=", ".join(names)) for sentence, names in left_out.items() if names)


def _nothing_known(root: Path, classes: Sequence[str]) -> FolderError:
    sentence = _("No object in {folder} is of a class that is known here: {classes}.")
    return FolderError(sentence.format(folder=root, classes=", ".join(classes[1:]) or _("none")))
