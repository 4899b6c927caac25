"""Folders of photos in whichever form they are: with boxes, with a mask each, or one folder a class."""

from pathlib import Path

from core.data.class_folder import ClassFolder, class_folders, class_roots
from core.data.folders import FolderError, visible
from core.data.mask_folder import MaskFolder
from core.data.voc_folder import VOCFolder
from core.i18n import _


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
