"""Models of the family of photographs that nobody trained: on its trunk, with random weights behind it.

Tests of the app take them, so that none waits for a training. ``python -m tests.stand_ins run streamlit_app.py`` runs
the app with those in the folder that ``VISIBLE_VISION_STAND_INS`` names, as ``streamlit run`` would.
"""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from streamlit.web import cli
from torch import nn

from core import segmentation
from core.checkpoint import TRUNK, load_trunk
from core.detectors import NAMES
from core.families import FAMILIES, PHOTOS, Family
from core.models import MODELS, Recipe
from core.segmentation.fcn import FCN
from core.segmentation.study import UpsamplingStudy
from core.training.loop import TrainingStep
from core.training.recipes import save

FOLDER = "VISIBLE_VISION_STAND_INS"


def write_stand_ins(folder: Path) -> Family:
    """Write a checkpoint of each model into ``folder``; return the family of photographs with those."""
    family = replace(PHOTOS, folder=folder)
    shutil.copy(PHOTOS.folder / f"{TRUNK}.safetensors", folder)
    for name in (*NAMES, *segmentation.NAMES, UpsamplingStudy.name):
        torch.manual_seed(0)
        model: nn.Module = MODELS[name].make(family.trunk, family.classes)
        load_trunk(model.trunk, TRUNK, folder)  # type: ignore[arg-type]
        if isinstance(model, FCN):  # scores that began at zero would know the background alone
            for layer in model.score:
                nn.init.normal_(layer.weight, std=0.1)  # type: ignore[arg-type]
        save(model, name, Recipe(0, 0, 0, 0.0), TrainingStep(0, 1.0, {}, 0.0, 0.0), folder, "nothing")
    return family


if __name__ == "__main__":
    FAMILIES[PHOTOS.name] = replace(PHOTOS, folder=Path(os.environ[FOLDER]))
    cli.main(prog_name="streamlit")
