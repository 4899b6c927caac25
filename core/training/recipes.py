"""One entry a model: what it is trained on, for how long, and what follows the gradient steps.

Every recipe runs on two CPU cores; the times that it took are on the checkpoints' cards.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from core.backbones import CellClassifier
from core.checkpoint import FOLDER, load_trunk, load_weights, save_tensors, update_card
from core.data import ShapeScenes
from core.detectors.fast_rcnn import FastRCNN
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.detectors.yolo import YOLO
from core.segmentation.fcn import FCN8s, FCN16s, FCN32s
from core.segmentation.instance import MaskRCNN
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.study import UpsamplingStudy
from core.training.loaders import DrawnScenes, batch, draw_ahead, with_proposals
from core.training.loop import Schedule, TrainingStep, train
from core.training.svm import Fitted, fit

RUNS = Path(__file__).parents[2] / "runs"
SVM_STAGE = "SVMs and box regressions"


@dataclass(frozen=True)
class Recipe:
    """How one model is made: its class, how many training scenes, batch size and schedule.

    It starts from the checkpoint ``start``: ``"trunk"``, the cell classifier's, or that of a model which it extends;
    None for random weights. ``proposals`` says whether it needs region proposals, and ``svm_regions`` how many of them
    an image gives to the SVMs and box regressions that follow, on ``svm_scenes`` images.
    """

    make: Callable[[], nn.Module]
    scenes: int
    batch_size: int
    schedule: Schedule
    start: str | None = "trunk"
    proposals: bool = False
    svm_scenes: int = 0
    svm_regions: int = 0


RECIPES = {
    "trunk": Recipe(CellClassifier, 8000, 32, Schedule(steps=3000, learning_rate=3e-3), start=None),
    "rcnn": Recipe(
        RCNN, 2000, 4, Schedule(steps=2400, learning_rate=5e-4), proposals=True, svm_scenes=300, svm_regions=200
    ),
    "sppnet": Recipe(
        SPPNet, 2000, 8, Schedule(steps=6000, learning_rate=1e-3), proposals=True, svm_scenes=1000, svm_regions=500
    ),
    "fast_rcnn": Recipe(FastRCNN, 2000, 8, Schedule(steps=12_000, learning_rate=1e-3, cycles=2), proposals=True),
    "yolo": Recipe(YOLO, 8000, 32, Schedule(steps=12_000, learning_rate=2e-3, cycles=2)),
    "faster_rcnn": Recipe(FasterRCNN, 8000, 8, Schedule(steps=16_000, learning_rate=1e-3, cycles=2)),
    "patch_cnn": Recipe(PatchCNN, 8000, 8, Schedule(steps=1500, learning_rate=1e-3)),
    "fcn32s": Recipe(FCN32s, 8000, 16, Schedule(steps=4000, learning_rate=2e-3)),
    "fcn16s": Recipe(FCN16s, 8000, 16, Schedule(steps=2500, learning_rate=1e-3), start="fcn32s"),
    "fcn8s": Recipe(FCN8s, 8000, 16, Schedule(steps=12_000, learning_rate=2e-3, cycles=2), start="fcn16s"),
    "mask_rcnn": Recipe(MaskRCNN, 8000, 8, Schedule(steps=4000, learning_rate=1e-3), start="faster_rcnn"),
    "upsamplers": Recipe(UpsamplingStudy, 8000, 8, Schedule(steps=1800, learning_rate=1e-3)),
}


def train_by_recipe(
    name: str, minutes: float | None = None, device: str = "cpu", resume: bool = False, folder: Path = FOLDER
) -> Iterator[TrainingStep]:
    """Train model ``name`` of ``RECIPES``, yielding each step; at the end its weights and card are in ``folder``.

    ``minutes`` ends the gradient steps early, with the whole cosine in that time. A caller that stops early leaves
    the state in runs/, from where ``resume`` goes on.

    Raises:
        CheckpointError: the recipe starts from a checkpoint that is missing.
    """
    recipe = RECIPES[name]
    schedule = recipe.schedule if minutes is None else replace(recipe.schedule, minutes=minutes)
    torch.manual_seed(0)
    model = recipe.make()
    if recipe.start == "trunk":
        load_trunk(model.trunk, recipe.start, folder)  # type: ignore[arg-type]
    elif recipe.start:
        load_weights(model, recipe.start, folder, part=True)
    scenes = draw_ahead(ShapeScenes("train", recipe.scenes))
    if recipe.proposals:
        scenes = with_proposals(scenes)
    state = RUNS / name / "state.safetensors"
    last = None
    for last in train(model, lambda step: batch(scenes, recipe.batch_size, step), schedule, state, device, resume):
        yield last
    if last is None:
        return
    start = time.perf_counter()
    seconds = last.seconds
    if isinstance(model, Fitted):
        few = DrawnScenes(scenes.images[: recipe.svm_scenes], scenes.targets[: recipe.svm_scenes])
        for part in fit(model.cpu(), few, recipe.svm_regions):
            seconds = last.seconds + time.perf_counter() - start
            yield replace(last, done=part, seconds=seconds, stage=SVM_STAGE)
    save(model, name, recipe, replace(last, seconds=seconds), folder)


def save(model: nn.Module, name: str, recipe: Recipe, last: TrainingStep, folder: Path) -> None:
    """Write the weights in half precision, which the 40 MB for all checkpoints ask for, and the card."""
    weights = {key: value.half() if value.is_floating_point() else value for key, value in model.state_dict().items()}
    save_tensors(weights, folder / f"{name}.safetensors")
    update_card(
        name,
        folder,
        data=f"{recipe.scenes} drawn scenes (train split, medium), turned, mirrored, colour channels permuted",
        recipe={
            "steps": last.step,
            "batch_size": recipe.batch_size,
            "learning_rate": recipe.schedule.learning_rate,
            "optimizer": f"AdamW, {recipe.schedule.cycles} x cosine, bfloat16 autocast",
            "start": recipe.start or "random weights",
        },
        svm=f"{recipe.svm_regions} proposals of each of {recipe.svm_scenes} scenes" if recipe.svm_scenes else None,
        seed=0,
        minutes=round(last.seconds / 60, 1),
        machine={"threads": torch.get_num_threads(), "torch": torch.__version__},
        losses=last.losses,
    )
