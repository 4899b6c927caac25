"""Training on one's own data: a folder and a checkpoint in, a run directory out, scores and pictures meanwhile."""

import json
import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open

from core.data import ShapeScenes
from core.data.batches import PHOTOS, Augmentation, Form, PhotoBatches, ProposedPhotos, cached_proposals, drawn_ahead
from core.data.folders import FolderError, MaskFolder, VOCFolder
from core.detectors import DETECTORS
from core.detectors.base import Staged
from core.detectors.fast_rcnn import FastRCNN
from core.detectors.race import machine
from core.evaluation import Samples
from core.i18n import _
from core.segmentation import SEGMENTERS
from core.segmentation.instance import MaskRCNN
from core.training.checkpoint import FOLDER, CheckpointError, read_card, save_tensors, update_card
from core.training.loop import Schedule, TrainingStep, train
from core.training.recipes import RECIPES
from core.training.runs import STATE, WEIGHTS, Log, opened_log, standing
from core.training.start import Taken, fit_weights, read_weights, start_from
from core.training.team import ALONE, Team
from core.training.watching import Look, looks, measure
from core.values import Regions

SCENES = "scenes"
SCENES_DRAWN = {"train": 2000, "validation": 100}
LARGEST_BATCH = 16
MOST_STEPS = 1_000_000  # where minutes end the training
SAVE_EVERY = 50  # steps
LOOKED_AT = 4  # fixed samples
MOST_MEASURED = 50  # validation images a score; the end's is over all
BUSY = 10  # times as long as a look or a score took, the training goes on before the next
FORMS: dict[str, Form] = {
    "fast_rcnn": "scaled",
    "faster_rcnn": "scaled",
    "mask_rcnn": "scaled",
    "yolo": "square",
    **dict.fromkeys(("patch_cnn", "fcn32s", "fcn16s", "fcn8s"), "cut"),
}
NAMES = tuple(FORMS)
KINDS: dict[str, Any] = {**DETECTORS, **SEGMENTERS}

_MAY_CHANGE = {"steps", "minutes", "score_every", "score_steps", "look_every", "patience"}  # when a run goes on


@dataclass(frozen=True)
class Plan:
    """All that a training on one's own data depends on.

    ``model`` is one of ``NAMES``; ``data`` a folder, or "scenes". ``start`` is a checkpoint's name, a .safetensors
    file, or None for random weights; ``freeze`` "trunk" leaves the trunk as it came. It ends after ``steps`` or
    ``minutes`` of training, whichever is first, or once ``patience`` scores in a row were no better. A score is taken
    every ``score_every`` seconds, or every ``score_steps`` steps where that is given; a look at fixed samples every
    ``look_every`` seconds; both less often where they would take more than a tenth of the time.
    """

    model: str
    data: str
    start: str | None = "trunk"
    freeze: Literal["none", "trunk"] = "none"
    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    seed: int = 0
    augmentation: Augmentation = PHOTOS
    score_every: float = 20.0
    score_steps: int | None = None
    look_every: float = 3.0
    patience: int | None = None

    @property
    def schedule(self) -> Schedule:
        """The learning rate over the training; the state is saved every ``SAVE_EVERY`` steps."""
        steps = self.steps or (MOST_STEPS if self.minutes else RECIPES[self.model].schedule.steps)
        warmup = max(1, min(100, steps // 10))
        return Schedule(
            steps,
            self.learning_rate,
            self.weight_decay,
            warmup,
            minutes=self.minutes or math.inf,
            save_every=SAVE_EVERY,
        )


def plan_for(model: str, data: str, **others: Any) -> Plan:
    """Return a plan with the batch size and the learning rate of ``model``'s recipe, changed by ``others``."""
    recipe = RECIPES[model]
    size = min(LARGEST_BATCH, recipe.batch_size)
    return replace(Plan(model, data, batch_size=size, learning_rate=recipe.schedule.learning_rate), **others)


@dataclass(frozen=True)
class Data:
    """Images to ``train`` on and for ``validation``, their ``classes`` with the background first, and ``notes`` on
    what was left out."""

    train: Samples
    validation: Samples
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Begun:
    """A training is about to start: on how many images of which ``classes``, what was ``taken`` from its start (None
    for random weights), and how many of its ``parameters`` are ``learning``."""

    images: int
    validation_images: int
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    taken: Taken | None
    parameters: int
    learning: int


@dataclass(frozen=True)
class Preparing:
    """The part ``done`` of the region proposals that a training needs before its first step."""

    done: float


@dataclass(frozen=True)
class Looked:
    """What the model says of the fixed samples after ``step``."""

    step: int
    seconds: float
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Scored:
    """The validation's ``scores`` after ``step``, the headline first, and whether it is the ``best`` so far."""

    step: int
    seconds: float
    scores: dict[str, float]
    best: bool


@dataclass(frozen=True)
class Ended:
    """A training is over after ``step``: by its schedule ("finished") or early, on a "plateau".

    ``weights`` is the file of the weights that had the best headline score, at ``best_step``; ``scores`` are theirs on
    the whole validation."""

    how: Literal["finished", "plateau"]
    step: int
    best_step: int
    scores: dict[str, float]
    weights: Path


Event = Begun | Preparing | TrainingStep | Looked | Scored | Ended


def open_data(data: str, model: str) -> Data:
    """Open the folder ``data``, in Pascal VOC's form or of images with masks, or the drawn "scenes", for ``model``.

    Raises:
        FolderError: it is no such folder, has nothing for ``model`` to learn, or no image is left for one of the parts.
    """
    if data == SCENES:
        drawn = {split: ShapeScenes(split, count) for split, count in SCENES_DRAWN.items()}
        return Data(drawn["train"], drawn["validation"], ShapeScenes.classes)
    folder = Path(data)
    kind: type[VOCFolder | MaskFolder] = VOCFolder if (folder / "Annotations").is_dir() else MaskFolder
    if kind is VOCFolder and model in SEGMENTERS:
        sentence = _("{folder} has boxes and no masks: {model} learns from masks, so choose a detector or other data.")
        raise FolderError(sentence.format(folder=folder, model=SEGMENTERS[model].title))
    if kind is MaskFolder and not (folder / "images").is_dir():
        sentence = _("{folder} is no dataset: it needs Annotations and JPEGImages, or images and instances or labels.")
        raise FolderError(sentence.format(folder=folder))
    train_part, validation = (kind(folder, split=split) for split in ("train", "val"))
    for part, split in ((train_part, "train"), (validation, "val")):
        if not len(part):
            sentence = _("{folder} has no image for {split}: add images, or list them in ImageSets/{split}.txt.")
            raise FolderError(sentence.format(folder=folder, split=split))
    return Data(train_part, validation, train_part.classes, train_part.notes + validation.notes)


def tune(
    plan: Plan,
    out: Path,
    data: Data | None = None,
    device: str = "cpu",
    resume: bool = False,
    checkpoints: Path = FOLDER,
    team: Team = ALONE,
) -> Generator[Event, None, None]:
    """Train by ``plan``, yielding events, and keep everything in the run directory ``out``.

    A caller pauses by not going on, and stops by closing the generator: the state and the card are written then. With
    ``resume`` it goes on from there, or from what a kill has left, with the losses that it would have had if the plan
    counts in steps; a plan in minutes counts those of training, before and after.

    Raises:
        CheckpointError: ``plan.start`` does not fit, ``out`` holds another run, or none that could be resumed.
        FolderError: ``plan.data`` cannot be used.
    """
    data = data or open_data(plan.data, plan.model)
    if plan.batch_size % team.size:
        sentence = _("A batch of {size} images cannot be shared by {count} processes alike.")
        raise CheckpointError(sentence.format(size=plan.batch_size, count=team.size))
    if team.leads:
        _check(plan, out, resume)
    torch.manual_seed(plan.seed)
    model, taken = _made(plan, data.classes, checkpoints)
    samples = data.train
    if isinstance(model, FastRCNN):
        samples = ProposedPhotos(samples)
        model.propose = lambda image: Regions(cached_proposals(image))
        for index in range(len(samples)):
            samples[index]
            yield Preparing((index + 1) / len(samples))
    batches = PhotoBatches(samples, plan.batch_size, FORMS[plan.model], plan.augmentation, plan.seed)
    share = team.share(min(plan.batch_size, len(samples)))
    batch = drawn_ahead(lambda step: batches(step, share))
    frozen = ("trunk",) if plan.freeze == "trunk" else ()
    steps = train(model, batch, plan.schedule, out / STATE, device, resume, plan.seed, frozen, team)
    parameters = [values.numel() for values in model.parameters()]
    learning = [values.numel() for name, values in model.named_parameters() if not name.startswith(frozen or ("-",))]
    yield Begun(len(samples), len(data.validation), data.classes, data.notes, taken, sum(parameters), sum(learning))
    if team.leads:
        if not resume:
            update_card("card", out, plan=asdict(plan), classes=data.classes, begun=datetime.now(UTC).isoformat())
        update_card("card", out, ended=None)
        with opened_log(out) as log, closing(steps):
            yield from _watched(plan, out, data, model, steps, log, team)
    else:
        for step in steps:
            yield step
            if plan.patience and team.agreed(0.0):
                steps.close()


def load_trained(path: Path) -> Staged:
    """Return the model whose weights are in ``path``, which a training on one's own data has written, ready to use.

    Raises:
        CheckpointError: there is no such file, or it does not say which model it is of, or is not of that one.
    """
    weights = read_weights(path)
    with safe_open(path, "pt") as file:
        header = file.metadata() or {}
    try:
        classes = tuple(map(str, json.loads(header["classes"])))
        model: Staged = KINDS[header["model"]](classes=classes)
    except (KeyError, TypeError, ValueError):
        sentence = _(
            "{file} does not say which model its weights are of: give a file that a training here has written."
        )
        raise CheckpointError(sentence.format(file=Path(path).name)) from None
    fit_weights(model, weights)
    return model.eval()


def _check(plan: Plan, out: Path, resume: bool) -> None:
    """Refuse to write over another run, or to go on with one by another plan."""
    before = read_card("card", out).get("plan")
    if not resume and before:
        sentence = _("{folder} holds a run already: choose another folder, or go on with it by --resume.")
        raise CheckpointError(sentence.format(folder=out))
    if resume and not before:
        raise CheckpointError(_("{folder} holds no run that could be resumed.").format(folder=out))
    now = json.loads(json.dumps(asdict(plan)))
    changed = [name for name in now if before and before.get(name) != now[name] and name not in _MAY_CHANGE]
    if changed:
        sentence = _("{folder} was begun with other settings ({names}): go on with those, or choose another folder.")
        raise CheckpointError(sentence.format(folder=out, names=", ".join(changed)))


def _made(plan: Plan, classes: tuple[str, ...], checkpoints: Path) -> tuple[Staged, Taken | None]:
    """Make the model, with what fits of the weights that it starts from."""
    make = KINDS[plan.model]
    model = make(classes=classes)
    taken = start_from(model, read_weights(plan.start, checkpoints), make, classes) if plan.start else None
    if isinstance(model, MaskRCNN) and (taken is None or any(name.startswith(("rpn", "head")) for name in taken.new)):
        sentence = _(
            "Mask R-CNN learns its masks alone: start from a Faster R-CNN, or Mask R-CNN, that was trained on the "
            "same classes."
        )
        raise CheckpointError(sentence)
    return model, taken


@dataclass
class _Due:
    """What is done ``every`` so many seconds of training, the next time ``at``, for at most a tenth of the time."""

    every: float
    at: float

    def done(self, seconds: float, since: float) -> None:
        """Say that it was done now, ``seconds`` into the training, and begun at ``since`` on the clock."""
        self.at = seconds + max(self.every, BUSY * (time.perf_counter() - since))


def _watched(
    plan: Plan,
    out: Path,
    data: Data,
    model: Staged,
    steps: Generator[TrainingStep, None, None],
    log: Log,
    team: Team,
) -> Iterator[Event]:
    """Yield what ``steps`` yield, with looks and scores between, and write down how it ended."""
    to_look, to_score = _Due(plan.look_every, 0.0), _Due(plan.score_every, plan.score_every)
    last = None
    try:
        for last in steps:
            log.step(last)
            yield last
            start = time.perf_counter()
            if last.seconds >= to_look.at:
                yield _looked(model, data, last)
                to_look.done(last.seconds, start)
            start = time.perf_counter()
            due = last.step % plan.score_steps == 0 if plan.score_steps else last.seconds >= to_score.at
            if due and log.scored < last.step:
                yield _scored(plan, out, data, model, last, log)
                to_score.done(last.seconds, start)
            if plan.patience and team.agreed(float(standing(log.scores).since >= plan.patience)):
                break
        if last is None:
            return
        steps.close()  # the state is saved before other weights come in
        if log.scored < last.step:
            yield _scored(plan, out, data, model, last, log)
        yield _looked(model, data, last)
        fit_weights(model, read_weights(out / WEIGHTS))
        how: Literal["finished", "plateau"] = "finished" if last.done >= 1 else "plateau"
        ended = Ended(
            how,
            last.step,
            standing(log.scores).step,
            measure(model, data.validation, len(data.validation)),
            out / WEIGHTS,
        )
        _note(out, last, how, best_step=ended.best_step, scores=ended.scores, scored=len(data.validation))
        yield ended
    except GeneratorExit:
        if last:
            if not (out / WEIGHTS).exists():
                _save_weights(plan, out, model)
            _note(out, last, "stopped")


def _looked(model: Staged, data: Data, last: TrainingStep) -> Looked:
    return Looked(last.step, last.seconds, tuple(looks(model, data.validation, LOOKED_AT)))


def _scored(plan: Plan, out: Path, data: Data, model: Staged, last: TrainingStep, log: Log) -> Scored:
    """Take a score, and keep the weights if there was none better."""
    scores = measure(model, data.validation, MOST_MEASURED)
    log.score(last, scores)
    best = standing(log.scores).step == last.step
    if best:
        _save_weights(plan, out, model)
    return Scored(last.step, last.seconds, scores, best)


def _save_weights(plan: Plan, out: Path, model: Staged) -> None:
    save_tensors(model.state_dict(), out / WEIGHTS, model=plan.model, classes=json.dumps(model.classes))


def _note(out: Path, last: TrainingStep, how: str, **entries: Any) -> None:
    """Write onto the run's card where it stands."""
    update_card(
        "card",
        out,
        ended=how,
        steps=last.step,
        minutes=round(last.seconds / 60, 2),
        losses=last.losses,
        machine={"processor": machine(), "torch": torch.__version__},
        **entries,
    )
