"""The one training loop: batches by step number, AdamW under a cosine schedule, checkpoints that resume exactly."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from core.checkpoint import CheckpointError, discard_partial, save_tensors
from core.faults import UserError
from core.i18n import _
from core.training.team import ALONE, Team

LARGEST_GRADIENT = 10.0  # norm; a rare batch would otherwise undo many
MOST_LOST = 10  # steps in a row without a finite gradient


Batch = tuple[Tensor, list[dict[str, Tensor]]]


class TrainingError(UserError):
    """A training cannot go on; the message is one sentence that says what to do."""


def check_device(device: str) -> None:
    """Make sure that PyTorch has a ``device`` of this name here.

    Raises:
        TrainingError: it has none.
    """
    try:
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError):
        sentence = _("There is no device {device!r} here: choose `cpu`, or another that PyTorch finds on this machine.")
        raise TrainingError(sentence.format(device=device)) from None


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: ``steps`` batches, or fewer where ``minutes`` end first; the highest learning rate after
    ``warmup`` steps, then a cosine down to zero, ``cycles`` times over (Loshchilov and Hutter 2017); AdamW's
    ``weight_decay``. The state is saved every ``save_every`` steps, but ``save_after`` seconds after the last time at
    the soonest."""

    steps: int
    learning_rate: float
    weight_decay: float = 1e-2
    warmup: int = 100
    cycles: int = 1
    minutes: float = math.inf
    save_every: int = 200
    save_after: float = 0.0

    def done(self, step: int, seconds: float) -> float:
        """Return which part of the training lies behind, by steps or by time, whichever is further."""
        return max(step / self.steps, seconds / 60 / self.minutes)

    def rate(self, step: int, seconds: float) -> float:
        """Return the learning rate of ``step``, counted from 0, after ``seconds``."""
        warm = min(1.0, (step + 1) / self.warmup)
        cycles = self.done(step, seconds) * self.cycles
        within_cycle = cycles - min(int(cycles), self.cycles - 1)
        return self.learning_rate * warm * (1 + math.cos(math.pi * min(within_cycle, 1))) / 2


@dataclass(frozen=True)
class TrainingStep:
    """One finished step: its number from 1, the ``done`` part of its ``stage``, the loss parts, the rate, and seconds
    of training, those before a resumption included."""

    step: int
    done: float
    losses: dict[str, float]
    learning_rate: float
    seconds: float
    stage: str = "gradient steps"


def train(
    model: nn.Module,
    batch: Callable[[int], Batch],
    schedule: Schedule,
    state: Path,
    device: str = "cpu",
    resume: bool = False,
    seed: int = 0,
    frozen: Sequence[str] = (),
    team: Team = ALONE,
) -> Generator[TrainingStep, None, None]:
    """Train ``model`` on ``batch(step)``, yielding each step as it is done; the caller stops by closing the generator.

    A caller pauses by not going on, and may look at the model meanwhile, in evaluation mode too: the clock stands
    still while the caller holds a step.

    The training state goes to the file ``state`` as the schedule says, at the end, and when the caller stops;
    an error, Ctrl-C or a kill within a step leaves the state of the last checkpoint, whole. All randomness of a step
    comes from ``seed`` and its number, so that a resumed training repeats the losses of an unbroken one; one that had
    finished gives its last step again. A step whose gradient is not finite changes no weight, and the state is not
    saved after it. On a CPU the convolutions run in bfloat16 under autocast, losses in float32.

    The parts of the model named ``frozen`` get no gradient, and their batch normalisation keeps its averages. In a
    ``team`` of several processes ``batch(step)`` is this process's share of the batch, all shares of one size; losses
    are means over the team, the leader's clock counts, and the leader alone writes.

    Raises:
        CheckpointError: the state to resume from is damaged, or of another model, or the state cannot be saved.
        TrainingError: the gradient was not finite for ``MOST_LOST`` steps in a row.
    """
    if team.leads:
        discard_partial(state)
    model.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _set_learning(team.normalise_together(model), frozen)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, schedule.learning_rate, weight_decay=schedule.weight_decay)
    last = _load_state(model, optimizer, schedule, state) if resume and state.exists() else None
    if last and last.done >= 1:
        yield last
        return
    step, before = (last.step, last.seconds) if last else (0, 0.0)
    lost, saved = 0, before
    losses_of = team.losses(model)
    # torch.manual_seed asks every kind of accelerator, each time, whether it is there.
    seeded = torch.default_generator.manual_seed if torch.device(device).type == "cpu" else torch.manual_seed
    start = time.perf_counter() - before
    with suppress(GeneratorExit):  # the caller stops, between two steps; whatever else comes may come within one
        while schedule.done(step, seconds := team.agreed(time.perf_counter() - start)) < 1:
            seeded((team.rank << 32) + seed * 1_000_003 + step)
            images, targets = batch(step)
            targets = [{name: values.to(device) for name, values in target.items()} for target in targets]
            rate = schedule.rate(step, seconds)
            for group in optimizer.param_groups:
                group["lr"] = rate
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                losses = losses_of(images.to(device), targets)
            optimizer.zero_grad()
            torch.stack([*losses.values()]).sum().backward()
            finite = _clip(parameters)
            lost = 0 if finite else lost + 1
            if finite:
                optimizer.step()
            step += 1
            values = team.averaged({name: float(value.detach()) for name, value in losses.items()})
            seconds = time.perf_counter() - start
            last = TrainingStep(step, schedule.done(step, seconds), values, rate, seconds)
            if lost == MOST_LOST:
                sentence = _("The losses are no numbers any more: start a new training with a lower learning rate.")
                raise TrainingError(sentence)
            if finite and step % schedule.save_every == 0 and seconds - saved >= schedule.save_after:
                if team.leads:
                    _save_state(model, optimizer, last, state)
                saved = seconds
            yield last
            start = time.perf_counter() - seconds
            if not model.training:  # the caller has looked at it
                _set_learning(model, frozen)
    if last and team.leads:
        _save_state(model, optimizer, last, state)


def _clip(parameters: Sequence[nn.Parameter]) -> bool:
    """Make gradients longer than ``LARGEST_GRADIENT`` shorter, as ``clip_grad_norm_`` does; whether they are finite.

    That also multiplies by 1 those that are not longer.
    """
    norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
    length = float(norm)
    if length + 1e-6 > LARGEST_GRADIENT:
        nn.utils.clip_grads_with_norm_(parameters, LARGEST_GRADIENT, norm)
    return math.isfinite(length)


def _set_learning(model: nn.Module, frozen: Sequence[str]) -> None:
    model.train()
    for name in frozen:
        model.get_submodule(name).eval().requires_grad_(False)


def _save_state(model: nn.Module, optimizer: torch.optim.Optimizer, last: TrainingStep, path: Path) -> None:
    tensors = {f"model.{name}": values for name, values in model.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": torch.as_tensor(values) for slot, values in slots.items()}
    numbers = {"seconds": last.seconds} | {f"loss.{name}": value for name, value in last.losses.items()}
    tensors |= {name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()}
    save_tensors(tensors | {"step": torch.tensor(last.step)}, path)


def _load_state(model: nn.Module, optimizer: torch.optim.Optimizer, schedule: Schedule, path: Path) -> TrainingStep:
    try:
        tensors = load_file(path)
    except SafetensorError:
        raise CheckpointError(
            _("The training state {file} is damaged: train without --resume.").format(
                file=f"{path.parent.name}/{path.name}"
            )
        ) from None
    try:
        model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
    except RuntimeError:
        sentence = _("The training state {file} is that of another model: train without --resume.")
        raise CheckpointError(sentence.format(file=f"{path.parent.name}/{path.name}")) from None
    state: dict[int, dict[str, Tensor]] = {}
    for name, values in tensors.items():
        if name.startswith("optimizer."):
            index, slot = name.split(".")[1:]
            # A copy: Windows lets no file be replaced while a tensor lies in it.
            state.setdefault(int(index), {})[slot] = values.clone()
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    losses = {name.removeprefix("loss."): float(v) for name, v in tensors.items() if name.startswith("loss.")}
    step, seconds = int(tensors["step"]), float(tensors["seconds"])
    return TrainingStep(step, schedule.done(step, seconds), losses, schedule.rate(step - 1, seconds), seconds)
