"""Training on one's own data: a folder and a checkpoint in, a run directory out, scores and pictures meanwhile."""

import json
import math
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import safe_open
from torch.utils.data import Subset

from core.checkpoint import CheckpointError, read_card, save_tensors, update_card
from core.data.folders import FolderError
from core.data.sources import without_path
from core.evaluation import Samples
from core.families import SHAPES
from core.i18n import _
from core.machine import machine
from core.models import MODELS
from core.segmentation.instance import MaskRCNN
from core.stages import Staged
from core.training.batches import (
    PHOTOS,
    Augmentation,
    PhotoBatches,
    ProposedPhotos,
    cached_proposals,
    drawn_ahead,
)
from core.training.datasets import Data, open_data
from core.training.initial_weights import Taken, fit_weights, read_weights, start_from
from core.training.loop import Schedule, TrainingError, TrainingStep, train
from core.training.recipes import SVM_STAGE, schedule_of
from core.training.runs import STATE, WEIGHTS, Log, opened_log, read_metrics, standing, step_of
from core.training.svm import Fitted, fit, stand_in
from core.training.team import ALONE, Team
from core.training.validation import Look, Measuring, looks, measured, spread
from core.values import Regions

SCENES, DIGITS = "scenes", "digits"
LARGEST_BATCH = 16
CLASSIFIER = Schedule(steps=1000, learning_rate=1e-3)
MOST_STEPS = 1_000_000  # where minutes end the training
SAVE_AFTER = 10.0  # seconds of training that a kill can cost
LOOKED_AT = 4  # fixed samples
MOST_MEASURED = 50  # validation images a score; the end's is over all
BUSY = 10  # times as long as a look or a score took, the training goes on before the next
MOST_CLASSES = 2000  # of weights that come from anywhere: a model of millions would take the memory
SVM_IMAGES, SVM_REGIONS = 150, 200  # at most, and of each: their features are kept in memory
NAMES = tuple(name for name, model in MODELS.items() if model.form)

_MAY_CHANGE = {"steps", "minutes", "score_every", "score_steps", "look_every", "patience"}  # when a run goes on


@dataclass(frozen=True)
class Plan:
    """All that a training on one's own data depends on.

    ``model`` is one of ``NAMES``; ``data`` a folder, "scenes" or "digits". ``start`` is a checkpoint's name, a
    .safetensors file, or None for random weights; ``freeze`` "trunk" leaves the trunk as it came. It ends after
    ``steps`` or ``minutes`` of gradient steps, whichever is first, or once ``patience`` scores in a row were no better.
    A score is taken every ``score_every`` seconds, or every ``score_steps`` steps where that is given; a look at fixed
    samples every ``look_every`` seconds; both less often where they would take more than a tenth of the time.

    R-CNN and SPPNet are fine-tuned by the gradient steps; the SVMs and box regressions are fitted after them, to the
    weights that had the best score. Until then looks and scores are those of the fine-tuning's softmax, each class
    against the background, with boxes where they were proposed. Mask R-CNN learns as a whole; where it takes over a
    whole detector without masks, a Faster R-CNN of the same classes, only the masks learn, as in its recipe.
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
        """The learning rate over the training; the state is saved every ``SAVE_AFTER`` seconds."""
        steps = self.steps or (MOST_STEPS if self.minutes else _usual(self.model)[1].steps)
        warmup = max(1, min(100, steps // 10))
        return Schedule(
            steps,
            self.learning_rate,
            self.weight_decay,
            warmup,
            minutes=self.minutes or math.inf,
            save_every=1,
            save_after=SAVE_AFTER,
        )


def plan_for(model: str, data: str, **others: Any) -> Plan:
    """Return a plan with the batch size and the learning rate of ``model``'s recipe, changed by ``others``.

    Digits are not mirrored.
    """
    batch_size, schedule = _usual(model)
    settings: dict[str, Any] = {
        "batch_size": min(LARGEST_BATCH, batch_size),
        "learning_rate": schedule.learning_rate,
        "augmentation": replace(PHOTOS, mirror=False) if data == DIGITS else PHOTOS,
    }
    return Plan(model, data, **settings | others)


def _usual(model: str) -> tuple[int, Schedule]:
    """Return the batch size and the schedule that ``model`` is trained with on scenes."""
    recipe = MODELS[model].recipe
    return (recipe.batch_size, schedule_of(recipe)) if recipe else (LARGEST_BATCH, CLASSIFIER)


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


Event = Begun | Preparing | TrainingStep | Measuring | Looked | Scored | Ended


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
            yield from _Run(plan, out, data, model, batches.photos, device, log).watched(steps, team)
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
        if len(classes) > MOST_CLASSES:
            raise ValueError("a model too large to be made")
        model: Staged = MODELS[header["model"]].make(classes=classes)
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


@dataclass
class _Due:
    """What is done ``every`` so many seconds of training, the next time ``at``, for at most a tenth of the time."""

    every: float
    at: float

    def done(self, seconds: float, since: float) -> None:
        """Say that it was done now, ``seconds`` into the training, and begun at ``since`` on the clock."""
        self.at = seconds + max(self.every, BUSY * (time.perf_counter() - since))


@dataclass(frozen=True)
class _Run:
    """What is at hand while a training is watched; ``photos`` are those that it learns from, without augmentation."""

    plan: Plan
    out: Path
    data: Data
    model: Staged
    photos: Samples
    device: str
    log: Log

    def watched(self, steps: Generator[TrainingStep, None, None], team: Team) -> Iterator[Event]:
        """Yield what ``steps`` yield, with looks and scores between, and write down how it ended."""
        plan = self.plan
        to_look, to_score = _Due(plan.look_every, 0.0), _Due(plan.score_every, plan.score_every)
        quickest = math.inf  # seconds of a look: the first is slower, with all that a network says before it learns
        last = None
        try:
            for last in steps:
                self.log.step(last)
                yield last
                start = time.perf_counter()
                if last.seconds >= to_look.at:
                    self._stand_in()
                    yield from self._looked(last)
                    to_look.done(last.seconds, start)
                    quickest = min(quickest, time.perf_counter() - start)
                start = time.perf_counter()
                not_before = max(to_score.at, BUSY * quickest * MOST_MEASURED / LOOKED_AT)
                due = last.step % plan.score_steps == 0 if plan.score_steps else last.seconds >= not_before
                if due and self.log.scored < last.step:
                    yield from self._scored(last)
                    to_score.done(last.seconds, start)
                if plan.patience and team.agreed(float(standing(self.log.scores).since >= plan.patience)):
                    break
            if last is None:
                return
            steps.close()  # the state is saved before other weights come in
            if self.log.scored < last.step:
                yield from self._scored(last)
            yield from self._ended(last)
        except GeneratorExit:
            if last:
                if not (self.out / WEIGHTS).exists():
                    self._save()
                self._note(last, "stopped")
        except TrainingError:
            if last:
                self._note(last, "diverged")
            raise

    def _looked(self, last: TrainingStep) -> Iterator[Event]:
        seen = []
        for look in looks(self.model, self.data.validation, LOOKED_AT):
            seen.append(look)
            yield Measuring(len(seen) / LOOKED_AT)
        yield Looked(last.step, last.seconds, tuple(seen))

    def _scored(self, last: TrainingStep) -> Iterator[Event]:
        """Take a score, and keep the weights if there was none better."""
        self._stand_in()
        scores = yield from measured(self.model, self.data.validation, MOST_MEASURED)
        self.log.score(last, scores)
        best = standing(self.log.scores).step == last.step
        if best:
            self._save()
        yield Scored(last.step, last.seconds, scores, best)

    def _ended(self, last: TrainingStep) -> Iterator[Event]:
        """Take the best weights, fit to them what has to be fitted, and measure all."""
        model = self.model
        fit_weights(model, read_weights(self.out / WEIGHTS))
        if isinstance(model, Fitted):
            yield from self._fitted(model, last)
        yield from self._looked(last)
        scores = yield from measured(model, self.data.validation, len(self.data.validation))
        how: Literal["finished", "plateau"] = "plateau"
        if self.plan.schedule.done(last.step, last.seconds) >= 1:
            how = "finished"
        best = standing(self.log.scores).step
        self._note(last, how, best_step=best, scores=scores, scored=len(self.data.validation))
        yield Ended(how, last.step, best, scores, self.out / WEIGHTS)

    def _fitted(self, model: Fitted, last: TrainingStep) -> Iterator[TrainingStep]:
        start = time.perf_counter()
        few: Subset[Any] = Subset(self.photos, spread(len(self.photos), SVM_IMAGES))  # type: ignore[arg-type]
        for part in fit(model.cpu(), few, SVM_REGIONS):
            yield replace(last, done=part, seconds=last.seconds + time.perf_counter() - start, stage=SVM_STAGE)
        model.to(self.device)
        self._save()

    def _stand_in(self) -> None:
        if isinstance(self.model, Fitted):
            stand_in(self.model)

    def _save(self) -> None:
        said = {"model": self.plan.model, "classes": json.dumps(self.model.classes)}
        save_tensors(self.model.state_dict(), self.out / WEIGHTS, **said)

    def _note(self, last: TrainingStep, how: str, **entries: Any) -> None:
        """Write onto the run's card where it stands."""
        update_card(
            "card",
            self.out,
            ended=how,
            steps=last.step,
            minutes=round(last.seconds / 60, 2),
            losses=last.losses,
            machine={"processor": machine(), "torch": torch.__version__},
            **entries,
        )
