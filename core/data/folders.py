"""Folders of photos: with boxes, in Pascal VOC's layout, with a mask each, or one folder a class."""

import json
import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.io import ImageReadMode, decode_image
from torchvision.ops import masks_to_boxes
from torchvision.transforms.v2.functional import to_dtype

from core.faults import UserError
from core.i18n import _
from core.images import MOST_PIXELS

OBJECT = "object"  # the one class of things that are told apart but not named
IGNORED = 255  # the class index that stands for none, as on the outlines in Pascal VOC's masks

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
FORMATS = ("JPEG", "PNG", "WEBP")
PARTS = ("train", "val", "test")
MOST_MANIFEST = 2**25  # bytes
MOST_XML = 2**20  # bytes of an annotation, enough for thousands of objects
VALIDATION_SHARE = 5  # one in so many photos is held out where no list says which

_SIDES = ("xmin", "ymin", "xmax", "ymax")
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)  # what Pillow says of damaged files


class FolderError(UserError):
    """A folder cannot be read as a dataset; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Annotation:
    """One photo's annotation in Pascal VOC's form: its objects' half-open ``boxes`` (x0, y0, x1, y1) in pixels, class
    ``names`` and ``difficult`` marks, and the ``size`` (width, height) that it says the ``photo`` has, or None."""

    photo: Path
    boxes: list[list[float]]
    names: list[str]
    difficult: list[bool]
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
            raise _nothing_known(root, self.classes)
        chosen = {stem: found[stem] for stem in in_split(root, found, split)}
        kept = {stem: _kept(one, self.classes) for stem, one in chosen.items() if one.photo.is_file()}
        self.names = tuple(kept)
        self._annotated = tuple(kept.values())
        self.notes = _notes(list(chosen.values()), self.classes)

    def __len__(self) -> int:
        return len(self._annotated)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return _pixels(self._annotated[index].photo), self.target(index)

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
    )


def is_empty(box: Sequence[float]) -> bool:
    """Whether ``box`` names the same pixel twice, or one left of or above its first: it was never drawn."""
    return box[2] - box[0] <= 1 or box[3] - box[1] <= 1


def _notes(found: Sequence[Annotation], classes: Sequence[str]) -> tuple[str, ...]:
    missing = [one.photo.stem for one in found if not one.photo.is_file()]
    empty = [one.photo.stem for one in found if any(is_empty(box) for box in one.boxes)]
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
    bool, which do not overlap. ``names`` are the photos' without suffix, ``notes`` has a sentence for everything that
    was left out. A ``split`` takes part of the photos, as ``in_split`` does.

    Raises:
        FolderError: no photo has a mask that fits, none shows a class of ``classes``, or there is no such ``split``;
            later, a photo cannot be read.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None, split: str = ""):
        root = Path(root)
        self._of_instances = (root / "instances").is_dir()
        masks = by_stem(root / ("instances" if self._of_instances else "labels"), "*.png")
        pairs, left_out = _matched(by_stem(root / "images", "*"), masks)
        if not pairs:
            sentence = _(
                "No photo in {folder}/images has a mask of its name and size: put NAME.png into {folder}/instances, "
                "where a pixel is the number of its object, or into {folder}/labels, where it is that of its class."
            )
            raise FolderError(sentence.format(folder=root))
        numbers = {int(number) for _photo, mask in pairs.values() for number in np.unique(read_mask(mask))} - {0}
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
        self.names = tuple(in_split(root, pairs, split))
        self._pairs = [pairs[name] for name in self.names]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return _pixels(self._pairs[index][0]), self.target(index)

    def target(self, index: int) -> dict[str, Tensor]:
        """Return the target of one photo, which is not read for it."""
        mask = torch.from_numpy(read_mask(self._pairs[index][1]))
        numbers = [number for number in mask.unique().tolist() if self._label(number)]
        masks = mask == torch.tensor(numbers, dtype=torch.int64)[:, None, None]
        boxes = masks_to_boxes(masks)
        boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
        labels = torch.tensor([self._label(number) for number in numbers], dtype=torch.int64)
        return {"boxes": boxes, "labels": labels, "masks": masks}

    def _label(self, number: int) -> int:
        """Return the class of pixels of ``number``, 0 where it is none of ``classes``."""
        if self._of_instances:
            return self.classes.index(OBJECT) if number and OBJECT in self.classes else 0
        return number if number != IGNORED and number < len(self.classes) else 0


class ClassFolder(Dataset[tuple[Tensor, int]]):
    """The photos of ``root``/CLASS/, or of ``root``/SPLIT/CLASS/: ``folder[i]`` is an image and its class.

    An image is (3, H, W) uint8 of its own size, its class an index into ``classes``, which are the folders' names in
    order; there is no background. ``names`` are CLASS/FILE, ``notes`` has a sentence for what was left out. A
    ``split`` is the folder of its name where there is one, else as ``in_split`` has it.

    Raises:
        FolderError: there are not two classes with photos, or no such ``split``; later, a photo cannot be read.
    """

    def __init__(self, root: str | Path, split: str = ""):
        root = Path(root)
        roots = class_roots(root)
        chosen = [part for part in roots if part.name == split and part != root] or roots
        found = {
            photo.relative_to(root).as_posix(): photo
            for part in chosen
            for folder in class_folders(part)
            for photo in photos_in(folder)
        }
        self.names = tuple(in_split(root, found, "" if chosen != roots else split))
        self._photos = [found[name] for name in self.names]
        self.classes = tuple(sorted({folder.name for part in roots for folder in class_folders(part)}))
        if len(self.classes) < 2:
            sentence = _("There are not two folders with photos in {folder}: make one for each class.")
            raise FolderError(sentence.format(folder=root))
        others = [
            path.name
            for part in chosen
            for folder in class_folders(part)
            for path in visible(folder)
            if path.suffix.lower() not in SUFFIXES
        ]
        self.notes = _said({_("Left out what is no JPEG, PNG or WebP file by its name: {names}."): others})

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        photo = self._photos[index]
        return _pixels(photo), self.classes.index(photo.parent.name)


def class_roots(root: Path) -> list[Path]:
    """Return the folders in which the classes of ``root`` have a folder each: train, val and test in it, or itself."""
    return [root / part for part in PARTS if class_folders(root / part)] or [root]


def class_folders(root: Path) -> list[Path]:
    """Return the folders in ``root`` that hold photos, by name."""
    return [path for path in visible(root) if path.is_dir() and photos_in(path)]


def photos_in(folder: Path) -> list[Path]:
    """Return the files in ``folder`` that are photos by their suffix, by name."""
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def visible(folder: Path) -> list[Path]:
    """Return what is in ``folder`` and not hidden, by name."""
    return sorted(path for path in folder.glob("*") if not path.name.startswith("."))


def form_of(folder: str | Path) -> tuple[Path, str]:
    """Return where the dataset in ``folder`` begins, and its form: "voc", "masks" or "classes".

    It may lie in a folder that holds nothing else, as archives often have one on top.

    Raises:
        FolderError: no form of dataset is there.
    """
    root = Path(folder)
    while root.is_dir():
        if (root / "Annotations").is_dir():
            return root, "voc"
        if (root / "images").is_dir() and any((root / kind).is_dir() for kind in ("instances", "labels")):
            return root, "masks"
        if len(class_folders(root)) > 1 or class_roots(root) != [root]:
            return root, "classes"
        within = visible(root)
        if len(within) != 1:
            break
        root = within[0]
    sentence = _(
        "There is no dataset in {folder}: choose one in Pascal VOC's layout (Annotations, JPEGImages), with masks "
        "(images, and instances or labels), or with one folder of photos a class."
    )
    raise FolderError(sentence.format(folder=folder))


def read_folder(folder: str | Path, split: str = "") -> VOCFolder | MaskFolder | ClassFolder:
    """Read ``folder`` in whichever form it is.

    Raises:
        FolderError: it is in no form, or cannot be read in it.
    """
    root, form = form_of(folder)
    if form == "voc":
        return VOCFolder(root, split=split)
    return MaskFolder(root, split=split) if form == "masks" else ClassFolder(root, split)


def by_stem(folder: Path, pattern: str) -> dict[str, Path]:
    """Return the files in ``folder`` of a glob ``pattern`` by their names without suffix, in order."""
    return {path.stem: path for path in sorted(folder.glob(pattern)) if not path.name.startswith(".")}


def _matched(
    photos: Mapping[str, Path], masks: Mapping[str, Path]
) -> tuple[dict[str, tuple[Path, Path]], dict[str, list[str]]]:
    """Return the photos and masks of one name that fit each other, and the names of the others by what is amiss."""
    pairs = {}
    left_out: dict[str, list[str]] = {}
    for stem in sorted(photos.keys() | masks.keys()):
        photo, mask = photos.get(stem), masks.get(stem)
        flaw = _flaw(photo, mask)
        if photo and mask and not flaw:
            pairs[stem] = (photo, mask)
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
        with Image.open(photo, formats=FORMATS) as picture:
            width, height = picture.size
    except UNREADABLE:
        return _("Left out, since the photo is no JPEG, PNG or WebP file that can be read: {names}.")
    try:
        shape = read_mask(mask).shape
    except FolderError:
        return _("Left out, since the mask is no PNG file with one number a pixel: {names}.")
    return "" if shape == (height, width) else _("Left out, since photo and mask differ in size: {names}.")


def read_mask(mask: Path) -> np.ndarray:
    """Return the number of every pixel of a grey or palette PNG: (H, W) int64.

    Raises:
        FolderError: it is no such file.
    """
    try:
        with Image.open(mask, formats=("PNG",)) as picture:
            numbers: np.ndarray = np.asarray(picture).astype(np.int64)
    except UNREADABLE:
        numbers = np.empty(0)
    if numbers.ndim != 2:
        raise FolderError(_("{file} is no PNG file with one number a pixel.").format(file=mask))
    return numbers


def _pixels(photo: Path) -> Tensor:
    try:
        with Image.open(photo, formats=FORMATS) as picture:  # reads the header alone
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError("too large to be decoded")
        return to_dtype(decode_image(str(photo), ImageReadMode.RGB), torch.uint8, scale=True)
    except (RuntimeError, *UNREADABLE):
        raise FolderError(_("{file} is not a photo that can be read.").format(file=photo)) from None


def _said(left_out: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(sentence.format(names=", ".join(names)) for sentence, names in left_out.items() if names)


def _nothing_known(root: Path, classes: Sequence[str]) -> FolderError:
    sentence = _("No object in {folder} is of a class that is known here: {classes}.")
    return FolderError(sentence.format(folder=root, classes=", ".join(classes[1:]) or _("none")))
