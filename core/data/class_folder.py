"""Photos in one folder a class."""

from pathlib import Path

from torch import Tensor
from torch.utils.data import Dataset

from core.data.folders import SUFFIXES, FolderError, in_split, photos_in, read_photo, sentences_of, visible
from core.i18n import _

PARTS = {"train": "train", "val": "val", "validation": "val", "test": "test"}  # splits by the names of their folders


class ClassFolder(Dataset[tuple[Tensor, int]]):
    """The photos of ``root``/CLASS/, or of ``root``/SPLIT/CLASS/: ``folder[i]`` is an image and its class.

    An image is (3, H, W) uint8 of its own size, its class an index into ``classes``, which are the folders' names in
    order; there is no background. ``names`` are CLASS/FILE, ``notes`` has a sentence for what was left out. A
    ``split`` is the folder of its name where there is one, of "val" also that called validation, else as ``in_split``
    has it.

    Raises:
        FolderError: there are not two classes with photos, or no such ``split``; later, a photo cannot be read.
    """

    def __init__(self, root: str | Path, split: str = ""):
        root = Path(root)
        roots = class_roots(root)
        chosen = [part for part in roots if part != root and PARTS[part.name] == split] or roots
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
        self.notes = sentences_of({_("Left out what is no JPEG, PNG or WebP file by its name: {names}."): others})

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        photo = self._photos[index]
        return read_photo(photo), self.classes.index(photo.parent.name)


def class_roots(root: Path) -> list[Path]:
    """Return the folders in which the classes of ``root`` have a folder each: those of its parts, or itself."""
    return [root / part for part in PARTS if class_folders(root / part)] or [root]


def class_folders(root: Path) -> list[Path]:
    """Return the folders in ``root`` that hold photos, by name."""
    return [path for path in visible(root) if path.is_dir() and photos_in(path)]
