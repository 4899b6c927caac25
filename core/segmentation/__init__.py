"""Segmenters by name: a fully connected CNN, the line of FCNs, and Mask R-CNN."""

from pathlib import Path

from core.checkpoint import FOLDER, load_ready
from core.segmentation.base import Segmenter
from core.segmentation.fcn import FCN8s, FCN16s, FCN32s
from core.segmentation.instance import MaskRCNN
from core.segmentation.patch_cnn import PatchCNN

SEGMENTERS: dict[str, type[PatchCNN | FCN32s | FCN16s | FCN8s | MaskRCNN]] = {
    kind.name: kind for kind in (PatchCNN, FCN32s, FCN16s, FCN8s, MaskRCNN)
}
NAMES = tuple(SEGMENTERS)


def build(name: str) -> Segmenter | MaskRCNN:
    """Return segmenter ``name`` of ``NAMES`` with random weights, ready to predict."""
    return SEGMENTERS[name]().eval()


def load(name: str, folder: Path = FOLDER) -> Segmenter | MaskRCNN:
    """Return segmenter ``name`` of ``NAMES`` with its trained weights, ready to predict.

    Batch normalisation is folded into the convolutions.

    Raises:
        CheckpointError: the checkpoint is missing or damaged; the message names the command that trains it.
    """
    return load_ready(build(name), name, folder)


__all__ = ["NAMES", "SEGMENTERS", "MaskRCNN", "Segmenter", "build", "load"]
