"""What a model learns from: drawn scenes, digits or a folder, opened in the form that it needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.classifier import Classifier
from core.data.class_folder import ClassFolder
from core.data.crops import Labelled, ObjectCrops, objects_in
from core.data.digits import SingleDigits
from core.data.folders import FolderError
from core.data.mask_folder import MaskFolder
from core.data.sources import COUNTS, DRAWN, Form, dataset_in, without_path
from core.data.voc_folder import VOCFolder
from core.evaluation import Samples
from core.i18n import _
from core.models import MODELS, Kind

PARTS = ("train", "val")
MOST_PROPOSED = 300  # drawn scenes, where proposals have to be searched in each before the first step
LEARNT_FROM: Mapping[Kind, tuple[Form, ...]] = {
    "detector": ("boxes", "masks"),
    "segmenter": ("masks",),
    "classifier": ("classes", "boxes", "masks"),
}
READERS: Mapping[Form, Any] = {"boxes": VOCFolder, "masks": MaskFolder, "classes": ClassFolder}


@dataclass(frozen=True)
class Data:
    """Images to ``train`` on and for ``validation``, their ``classes`` with the background first, which a classifier
    has not, and ``notes`` on what was left out."""

    train: Samples
    validation: Samples
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


def forms_for(model: str) -> tuple[Form, ...]:
    """Return the forms of folders that ``model``, a name, can learn from."""
    return LEARNT_FROM[MODELS[model].kind]


def open_data(data: str, model: str) -> Data:
    """Open ``data`` for ``model``: the drawn "scenes", handwritten "digits", or a folder in a form that is known here.

    Detectors learn from boxes or masks, segmenters from masks, a classifier from images of one class each or from the
    single objects of the others; of a drawn scene, from the first.

    Raises:
        FolderError: it is no such folder, has nothing for ``model`` to learn, or no image is left for one of the parts.
    """
    if data in DRAWN:
        return _drawn(data, model)
    folder = Path(data).resolve()
    try:
        return _opened(folder, model)
    except FolderError as error:
        raise FolderError(without_path(str(error), folder, folder.name)) from None


def _drawn(data: str, model: str) -> Data:
    splits = {"train": COUNTS["train"], "validation": COUNTS["val"]}
    recipe = MODELS[model].recipe
    if recipe and recipe.proposals:
        splits["train"] = min(splits["train"], MOST_PROPOSED)
    if model == Classifier.name and data == "digits":
        images = [SingleDigits(split) for split in splits]
        return Data(Labelled(images[0]), Labelled(images[1]), SingleDigits.classes)
    scenes = [DRAWN[data](split, count) for split, count in splits.items()]
    if model == Classifier.name:
        crops = [ObjectCrops(one, [(index, 0) for index in range(len(one))]) for one in scenes]
        return Data(crops[0], crops[1], scenes[0].classes[1:])
    return Data(scenes[0], scenes[1], scenes[0].classes)


def _opened(folder: Path, model: str) -> Data:
    found = dataset_in(folder)
    if found.form not in forms_for(model):
        words = {"boxes": _("boxes"), "masks": _("masks"), "classes": _("one folder of photos a class")}
        sentence = _("{folder} has {has}, and {model} learns from {needs}: choose another model or other data.")
        needs = _(" or ").join(words[form] for form in forms_for(model))
        title = _(MODELS[model].title)
        raise FolderError(sentence.format(folder=folder, has=words[found.form], model=title, needs=needs))
    parts = [READERS[found.form](found.path, split=part) for part in PARTS]
    samples = [_for_classifier(part) for part in parts] if model == Classifier.name else parts
    for one, split in zip(samples, PARTS, strict=True):
        if not len(one):
            sentence = _("{folder} has no image for {split}: add images, or list them in ImageSets/{split}.txt.")
            raise FolderError(sentence.format(folder=folder, split=split))
    classes = parts[0].classes
    if model == Classifier.name and found.form != "classes":
        classes = classes[1:]
    return Data(samples[0], samples[1], classes, parts[0].notes + parts[1].notes)


def _for_classifier(part: VOCFolder | MaskFolder | ClassFolder) -> Samples:
    return Labelled(part) if isinstance(part, ClassFolder) else ObjectCrops(part, objects_in(part))
