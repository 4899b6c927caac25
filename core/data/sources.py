"""Where images to learn from come from: drawn scenes, handwritten digits, and folders in a form that is known here."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2.functional import InterpolationMode, resize

from core.data.class_folder import ClassFolder
from core.data.digits import DigitScenes
from core.data.folder_forms import form_of, read_folder
from core.data.folders import FolderError
from core.data.mask_folder import MaskFolder
from core.data.scenes import ShapeScenes
from core.data.targets import part_of
from core.data.voc_folder import VOCFolder
from core.data.voc_masks import CLASS_MASKS, VOCMasks
from core.i18n import _
from core.images import LONGEST

Form = Literal["boxes", "masks", "classes"]
FORMS: Mapping[str, Form] = {"voc": "boxes", "masks": "masks", "classes": "classes"}  # by the names of form_of
DRAWN: Mapping[str, Callable[[str, int], ShapeScenes | DigitScenes]] = {"scenes": ShapeScenes, "digits": DigitScenes}
COUNTS = {"train": 2000, "val": 100}  # of scenes that are drawn for each part
VARIABLE = "VISIBLE_VISION_DATA"
DEFAULT_FOLDER = Path(__file__).parents[2] / "data"


Sample = tuple[Tensor, dict[str, Tensor]]


@dataclass(frozen=True)
class FoundFolder:
    """A folder with a dataset: where it begins, as ``path``, and its ``form``."""

    path: Path
    form: Form


def owners_folder() -> Path:
    """Return the folder into which the server's owner has put datasets: ``VISIBLE_VISION_DATA`` names it."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_FOLDER)


def dataset_in(folder: str | Path) -> FoundFolder:
    """Return where the dataset in ``folder`` begins, and its form.

    Raises:
        FolderError: no form of dataset is there.
    """
    root, form = form_of(folder)
    return FoundFolder(root, FORMS[form])


def datasets_below(folder: Path) -> dict[str, FoundFolder]:
    """Return the datasets among the sub-folders of ``folder``, which need not exist, by their names."""
    found = {}
    for path in sorted(folder.glob("*")):
        if path.is_dir() and not path.name.startswith("."):
            try:
                found[path.name] = dataset_in(path)
            except (FolderError, OSError):  # something else, or not for us to read
                continue
    return found


class Opened(Dataset[Sample]):
    """A part of a source: an image (3, H, W) uint8, its longer side scaled down to 1024, and its target, by index.

    A target is a detection target, or holds the ``label`` () int64 of the whole image. ``classes`` are the names of
    labels from 0, ``notes`` has a sentence for everything that was left out.
    """

    def __init__(self, images: ShapeScenes | DigitScenes | VOCFolder | MaskFolder | ClassFolder, folder: str = ""):
        self._images = images
        self._folder = folder
        self.classes: tuple[str, ...] = tuple(images.classes)
        self.notes: tuple[str, ...] = getattr(images, "notes", ())

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        try:
            image, target = self._images[index]
        except FolderError as error:
            raise _nameless(error, self._folder) from None
        return _reduced(image, target if isinstance(target, dict) else {"label": torch.tensor(target)})


def _reduced(image: Tensor, target: dict[str, Tensor]) -> Sample:
    height, width = image.shape[1:]
    if max(height, width) <= LONGEST:
        return image, target
    size = [max(1, round(side * LONGEST / max(height, width))) for side in (height, width)]
    changed = {}
    if "boxes" in target:
        down, across = size[0] / height, size[1] / width
        changed["boxes"] = target["boxes"] * torch.tensor([across, down, across, down])
    for name in ("masks", "void", "pixel_labels"):
        if name in target:
            pixels = target[name].to(torch.uint8).reshape(-1, height, width)
            scaled = resize(pixels, size, InterpolationMode.NEAREST).to(target[name].dtype)
            changed[name] = scaled.reshape(*target[name].shape[:-2], *size)
    return resize(image, size, antialias=True), target | changed


def open_set(name: str, masks: bool = False) -> Opened:
    """Open the photos of the owner's set called ``name`` that are for validation, all where none are.

    Where ``masks`` are asked for, a set in Pascal VOC's layout has only those photos that have some, with them.

    Raises:
        FolderError: there is no such set or no photo in it, or it cannot be read; later, a photo cannot be read.
    """
    found = datasets_below(owners_folder()).get(name)
    opened = _open_masks if masks and found and found.form == "boxes" else open_source
    parts = (opened(str(found.path), part) for part in ("val", "")) if found else ()
    photos = next((part for part in parts if len(part)), None)
    if photos is None:
        raise FolderError(
            _("There are no photos of a set {name} on this server: choose another one.").format(name=name)
        )
    return photos


def _open_masks(folder: str, split: str) -> Opened:
    try:
        return Opened(VOCMasks(folder, split=split), folder)
    except FolderError as error:
        raise _nameless(error, folder) from None


def has_masks(found: FoundFolder) -> bool:
    """Whether the photos of a folder say more than boxes."""
    return found.form == "masks" or (found.path / CLASS_MASKS).is_dir()


def certain(target: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a detection ``target`` without the objects that VOC calls difficult, which no score counts."""
    return part_of(target, target["iscrowd"] == 0) if "iscrowd" in target else target


def open_source(data: str, split: str = "train") -> Opened:
    """Open the part ``split``, "train" or "val", of ``data``: "scenes", "digits" or a folder, of which "" is the whole.

    Raises:
        FolderError: the folder cannot be read, or has no such part; later, a photo cannot be read. The messages do not
            say where the folder lies.
    """
    if data in DRAWN:
        return Opened(DRAWN[data]("validation" if split == "val" else "train", COUNTS[split or "train"]))
    if not Path(data).is_dir():
        raise FolderError(_("The folder is no longer there: choose the source again."))
    try:
        return Opened(read_folder(data, split), data)
    except FolderError as error:
        raise _nameless(error, data) from None


def _nameless(error: FolderError, folder: str) -> FolderError:
    return FolderError(without_path(str(error), folder, _("the data set")))


def without_path(sentence: str, folder: str | Path, title: str) -> str:
    """Return ``sentence`` with ``title`` for the path of ``folder``, which is the server's own business."""
    return sentence.replace(f"{folder}/", "").replace(str(folder), title)
