"""Detectors of the family of photographs that nobody trained: on its trunk, with random weights behind it.

Tests of the app take them, so that none waits for a training.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import torch

from core.checkpoint import TRUNK, load_trunk, own_weights, save_tensors
from core.detectors import NAMES, build
from core.families import PHOTOS, Family

FOLDER = "VISIBLE_VISION_STAND_INS"  # names, to a server of the tests, where they lie


def write_stand_ins(folder: Path) -> Family:
    """Write a checkpoint of each detector into ``folder``; return the family of photographs with those."""
    family = replace(PHOTOS, folder=folder)
    shutil.copy(PHOTOS.folder / f"{TRUNK}.safetensors", folder)
    for name in NAMES:
        torch.manual_seed(0)
        detector = build(name, family)
        load_trunk(detector.trunk, TRUNK, folder)
        save_tensors(own_weights(detector, folder), folder / f"{name}.safetensors")
    return family


def stand_ins_named() -> Family:
    """Return the family of photographs with the stand-ins that the environment names."""
    return replace(PHOTOS, folder=Path(os.environ[FOLDER]))
