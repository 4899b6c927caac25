"""Training a model by the recipe of its entry, on drawn scenes or photos, with what follows the gradient steps.

Every recipe runs on two CPU cores; the times that it took are on the checkpoints' cards.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.backbones import TRUNKS, Backbone
from core.checkpoint import TRUNK, halved, load_trunk, load_weights, save_own, save_tensors, update_card
from core.data import ShapeScenes
from core.data.voc_folder import VOCFolder
from core.data.voc_masks import VOCMasks
from core.evaluation import Samples, Target
from core.families import SHAPES, AnyFamily, Family, family_of
from core.i18n import _
from core.models import MODELS, Model, Recipe
from core.segmentation.study import StudiedFCN, UpsampledScores, UpsamplingStudy
from core.training.batches import PhotoBatches, ProposedPhotos, drawn_ahead
from core.training.loaders import DrawnScenes, batch, draw_ahead, with_proposals
from core.training.loop import Batch, Schedule, TrainingError, TrainingStep, train
from core.training.svm import Fitted, fit

RUNS = Path(__file__).parents[2] / "runs"
SAVE_AFTER = 60.0  # seconds of training on photos, whose steps are slow, that a kill can cost
SVM_STAGE = "SVMs and box regressions"

RECIPES: dict[str, Recipe] = {name: model.recipe for name, model in MODELS.items() if model.recipe}
PHOTO_RECIPES: dict[str, Recipe] = {name: model.photo_recipe for name, model in MODELS.items() if model.photo_recipe}
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
    data: Path | None = None,
    states: Path | None = None,
) -> Iterator[TrainingStep]:
    """Train model ``name`` for ``family``, yielding each step; its weights and card come at the end.

    A family of photographs learns from the folder ``data``. ``minutes`` ends the gradient steps early, with the whole
    cosine in that time. A caller that stops early leaves the state in a folder of its name in ``states``, or runs/,
    from where ``resume`` goes on.

    Raises:
        CheckpointError: the recipe starts from a checkpoint that is missing.
        FolderError: ``data`` cannot be used.
        TrainingError: ``family`` has no recipe for this model, or learns from photos and there are none.
    """
    found = family_of(family)
    recipe = recipe_of(name, found)
    if found.data and data is None:
        sentence = _("This family learns from photos: give their folder by --data, {name} in Pascal VOC's form.")
        raise TrainingError(sentence.format(name=found.data))
    schedule = schedule_of(recipe)
    if found.data:
        schedule = replace(schedule, save_every=1, save_after=SAVE_AFTER)
    if minutes is not None:
        schedule = replace(schedule, minutes=minutes)
    torch.manual_seed(0)
    model = begun(MODELS[name], recipe, found)
    material = photographed(data, name, recipe, found) if data else drawn(recipe)
    state = (states or RUNS / found.name) / name / "state.safetensors"
    last = None
    steps = train(model, material.batch, schedule, state, device, resume, frozen=frozen_parts(model, recipe))
    for last in steps:
        yield last
    if last is None:
        return
    start = time.perf_counter()
    seconds = last.seconds
    if isinstance(model, Fitted):
        for part in fit(model.cpu(), material.few, recipe.svm_regions):
            seconds = last.seconds + time.perf_counter() - start
            yield replace(last, done=part, seconds=seconds, stage=SVM_STAGE)
    save(model, name, recipe, replace(last, seconds=seconds), found.folder, material.said)


def recipe_of(name: str, family: Family) -> Recipe:
    """Return the recipe by which ``family`` has model ``name``.

    Raises:
        TrainingError: it has none.
    """
    known = PHOTO_RECIPES if family.data else RECIPES
    if name not in known:
        sentence = _("There is no recipe for {name} on photos: choose among {known}.")
        raise TrainingError(sentence.format(name=name, known=", ".join(known)))
    return known[name]


@dataclass(frozen=True)
class Material:
    """What a recipe learns from: batch number ``step``, the ``few`` images with proposals that SVMs are fitted to, and
    what is ``said`` of it on the card."""

    batch: Callable[[int], Batch]
    few: Samples
    said: str


def drawn(recipe: Recipe) -> Material:
    """Draw the scenes of ``recipe``, with proposals where it asks for them."""
    scenes = draw_ahead(ShapeScenes("train", recipe.scenes))
    if recipe.proposals:
        scenes = with_proposals(scenes)
    few = DrawnScenes(scenes.images[: recipe.svm_scenes], scenes.targets[: recipe.svm_scenes])
    said = f"{recipe.scenes} drawn scenes (train split, medium), turned, mirrored, colour channels permuted"
    return Material(lambda step: batch(scenes, recipe.batch_size, step), few, said)


def photographed(data: Path, name: str, recipe: Recipe, family: Family) -> Material:
    """Open the photos for training in ``data``, a folder in Pascal VOC's form, with proposals where it asks for them.

    A detector learns from all of them, the others from those with masks.

    Raises:
        FolderError: there are none.
    """
    model = MODELS[name]
    folder = (VOCFolder if model.kind == "detector" else VOCMasks)(data, family.classes, "train")
    photos = ProposedPhotos(folder) if recipe.proposals else folder
    tall = [height > width for width, height in folder.sizes()]
    batches = PhotoBatches(photos, recipe.batch_size, model.form or "cut", trunk=TRUNKS[family.trunk], tall=tall)
    said = f"{len(photos)} photos ({data.name}, train), mirrored, enlarged and made smaller, with more and less light"
    few = FirstOf(batches.photos, min(len(photos), recipe.svm_scenes))
    return Material(drawn_ahead(batches), few, said)


@dataclass(frozen=True)
class FirstOf:
    """The first ``count`` of ``samples``."""

    samples: Samples
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Tensor, Target]:
        return self.samples[index]


def frozen_parts(model: nn.Module, recipe: Recipe) -> tuple[str, ...]:
    """Return the names of the parts of ``model`` that its recipe leaves as they are."""
    if recipe.trunk_stays or isinstance(model, StudiedFCN):
        return ("trunk",)
    trunk = model.trunk
    assert isinstance(trunk, Backbone)
    return tuple(f"trunk.{part}" for part in trunk.frozen)


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


def save(model: nn.Module, name: str, recipe: Recipe, last: TrainingStep, folder: Path, data: str) -> None:
    """Write the weights in half precision, which the 40 MB for all checkpoints ask for, and the card with its ``data``.

    Heads of the upsampling study have a checkpoint each.
    """
    entries = _card(recipe, last, data)
    if isinstance(model, UpsamplingStudy):
        save_own(nn.ModuleDict({TRUNK: model.trunk}), name, folder)
        update_card(name, folder, **entries)
        heads = model.heads.items()
    elif isinstance(model, StudiedFCN):
        heads = {name: model.head}.items()
    else:
        save_own(model, name, folder, recipe.start or TRUNK)
        update_card(name, folder, **entries)
        return
    for way, head in heads:
        losses = {"classification": last.losses.get(way, last.losses.get("classification"))}
        _save(head.state_dict(), way, folder / UpsamplingStudy.name)
        update_card(way, folder / UpsamplingStudy.name, **{**entries, "losses": losses})


def _save(weights: dict[str, Tensor], name: str, folder: Path) -> None:
    save_tensors(halved(weights), folder / f"{name}.safetensors")


def _card(recipe: Recipe, last: TrainingStep, data: str) -> dict[str, Any]:
    return {
        "data": data,
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
