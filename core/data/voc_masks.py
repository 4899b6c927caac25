"""Photos with boxes and masks, in Pascal VOC's layout."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.data.folders import UNREADABLE, FolderError, sentences_of
from core.data.mask_folder import IGNORED, read_mask
from core.data.voc_folder import VOCFolder
from core.i18n import _

CLASS_MASKS, OBJECT_MASKS = "SegmentationClass", "SegmentationObject"
ONE_NUMBER = ("L", "P", "I;16", "I")  # Pillow's modes of PNG files that have one number a pixel


class VOCMasks(VOCFolder):
    """Those photos of a ``VOCFolder`` whose pixels are labelled: ``root``/SegmentationClass and SegmentationObject.

    A target also holds, in pixels of the photo:

    - ``pixel_labels`` (H, W) uint8, the class of each pixel, and 255 where none is said: on outlines, and on what is of
      no class of ``classes``. The numbers in the files are what the masks of named objects say that they are.
    - ``masks`` (N, H, W) bool, which do not overlap: the pixels of each object, the n-th of the annotation having the
      number n. Objects that could not be told apart have none.
    - ``void`` (H, W) bool, the pixels that are neither background nor in any of ``masks``.

    Raises:
        FolderError: as ``VOCFolder`` does, or no photo has masks of its size.
    """

    def __init__(self, root: str | Path, classes: Sequence[str] | None = None, split: str = ""):
        super().__init__(root, classes, split)
        self._root = Path(root)
        flaws: dict[str, list[str]] = {}
        for name, one in zip(self.names, self._annotated, strict=True):
            flaws.setdefault(self._flaw(name, one.photo), []).append(name)
        kept = [place for place, name in enumerate(self.names) if name in flaws.get("", ())]
        if self.names and not kept:
            sentence = _(
                "No photo in {folder} has masks of its name and size: put them as PNG files into `SegmentationClass` "
                "and `SegmentationObject`."
            )
            raise FolderError(sentence.format(folder=root))
        self.names = tuple(self.names[place] for place in kept)
        self._annotated = tuple(self._annotated[place] for place in kept)
        self.notes += sentences_of({flaw: names for flaw, names in flaws.items() if flaw})
        self._label_of = self._labels_by_number()

    def target(self, index: int) -> dict[str, Tensor]:
        """Return the target of one photo, which is not read for it."""
        classes, objects = (torch.from_numpy(self._mask(kind, index)) for kind in (CLASS_MASKS, OBJECT_MASKS))
        numbers = torch.tensor(self._annotated[index].numbers, dtype=torch.int64)
        masks = objects == numbers[:, None, None]
        return super().target(index) | {
            "pixel_labels": self._label_of[classes.clamp(max=IGNORED)],
            "masks": masks,
            "void": (objects != 0) & ~masks.any(0),
        }

    def _mask(self, kind: str, index: int) -> np.ndarray:
        return read_mask(self._path(kind, self.names[index]))

    def _path(self, kind: str, name: str) -> Path:
        return self._root / kind / f"{name}.png"

    def _flaw(self, name: str, photo: Path) -> str:
        """Say why the masks called ``name`` do not fit their ``photo``, in a sentence about {names}; "" if they do."""
        headers = [_header(path) for path in (photo, self._path(CLASS_MASKS, name), self._path(OBJECT_MASKS, name))]
        if not all(self._path(kind, name).is_file() for kind in (CLASS_MASKS, OBJECT_MASKS)):
            return _("Left out, since the mask is missing: {names}.")
        if any(mode not in ONE_NUMBER for _size, mode in headers[1:]):
            return _("Left out, since the mask is no PNG file with one number a pixel: {names}.")
        if len({size for size, _mode in headers}) > 1:
            return _("Left out, since photo and mask differ in size: {names}.")
        return ""

    def _labels_by_number(self) -> Tensor:
        """Return the class of each number of the class masks, from the first object with a mask of each class: (256,).

        VOC's own numbers follow the alphabet; those of a part of its classes need not.
        """
        label_of = torch.full((IGNORED + 1,), IGNORED, dtype=torch.uint8)
        label_of[0] = 0
        unknown = {name for one in self._annotated for name in one.names}
        for index, one in enumerate(self._annotated):
            if not unknown & {*one.names}:
                continue
            classes, objects = (self._mask(kind, index) for kind in (CLASS_MASKS, OBJECT_MASKS))
            for name, number in zip(one.names, one.numbers, strict=True):
                found = np.bincount(classes[objects == number].clip(0, IGNORED), minlength=1)[1:IGNORED]
                if name in unknown and found.any():
                    label_of[1 + int(found.argmax())] = self.classes.index(name)
                    unknown.remove(name)
        return label_of


def _header(path: Path) -> tuple[tuple[int, int], str]:
    """Return the size (width, height) and Pillow's mode of an image file, (0, 0) and "" where it is none."""
    try:
        with Image.open(path) as picture:
            return picture.size, picture.mode
    except UNREADABLE:
        return (0, 0), ""
