"""Training a model by the recipe of its entry, on drawn scenes, with what follows the gradient steps.

Every recipe runs on two CPU cores; the times that it took are on the checkpoints' cards.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.checkpoint import load_trunk, load_weights, save_tensors, update_card
from core.data import ShapeScenes
from core.families import SHAPES, AnyFamily, Family, family_of
from core.models import MODELS, Model, Recipe
from core.segmentation.study import StudiedFCN, UpsampledScores, UpsamplingStudy
from core.training.loaders import DrawnScenes, batch, draw_ahead, with_proposals
from core.training.loop import Schedule, TrainingStep, train
from core.training.svm import Fitted, fit

RUNS = Path(__file__).parents[2] / "runs"
SVM_STAGE = "SVMs and box regressions"

RECIPES: dict[str, Recipe] = {name: model.recipe for name, model in MODELS.items() if model.recipe}
AT_ONCE = tuple(name for name in RECIPES if MODELS[name].kind != "upsampler")  # the study trains all of those


def schedule_of(recipe: Recipe) -> Schedule:
    """Return the schedule that ``recipe`` asks for."""
    return Schedule(recipe.steps, recipe.learning_rate, cycles=recipe.cycles)


def train_by_recipe(
    name: str,
    minutes: float | None = None,
    device: str = "cpu",
    resume: bool = False,
    family: AnyFamily = SHAPES,
) -> Iterator[TrainingStep]:
    """Train model ``name`` of ``RECIPES`` for ``family``, yielding each step; its weights and card come at the end.

    ``minutes`` ends the gradient steps early, with the whole cosine in that time. A caller that stops early leaves
    the state in runs/, from where ``resume`` goes on.

    Raises:
        CheckpointError: the recipe starts from a checkpoint that is missing.
    """
    found, recipe = family_of(family), RECIPES[name]
    schedule = schedule_of(recipe)
    if minutes is not None:
        schedule = replace(schedule, minutes=minutes)
    torch.manual_seed(0)
    model = begun(MODELS[name], recipe, found)
    scenes = draw_ahead(ShapeScenes("train", recipe.scenes))
    if recipe.proposals:
        scenes = with_proposals(scenes)
    state = RUNS / found.name / name / "state.safetensors"
    frozen = ("trunk",) if isinstance(model, StudiedFCN) else ()
    last = None
    steps = train(
        model, lambda step: batch(scenes, recipe.batch_size, step), schedule, state, device, resume, frozen=frozen
    )
    for last in steps:
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
    save(model, name, recipe, replace(last, seconds=seconds), found.folder)


def begun(model: Model, recipe: Recipe, family: Family) -> nn.Module:
    """Return ``model`` as ``family`` has it, with the weights that its ``recipe`` starts from.

    A way of upsampling begins as one network of the study, on the trunk that the study trained.

    Raises:
        CheckpointError: as ``core.checkpoint.load_weights`` does.
    """
    if model.kind == "upsampler":
        study = UpsamplingStudy(family.trunk, family.classes, (model.name,))
        load_trunk(study.trunk, UpsamplingStudy.name, family.folder)
        head = study.heads[model.name]
        assert isinstance(head, UpsampledScores)
        return StudiedFCN(study.trunk, head, study.classes)
    made: nn.Module = model.make(family.trunk, family.classes)
    if recipe.start == "trunk":
        load_trunk(made.trunk, recipe.start, family.folder)  # type: ignore[arg-type]
    elif recipe.start:
        load_weights(made, recipe.start, family.folder, part=True)
    return made


def save(model: nn.Module, name: str, recipe: Recipe, last: TrainingStep, folder: Path) -> None:
    """Write the weights in half precision, which the 40 MB for all checkpoints ask for, and the card.

    Heads of the upsampling study have a checkpoint each.
    """
    entries = _card(recipe, last)
    if isinstance(model, UpsamplingStudy):
        _save({f"trunk.{key}": value for key, value in model.trunk.state_dict().items()}, name, folder)
        update_card(name, folder, **entries)
        heads = model.heads.items()
    elif isinstance(model, StudiedFCN):
        heads = {name: model.head}.items()
    else:
        _save(model.state_dict(), name, folder)
        update_card(name, folder, **entries)
        return
    for way, head in heads:
        losses = {"classification": last.losses.get(way, last.losses.get("classification"))}
        _save(head.state_dict(), way, folder / UpsamplingStudy.name)
        update_card(way, folder / UpsamplingStudy.name, **{**entries, "losses": losses})


def _save(weights: dict[str, Tensor], name: str, folder: Path) -> None:
    halved = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    save_tensors(halved, folder / f"{name}.safetensors")


def _card(recipe: Recipe, last: TrainingStep) -> dict[str, Any]:
    return {
        "data": f"{recipe.scenes} drawn scenes (train split, medium), turned, mirrored, colour channels permuted",
        "recipe": {
            "steps": last.step,
            "batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            "optimizer": f"AdamW, {recipe.cycles} x cosine, bfloat16 autocast",
            "start": recipe.start or "random weights",
        },
        "svm": f"{recipe.svm_regions} proposals of each of {recipe.svm_scenes} scenes" if recipe.svm_scenes else None,
        "seed": 0,
        "minutes": round(last.seconds / 60, 1),
        "machine": {"threads": torch.get_num_threads(), "torch": torch.__version__},
        "losses": last.losses,
    }
