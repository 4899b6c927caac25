"""One entry a model: what it is trained on, for how long, and what follows the gradient steps.

Every recipe runs on two CPU cores; the times that it took are on the checkpoints' cards.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from core.backbones import CellClassifier
from core.data import ShapeScenes
from core.data.loaders import batch, draw_ahead
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.yolo import YOLO
from core.training.checkpoint import FOLDER, load_weights, save_tensors, update_card
from core.training.loop import Schedule, TrainingStep, train

RUNS = Path(__file__).parents[2] / "runs"


@dataclass(frozen=True)
class Recipe:
    """How one model is made: its class, how many training scenes, batch size and schedule, where its trunk starts
    (``"trunk"``, the cell classifier's, or None for random weights) and whether it needs region proposals."""

    make: Callable[[], nn.Module]
    scenes: int
    batch_size: int
    schedule: Schedule
    start: str | None = "trunk"
    proposals: bool = False


RECIPES = {
    "trunk": Recipe(CellClassifier, 8000, 32, Schedule(steps=3000, learning_rate=3e-3), start=None),
    "yolo": Recipe(YOLO, 8000, 32, Schedule(steps=6000, learning_rate=2e-3)),
    "faster_rcnn": Recipe(FasterRCNN, 8000, 8, Schedule(steps=8000, learning_rate=1e-3)),
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
    if recipe.start:
        donor = CellClassifier()
        load_weights(donor, recipe.start, folder)
        model.trunk.load_state_dict(donor.trunk.state_dict())  # type: ignore[operator, union-attr]
    scenes = draw_ahead(ShapeScenes("train", recipe.scenes))
    state = RUNS / name / "state.safetensors"
    last = None
    for last in train(model, lambda step: batch(scenes, recipe.batch_size, step), schedule, state, device, resume):
        yield last
    if last:
        save(model, name, recipe, last, folder)


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
            "optimizer": "AdamW, cosine, bfloat16 autocast",
            "start": recipe.start or "random weights",
        },
        seed=0,
        minutes=round(last.seconds / 60, 1),
        machine={"threads": torch.get_num_threads(), "torch": torch.__version__},
        losses=last.losses,
    )
