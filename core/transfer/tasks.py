"""Small new tasks for a trained trunk: a few images of each class to learn from, and others to be measured on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

import numpy as np
import torch
from torch import Tensor

from core.classifier import Classifier, resized
from core.data.class_folder import ClassFolder
from core.data.crops import Labelled, ObjectCrops
from core.data.digits import SingleDigits
from core.data.folders import FolderError
from core.data.scenes import ShapeScenes
from core.evaluation import Samples
from core.i18n import _
from core.images import middle_square
from core.training.datasets import Data, open_data

COUNTS = (5, 20, 100)  # images a class
MOST_CLASSES = 12
MEASURED_ON = 30  # images a class
SCENES = {"train": 250, "validation": 100}  # whose shapes are cut out


@dataclass(frozen=True)
class Task:
    """Which of ``classes`` does an image show? ``images`` (N, 3, S, S) uint8 with ``labels`` (N,) to learn from,
    ``validation_images`` with ``validation_labels`` to be measured on, and ``notes`` on what was left out."""

    classes: tuple[str, ...]
    images: Tensor
    labels: Tensor
    validation_images: Tensor
    validation_labels: Tensor
    notes: tuple[str, ...] = ()

    def drawn(self, per_class: int, seed: int) -> tuple[Tensor, Tensor]:
        """Return ``per_class`` images of each class, or all where there are fewer, and their labels: by ``seed``."""
        indices = self.draw(per_class, seed)
        return self.images[indices], self.labels[indices]

    def draw(self, per_class: int, seed: int) -> Tensor:
        """Return the indices of ``drawn``."""
        generator = torch.Generator().manual_seed(seed)
        chosen = []
        for label in range(len(self.classes)):
            own = (self.labels == label).nonzero()[:, 0]
            chosen.append(own[torch.randperm(len(own), generator=generator)[:per_class]])
        return torch.cat(chosen)

    def fixed(self, count: int) -> Tensor:
        """Return the indices of ``count`` validation images, the same every time, of as many classes as it can be."""
        labels = self.validation_labels
        turn = torch.zeros_like(labels)
        for label in range(len(self.classes)):
            own = labels == label
            turn[own] = torch.arange(int(own.sum()))
        order: Tensor = (turn * len(self.classes) + labels).argsort()
        return order[:count]


def open_task(data: str, side: int, learnt_from: int = COUNTS[-1], measured_on: int = MEASURED_ON) -> Task:
    """Open ``data``, "digits", "scenes" or a folder, as a task on images of ``side`` pixels: of each class at most so
    many to be ``learnt_from``, and to be ``measured_on``.

    Raises:
        FolderError: it cannot be read, or there are not two classes with images in both parts.
    """
    found = _shapes() if data == "scenes" else open_data(data, Classifier.name)
    labels = {part: labels_of(samples) for part, samples in (("train", found.train), ("val", found.validation))}
    kept = _most_frequent(labels, len(found.classes))
    if len(kept) < 2:
        raise FolderError(_("Two classes with images to learn from and to be measured on are needed: add some."))
    left = [name for index, name in enumerate(found.classes) if index not in kept]
    note = _("Left out, since there are too few images or too many classes: {names}.").format(names=", ".join(left))
    parts = [
        _chosen(samples, labels[part], kept, most, side)
        for part, samples, most in (("train", found.train, learnt_from), ("val", found.validation, measured_on))
    ]
    (images, targets), (validation_images, validation_targets) = parts
    names = tuple(found.classes[index] for index in kept)
    return Task(
        names, images, targets, validation_images, validation_targets, (*found.notes, *([note] if left else []))
    )


@lru_cache(maxsize=1)  # of 100 MB, where images have 160 pixels
def remembered_task(data: str, side: int, version: str) -> Task:
    """Open ``data`` in its state ``version`` as ``open_task`` does, or remember how it was opened before."""
    return open_task(data, side)


def _most_frequent(labels: Mapping[str, np.ndarray], count: int) -> list[int]:
    """Return the classes that have images in both parts, at most ``MOST_CLASSES`` of them, in order."""
    train, val = (np.bincount(labels[part], minlength=count) for part in ("train", "val"))
    able = [index for index in np.argsort(-train, kind="stable").tolist() if train[index] and val[index]]
    return sorted(able[:MOST_CLASSES])


def _chosen(samples: Samples, labels: np.ndarray, kept: Sequence[int], most: int, side: int) -> tuple[Tensor, Tensor]:
    """Read at most ``most`` images of each class of ``kept``, and label them by their place there."""
    rng = np.random.default_rng(0)
    chosen = [np.sort(rng.permutation(np.flatnonzero(labels == index))[:most]) for index in kept]
    images = [_square(samples, int(one), side) for own in chosen for one in own]
    return torch.stack(images), torch.cat([torch.full((len(own),), place) for place, own in enumerate(chosen)])


def _square(samples: Samples, index: int, side: int) -> Tensor:
    """Return image ``index`` as a square of ``side`` pixels: the middle of a photo, or all of an object cut out."""
    image = samples[index][0]
    if not isinstance(samples, ObjectCrops):
        image = middle_square(image)
    return resized(image[None], side)[0]


def labels_of(samples: Samples) -> np.ndarray:
    """Return the label of each of ``samples``, without a look at the pixels where it is known elsewhere: (N,) int64."""
    if isinstance(samples, ObjectCrops):
        target = getattr(samples.samples, "target", lambda index: samples.samples[index][1])
        of_sample = {index: target(index)["labels"] for index in sorted({index for index, _number in samples.objects})}
        found = [int(of_sample[index][number]) - 1 for index, number in samples.objects]
    elif isinstance(samples, Labelled) and isinstance(samples.images, ClassFolder):
        classes = samples.images.classes
        found = [classes.index(PurePosixPath(name).parent.name) for name in samples.images.names]
    elif isinstance(samples, Labelled) and isinstance(samples.images, SingleDigits):
        found = samples.images.labels
    else:
        found = [int(samples[index][1]["label"]) for index in range(len(samples))]
    return np.asarray(found, np.int64)


def _shapes() -> Data:
    """Return the shapes of drawn scenes, all of a scene instead of one."""
    parts = []
    for split, count in SCENES.items():
        scenes = ShapeScenes(split, count)
        drawn = [scenes[index] for index in range(count)]
        objects = [(index, number) for index, one in enumerate(drawn) for number in range(len(one[1]["labels"]))]
        parts.append(ObjectCrops(drawn, objects))
    return Data(parts[0], parts[1], ShapeScenes.classes[1:])
