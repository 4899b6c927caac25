"""Which trained models belong together: a trunk, a set of classes, and the models that were trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from core.backbones import TRUNKS
from core.checkpoint import FOLDER, read_card
from core.data.mask_folder import IGNORED
from core.data.scenes import CLASSES
from core.data.targets import part_of
from core.i18n import N_

Target = dict[str, Tensor]


@dataclass(frozen=True)
class Family:
    """The entry of family ``name``: its ``title``, the name of its ``trunk`` in ``core.backbones.TRUNKS``, the
    ``classes`` of its data with the background first, the ``folder`` of its checkpoints and their cards, and, where it
    learns from photos, the ``data``, a folder of that name in Pascal VOC's form."""

    name: str
    title: str
    trunk: str
    classes: tuple[str, ...]
    folder: Path
    data: str = ""

    @property
    def for_timing(self) -> bool:
        """Whether its models have random weights, so that only their times mean anything."""
        return TRUNKS[self.trunk].for_timing

    def known_part(self, target: Target, classes: Sequence[str]) -> tuple[Target | None, tuple[str, ...]]:
        """Return the objects of a detection ``target`` that its models know, numbered by its own classes, None where
        there is none; and the names of the classes that were left out. ``classes`` are the names of the target's. Of
        pixels of other classes nothing is known.
        """
        names = [classes[label] for label in target["labels"].tolist()]
        known = torch.tensor([name in self.classes[1:] for name in names], dtype=torch.bool)
        left_out = tuple(sorted({*names} - {*self.classes[1:]}))
        if not known.any():
            return None, left_out
        part = part_of(target, known)
        own = torch.tensor([self.classes.index(name) if name in self.classes else IGNORED for name in classes])
        part["labels"] = own[part["labels"]]
        if "pixel_labels" in target:
            everything = functional.pad(own, (0, IGNORED + 1 - len(own)), value=IGNORED).to(torch.uint8)
            part["pixel_labels"] = everything[target["pixel_labels"].long()]
        return part, left_out


SHAPES = Family("shapes", N_("Drawn shapes"), "slim", CLASSES, FOLDER / "shapes")
ANIMALS = (N_("background"), N_("person"), N_("dog"), N_("cat"), N_("horse"), N_("cow"), N_("sheep"))
PHOTOS = Family("photos", N_("Photographs"), "lite0", ANIMALS, FOLDER / "photos", "animals")
# Not a trained one: random weights at the papers' size, for timing only.
PAPER_SIZE = Family("paper", N_("Paper size"), "paper", CLASSES, FOLDER / "paper")
FAMILIES = {family.name: family for family in (SHAPES, PHOTOS, PAPER_SIZE)}

AnyFamily = Family | str  # a family, or the name of one of ``FAMILIES``


def family_of(family: AnyFamily) -> Family:
    """Return ``family``, or the one of ``FAMILIES`` that it names."""
    return FAMILIES[family] if isinstance(family, str) else family


def card_of(model: str, family: AnyFamily = SHAPES) -> dict[str, Any]:
    """Return the card of the checkpoint called ``model``, empty where there is none."""
    return read_card(model, family_of(family).folder)
