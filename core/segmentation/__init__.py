"""Segmenters by name: a fully connected CNN, the line of FCNs, and Mask R-CNN."""

from core.checkpoint import load_ready
from core.families import SHAPES, AnyFamily, family_of
from core.models import MODELS, names
from core.segmentation.base import Segmenter
from core.segmentation.instance import MaskRCNN

NAMES = names("segmenter")


def build(name: str, family: AnyFamily = SHAPES) -> Segmenter | MaskRCNN:
    """Return segmenter ``name`` of ``NAMES`` as ``family`` has it, with random weights, ready to predict."""
    found = family_of(family)
    segmenter: Segmenter | MaskRCNN = MODELS[name].make(found.trunk, found.classes)
    return segmenter.eval()


def load(name: str, family: AnyFamily = SHAPES) -> Segmenter | MaskRCNN:
    """Return segmenter ``name`` of ``NAMES`` with its trained weights of ``family``, ready to predict.

    Batch normalisation is folded into the convolutions.

    Raises:
        CheckpointError: the checkpoint is missing or damaged; the message names the command that trains it.
    """
    return load_ready(build(name, family), name, family_of(family).folder)


__all__ = ["NAMES", "MaskRCNN", "Segmenter", "build", "load"]
