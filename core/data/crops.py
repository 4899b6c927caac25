"""What a classifier learns from: single objects cut out of images with boxes, or images of one class each."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.data.class_folder import ClassFolder
from core.data.digits import SingleDigits
from core.data.mask_folder import MaskFolder
from core.data.voc_folder import VOCFolder
from core.evaluation import Samples, Target

MARGIN = 0.1  # of an object's width and height, on each side


@dataclass(frozen=True)
class ObjectCrops:
    """The ``objects`` of ``samples``, each by the indices of its sample and of its box there, cut out with a margin.

    ``crops[i]`` is an image (3, h, w) uint8 and a target that holds its ``label`` (), counted from 0: a classifier
    knows no background.
    """

    samples: Samples
    objects: Sequence[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.objects)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        sample, number = self.objects[index]
        image, target = self.samples[sample]
        return _cut_out(image, target["boxes"][number]), {"label": target["labels"][number] - 1}


def _cut_out(image: Tensor, box: Tensor) -> Tensor:
    margin = MARGIN * (box[2:] - box[:2])
    left, top = (box[:2] - margin).floor().int().clamp(min=0).tolist()
    right, bottom = (box[2:] + margin).ceil().int().tolist()
    return image[:, top:bottom, left:right].clone()  # a view would keep all of the photo in memory


def objects_in(folder: VOCFolder | MaskFolder) -> list[tuple[int, int]]:
    """Return which objects there are in ``folder``, by sample and box, without those that are marked difficult."""
    targets = map(folder.target, range(len(folder)))
    return [
        (sample, number)
        for sample, target in enumerate(targets)
        for number in range(len(target["labels"]))
        if not ("iscrowd" in target and target["iscrowd"][number])
    ]


@dataclass(frozen=True)
class Labelled:
    """``images`` of one class each, with that class as a target's ``label`` ()."""

    images: ClassFolder | SingleDigits

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        image, label = self.images[index]
        return image, {"label": torch.tensor(label)}
