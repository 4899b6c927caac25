"""Transfer learning: a small new task learnt from scratch, by the last layer alone, or by everything from a trunk.

All three ways take the same images for the same number of steps, so that what differs is where they start from and
which layers may move. Compare Donahue et al. 2014 (features of a frozen trunk), Girshick et al. 2014, section 2.3
(fine-tuning) and Yosinski et al. 2014 (how transferable the layers are).
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.classifier import Classifier
from core.pretrained import PRETRAINED, Name, trained
from core.transfer.kept import Features, digest_of, kept_features
from core.transfer.tasks import Task, open_task, remembered_task

Way = Literal["head", "everything", "scratch"]
WAYS: tuple[Way, ...] = ("head", "everything", "scratch")

BATCH = 32
WARMUP = 10  # steps
LOOKS = 10  # at the validation images, evenly over the training
AT_ONCE = 25  # images through the network where nothing is learnt: of 160 pixels they take 160 MB
MOST_TIMED = 8  # batches of the epoch that is only timed
FIXED = 12  # validation images that are shown
SHIFT = 4  # pixels, the most in either direction
WEIGHT_DECAY = 1e-2


@dataclass(frozen=True)
class Plan:
    """One training: the ``way``, how many images ``per_class`` to learn from, which ``seed`` draws them and the new
    weights, the trained ``trunk``, and the ``steps`` of 32 images.

    On a trained trunk the new last layer learns at the rate ``head_rate``, the trunk itself at ``trunk_rate``; from
    scratch all layers learn at ``scratch_rate``. Images ``shifted`` by up to 4 pixels are new in every epoch.
    """

    way: Way
    per_class: int = 20
    seed: int = 0
    trunk: Name = "slim"
    steps: int = 150
    head_rate: float = 1e-1
    trunk_rate: float = 3e-3
    scratch_rate: float = 1e-3
    shifted: bool = False

    @property
    def cached(self) -> bool:
        """Whether features can be computed once: the trunk is frozen, and an image is the same in every epoch."""
        return self.way == "head" and not self.shifted

    def same_but_for_draw(self, other: "Plan") -> bool:
        """Whether ``other`` is of the same way and differs in nothing but ``per_class`` and ``seed``."""
        return replace(self, per_class=other.per_class, seed=other.seed) == other


@dataclass(frozen=True)
class Look:
    """After ``step``: the mean ``loss`` of the steps since the last look, and the validation ``accuracy``."""

    plan: Plan
    step: int
    loss: float
    accuracy: float


@dataclass(frozen=True)
class Timing:
    """Seconds: of an ``epoch`` of learning; where features are kept, of computing them ``once`` and of an epoch that
    goes ``through`` the frozen trunk instead (else None)."""

    epoch: float
    once: float | None = None
    through: float | None = None


@dataclass(frozen=True)
class Learnt:
    """A finished training on ``images`` images: its ``looks``, its ``timing``, and the class that each validation image
    is taken for, with its probability."""

    plan: Plan
    images: int
    looks: tuple[Look, ...]
    timing: Timing
    answers: tuple[int, ...]
    certainties: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """The share of the validation images that are right in the end."""
        return self.looks[-1].accuracy


@dataclass(frozen=True)
class Drift:
    """How far the features of a batch of ``plan`` move, as a part of their size: when computed ``again`` by the frozen
    trunk, by one whose batch normalisation is in training mode (``statistics``; None without any), for ``shifted``
    images, and after the first step of fine-tuning (``learning``)."""

    plan: Plan
    again: float
    statistics: float | None
    shifted: float
    learning: float


@dataclass(frozen=True)
class Opened:
    """What is known of a task before anything is learnt: its ``classes``, how many images of each are ``available``,
    the ``truth`` of each validation image, a few of these, ``fixed`` by their indices, as ``pictures``
    (F, 3, S, S) uint8, and ``notes`` on what was left out."""

    classes: tuple[str, ...]
    available: tuple[int, ...]
    truth: tuple[int, ...]
    fixed: tuple[int, ...]
    pictures: Tensor
    notes: tuple[str, ...]


Event = Opened | Look | Learnt | Drift


def study(data: str, plans: Sequence[Plan], version: str = "", keep: Path | None = None) -> Iterator[Event]:
    """Open ``data`` as a task and follow ``plans``, all with the same trunk, one after the other.

    What has a ``version`` is remembered for the next study of it; features are kept in the folder ``keep``, if any.

    Raises:
        FolderError: the data cannot be used.
        CheckpointError: the trunk's weights are missing or damaged.
    """
    side = PRETRAINED[plans[0].trunk].side
    task = remembered_task(data, side, version) if version else open_task(data, side)
    fixed = task.fixed(FIXED)
    yield Opened(
        task.classes,
        tuple(task.labels.bincount(minlength=len(task.classes)).tolist()),
        tuple(task.validation_labels.tolist()),
        tuple(fixed.tolist()),
        task.validation_images[fixed],
        task.notes,
    )
    for plan in plans:
        yield from learn(plan, task, keep)
        if plan.cached:
            yield drift(task, plan)


def begun(plan: Plan, classes: Sequence[str]) -> Classifier:
    """Return the network of ``plan`` as it starts: frozen where it is not to learn, and ready to learn elsewhere."""
    torch.manual_seed(plan.seed)
    model = Classifier(classes, plan.trunk)
    if plan.way != "scratch":
        model.trunk.load_state_dict(_trained(plan.trunk))
    model.to(memory_format=torch.channels_last)
    set_learning(model, plan.way)
    return model


@lru_cache(maxsize=2)
def _trained(name: Name) -> dict[str, Tensor]:
    return trained(name).state_dict()


@lru_cache(maxsize=2)
def _weights_digest(name: Name) -> str:
    return digest_of(*_trained(name).values())


def set_learning(model: Classifier, way: Way) -> None:
    """Let the layers that learn in ``way`` learn; a frozen trunk gets no gradient and keeps its batch statistics."""
    model.train()
    if way == "head":
        # Without eval() batch normalisation would go on to average over the new images: the trunk would change.
        model.trunk.eval().requires_grad_(False)


def learn(plan: Plan, task: Task, keep: Path | None = None) -> Iterator[Look | Learnt]:
    """Learn ``task`` by ``plan``, looking at the validation images at every tenth of it.

    Features that are computed once are kept in the folder ``keep``, if any.
    """
    images, labels = task.drawn(plan.per_class, plan.seed)
    model = begun(plan, task.classes)
    once = None
    inputs, asked, answer = images, task.validation_images, model.__call__
    if plan.cached:
        known, answer = _known(model, plan.trunk, images, keep), model.head.__call__
        inputs, once = known.values, known.seconds
        asked = _known(model, plan.trunk, asked, keep).values
    looks: list[Look] = []
    losses: list[Tensor] = []
    seconds, start = 0.0, time.perf_counter()
    for step, loss in enumerate(_steps(plan, model, inputs, labels, answer), 1):
        losses.append(loss)
        if step % max(1, plan.steps // LOOKS) == 0 or step == plan.steps:
            seconds += time.perf_counter() - start
            logits = _answered(model, asked, answer)
            accuracy = float((logits.argmax(1) == task.validation_labels).float().mean())
            looks.append(Look(plan, step, float(torch.stack(losses).mean()), accuracy))
            losses.clear()
            yield looks[-1]
            set_learning(model, plan.way)
            start = time.perf_counter()
    epoch = seconds / (plan.steps * min(BATCH, len(images)) / len(images))
    through = _epoch_through(plan, model, images, labels) if plan.cached else None
    certainties, answers = logits.softmax(1).max(1)
    yield Learnt(
        plan,
        len(images),
        tuple(looks),
        Timing(epoch, once, through),
        tuple(answers.tolist()),
        tuple(certainties.tolist()),
    )


def _steps(
    plan: Plan, model: Classifier, inputs: Tensor, labels: Tensor, answer: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    """Take the gradient steps of ``plan``, yielding each one's loss ()."""
    generator = torch.Generator().manual_seed(plan.seed)
    optimizer = torch.optim.AdamW(_groups(plan, model), weight_decay=WEIGHT_DECAY)
    rates = [group["lr"] for group in optimizer.param_groups]
    order = torch.empty(0, dtype=torch.int64)
    size = min(BATCH, len(inputs))
    for step in range(plan.steps):
        if len(order) < size:  # the rest that fills no batch is left out
            order = torch.randperm(len(inputs), generator=generator)
        chosen, order = order[:size], order[size:]
        part = min(1, (step + 1) / WARMUP) * (1 + math.cos(math.pi * step / plan.steps)) / 2
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * part
        batch = shifted(inputs[chosen], generator) if plan.shifted else inputs[chosen]
        with _autocast(model):
            logits = answer(batch)
        loss = functional.cross_entropy(logits.float(), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.detach()


def _groups(plan: Plan, model: Classifier) -> list[dict[str, object]]:
    """Return what learns, with its learning rate."""
    if plan.way == "scratch":
        return [{"params": list(model.parameters()), "lr": plan.scratch_rate}]
    groups: list[dict[str, object]] = [{"params": list(model.head.parameters()), "lr": plan.head_rate}]
    if plan.way == "everything":
        groups.append({"params": list(model.trunk.parameters()), "lr": plan.trunk_rate})
    return groups


def _autocast(model: Classifier) -> torch.autocast:
    """Convolutions in bfloat16 where they learn; features of a frozen trunk are computed in full."""
    learns = next(model.trunk.parameters()).requires_grad
    return torch.autocast("cpu", torch.bfloat16, enabled=learns)


def features_of(trunk: Name, images: Tensor, keep: Path | None = None) -> Features:
    """Return the features that trained ``trunk`` has for ``images`` of its side, kept in the folder ``keep``, if any.

    Raises:
        CheckpointError: the trunk's weights are missing or damaged.
    """
    return _known(begun(Plan("head", trunk=trunk), ("",)), trunk, images, keep)


def _known(model: Classifier, trunk: Name, images: Tensor, keep: Path | None) -> Features:
    """Return the features that the frozen, trained ``trunk`` of ``model`` has for ``images``."""
    return kept_features(images, trunk, _weights_digest(trunk), partial(features, model), keep)


def features(model: Classifier, images: Tensor) -> Tensor:
    """Return the features (B, C) that the trunk of ``model``, in the mode that it is in, has for ``images``."""
    with torch.no_grad():
        return torch.cat([model.features(part) for part in images.split(AT_ONCE)])


def _answered(model: Classifier, asked: Tensor, answer: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the logits (V, K) for what is ``asked``, in evaluation mode."""
    model.eval()
    with torch.no_grad(), _autocast(model):
        return torch.cat([answer(part) for part in asked.split(AT_ONCE)]).float()


def _epoch_through(plan: Plan, model: Classifier, images: Tensor, labels: Tensor) -> float:
    """Measure an epoch that sends every batch through the frozen trunk, on a copy that nobody uses after."""
    count = max(1, len(images) // BATCH)
    timed = min(MOST_TIMED, count)
    copy = deepcopy(model)
    set_learning(copy, plan.way)
    few = Plan(plan.way, steps=timed)
    start = time.perf_counter()
    for _loss in _steps(few, copy, images, labels, copy.__call__):
        pass
    return (time.perf_counter() - start) / timed * count


def shifted(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return each of ``images`` (B, 3, S, S) moved by up to 4 pixels; its edge is repeated where it moved away."""
    side = images.shape[-1]
    padded = functional.pad(images.float(), [SHIFT] * 4, mode="replicate").to(images.dtype)
    corners = torch.randint(2 * SHIFT + 1, (len(images), 2), generator=generator).tolist()
    return torch.stack([one[:, y : y + side, x : x + side] for one, (y, x) in zip(padded, corners, strict=True)])


def drift(task: Task, plan: Plan) -> Drift:
    """Measure what moves the features of a batch of ``task``: when they may be kept, and when not."""
    images, labels = task.drawn(plan.per_class, plan.seed)
    batch = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:BATCH]
    images, labels = images[batch], labels[batch]
    model = begun(replace(plan, way="head"), task.classes)
    kept = features(model, images)

    def moved(other: Classifier, pictures: Tensor = images) -> float:
        return float((features(other, pictures) - kept).norm() / kept.norm())

    again, moved_image = moved(model), moved(model, shifted(images, torch.Generator().manual_seed(0)))
    statistics = None
    if any(isinstance(layer, nn.BatchNorm2d) for layer in model.trunk.modules()):
        running = deepcopy(model)
        running.trunk.train()
        statistics = moved(running)
    tuning = replace(plan, way="everything")
    tuned = begun(tuning, task.classes)
    tuned.trunk.eval()  # so that nothing but the weights has moved
    next(_steps(tuning, tuned, images, labels, tuned.__call__))
    return Drift(plan, again, statistics, moved_image, moved(tuned))


@dataclass(frozen=True)
class Layer:
    """A layer of a network, batch normalisation included: its ``parameters``, the ``channels`` and the
    ``side`` in cells of the map that it makes, and whether it is ``frozen`` or ``new`` (random)."""

    parameters: int
    channels: int
    side: int
    frozen: bool
    new: bool


def layers(trunk: Name, way: Way, classes: int) -> tuple[Layer, ...]:
    """Return the layers of the network that learns in ``way``, first to last, the new last layer at the end."""
    model = Classifier([str(index) for index in range(classes)], trunk)
    set_learning(model, way)
    found: list[Layer] = []
    values = model.trunk.normalised(torch.zeros(1, 3, model.side, model.side, dtype=torch.uint8))
    model.trunk.eval()
    with torch.no_grad():
        for part in model.trunk:
            values = part(values)
            counts = [parameter.numel() for parameter in part.parameters()]
            if isinstance(part, nn.BatchNorm2d):  # belongs to the convolution before it
                before = found.pop()
                counts.append(before.parameters)
            if counts:
                frozen = not next(part.parameters()).requires_grad
                found.append(Layer(sum(counts), values.shape[1], values.shape[2], frozen, way == "scratch"))
    head = sum(parameter.numel() for parameter in model.head.parameters())
    return (*found, Layer(head, classes, 1, False, True))
