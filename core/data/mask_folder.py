"""Photos with a mask each, whose pixels say which object or which class they belong to."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.ops import masks_to_boxes

from core.data.folders import (
    FORMATS,
    UNREADABLE,
    FolderError,
    by_stem,
    in_split,
    nothing_known,
    read_photo,
    sentences_of,
)
from core.i18n import _

OBJECT = "object"  # the one class of things that are told apart but not named
IGNORED = 255  # the class index that stands for none, as on the outlines in Pascal VOC's masks


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
            raise nothing_known(root, self.classes)
        strange = sorted(number for number in numbers - {IGNORED} if not self._label(number))
        left_out[_("Left out objects of other classes: {names}.")] = [str(number) for number in strange]
        if IGNORED in numbers and not self._of_instances:
            left_out[_("Left out pixels of no class, which have the number {names}.")] = [str(IGNORED)]
        self.notes = sentences_of(left_out)
        self.names = tuple(in_split(root, pairs, split))
        self._pairs = [pairs[name] for name in self.names]

    def __len__(self) -> int:
        return len(self._pairs)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return read_photo(self._pairs[index][0]), self.target(index)

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
