"""Training on one's own data: a folder and a checkpoint in, a run directory out, scores and pictures meanwhile."""

import json
import math
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import torch

from core.checkpoint import CheckpointError, read_card, update_card
from core.data.folders import FolderError
from core.data.sources import without_path
from core.families import SHAPES
from core.i18n import _
from core.models import MODELS
from core.segmentation.instance import MaskRCNN
from core.stages import Staged
from core.training.batches import (
    PhotoBatches,
    ProposedPhotos,
    cached_proposals,
    drawn_ahead,
)
from core.training.datasets import Data, open_data
from core.training.events import Begun, Event, Preparing
from core.training.initial_weights import Taken, read_weights, start_from
from core.training.loop import train
from core.training.observed_run import ObservedRun
from core.training.plan import Plan
from core.training.runs import STATE, opened_log, read_metrics, standing, step_of
from core.training.team import ALONE, Team
from core.values import Regions

_MAY_CHANGE = {"steps", "minutes", "score_every", "score_steps", "look_every", "patience"}  # when a run goes on


def tune(
    plan: Plan,
    out: Path,
    data: Data | None = None,
    device: str = "cpu",
    resume: bool = False,
    checkpoints: Path = SHAPES.folder,
    team: Team = ALONE,
) -> Generator[Event, None, None]:
    """Train by ``plan``, yielding events, and keep everything in the run directory ``out``.

    A caller pauses by not going on, and stops by closing the generator: the state and the card are written then. With
    ``resume`` it goes on from there, or from what a kill has left, with the losses that it would have had if the plan
    counts in steps; a plan in minutes counts those of training, before and after. SVMs are fitted anew from the start.

    Raises:
        CheckpointError: ``plan.start`` does not fit, ``out`` holds another run, none that could be resumed, or cannot
            be written to.
        FolderError: ``plan.data`` cannot be used.
        TrainingError: the losses are no numbers any more.
    """
    with _by_name(plan.data):
        yield from _tuned(plan, out, data or open_data(plan.data, plan.model), device, resume, checkpoints, team)


@contextmanager
def _by_name(data: str) -> Iterator[None]:
    """Let what is wrong with a folder be said with its name alone: where it lies is the machine's own business."""
    try:
        yield
    except FolderError as error:
        folder = Path(data).resolve()
        raise FolderError(without_path(str(error), folder, folder.name)) from None


def _tuned(
    plan: Plan, out: Path, data: Data, device: str, resume: bool, checkpoints: Path, team: Team
) -> Generator[Event, None, None]:
    if plan.batch_size % team.size:
        sentence = _("A batch of {size} images cannot be shared by {count} processes alike.")
        raise CheckpointError(sentence.format(size=plan.batch_size, count=team.size))
    if team.leads:
        _check(plan, out, resume)
    torch.manual_seed(plan.seed)
    model, taken = _made(plan, data.classes, checkpoints)
    samples = data.train
    recipe, form = MODELS[plan.model].recipe, MODELS[plan.model].form
    assert form
    if recipe and recipe.proposals:
        samples = ProposedPhotos(samples)
        model.propose = lambda image: Regions(cached_proposals(image))  # type: ignore[assignment]
        for index in range(len(samples)):
            samples[index]
            yield Preparing((index + 1) / len(samples))
    batches = PhotoBatches(samples, plan.batch_size, form, plan.augmentation, plan.seed)
    share = team.share(min(plan.batch_size, len(samples)))
    batch = drawn_ahead(lambda step: batches(step, share))
    frozen = ("trunk",) if plan.freeze == "trunk" else ()
    flat = resume and team.agreed(float(_is_flat(plan, out)))
    schedule = replace(plan.schedule, steps=step_of(out), minutes=math.inf) if flat else plan.schedule
    steps = train(model, batch, schedule, out / STATE, device, resume, plan.seed, frozen, team)
    model.train()
    parameters = [values.numel() for values in model.parameters()]
    learning = [
        values.numel()
        for name, values in model.named_parameters()
        if values.requires_grad and not name.startswith(frozen)
    ]
    yield Begun(len(samples), len(data.validation), data.classes, data.notes, taken, sum(parameters), sum(learning))
    if team.leads:
        if not resume:
            update_card("card", out, plan=asdict(plan), classes=data.classes, begun=datetime.now(UTC).isoformat())
        update_card("card", out, ended=None)
        with opened_log(out) as log, closing(steps):
            yield from ObservedRun(plan, out, data, model, batches.photos, device, log).events(steps, team)
    else:
        for step in steps:
            yield step
            if plan.patience and team.agreed(0.0):
                steps.close()


def _is_flat(plan: Plan, out: Path) -> bool:
    """Whether the run in ``out`` has no more to gain, so that going on with it takes no further gradient step."""
    last = step_of(out)
    scores = [line for line in read_metrics(out) if "score" in line and line["step"] <= last]
    return bool(plan.patience and last and standing(scores).since >= plan.patience)


def _check(plan: Plan, out: Path, resume: bool) -> None:
    """Refuse to write over another run, or to go on with one by another plan."""
    before = read_card("card", out).get("plan")
    if not resume and before:
        sentence = _("{folder} holds a run already: choose another folder, or go on with it by --resume.")
        raise CheckpointError(sentence.format(folder=out.resolve().name))
    if resume and not before:
        raise CheckpointError(_("{folder} holds no run that could be resumed.").format(folder=out.resolve().name))
    now = json.loads(json.dumps(asdict(plan)))
    changed = [name for name in now if before and before.get(name) != now[name] and name not in _MAY_CHANGE]
    if changed:
        sentence = _("{folder} was begun with other settings ({names}): go on with those, or choose another folder.")
        raise CheckpointError(sentence.format(folder=out.resolve().name, names=", ".join(changed)))


def _made(plan: Plan, classes: tuple[str, ...], checkpoints: Path) -> tuple[Staged, Taken | None]:
    """Make the model, with what fits of the weights that it starts from."""
    make = MODELS[plan.model].make
    model = make(classes=classes)
    taken = start_from(model, read_weights(plan.start, checkpoints), make, classes) if plan.start else None
    if isinstance(model, MaskRCNN):
        new = taken.new if taken else ("all",)
        model.masks_alone = bool(new) and all(name.startswith("mask.") for name in new)
    return model, taken
