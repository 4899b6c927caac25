"""The one training loop: batches by step number, AdamW under a cosine schedule, checkpoints that resume exactly."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from core.training.checkpoint import save_tensors

Batch = tuple[Tensor, list[dict[str, Tensor]]]


class Trainable(Protocol):
    """Anything with parameters and named losses."""

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the named parts of the loss."""
        ...


@dataclass(frozen=True)
class Schedule:
    """How long and how fast: ``steps`` batches, the highest learning rate after ``warmup`` steps, then a cosine
    down to zero, and AdamW's ``weight_decay``."""

    steps: int
    learning_rate: float
    weight_decay: float = 1e-2
    warmup: int = 100
    save_every: int = 200

    def rate(self, step: int) -> float:
        """Return the learning rate of ``step``, counted from 0."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


@dataclass(frozen=True)
class TrainingStep:
    """One finished step: its number from 1, of how many, the loss parts, the rate, seconds since the start."""

    step: int
    steps: int
    losses: dict[str, float]
    learning_rate: float
    seconds: float


def train(
    model: nn.Module,
    batch: Callable[[int], Batch],
    schedule: Schedule,
    state: Path,
    device: str = "cpu",
    resume: bool = False,
    seed: int = 0,
) -> Iterator[TrainingStep]:
    """Train ``model`` on ``batch(step)``, yielding each step as it is done; the caller stops by not going on.

    The training state goes to the file ``state`` every ``save_every`` steps, at the end, and when the caller stops.
    All randomness of a step comes from ``seed`` and its number, so that a resumed training repeats the losses of
    an unbroken one. On a CPU the convolutions run in bfloat16 under autocast, losses in float32.
    """
    model.to(device=device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, schedule.learning_rate, weight_decay=schedule.weight_decay)
    first = _load_state(model, optimizer, state) if resume and state.exists() else 0
    start = time.perf_counter()
    step = first
    try:
        for step in range(first, schedule.steps):
            torch.manual_seed(seed * 1_000_003 + step)
            images, targets = batch(step)
            targets = [{name: values.to(device) for name, values in target.items()} for target in targets]
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(step)
            with torch.autocast(torch.device(device).type, torch.bfloat16):
                losses = model.losses(images.to(device), targets)  # type: ignore[operator]
            optimizer.zero_grad()
            sum(losses.values()).backward()
            nn.utils.clip_grad_norm_(parameters, 10.0)
            optimizer.step()
            done = step + 1
            if done % schedule.save_every == 0:
                _save_state(model, optimizer, done, state)
            step = done
            values = {name: float(value.detach()) for name, value in losses.items()}
            yield TrainingStep(done, schedule.steps, values, schedule.rate(done - 1), time.perf_counter() - start)
    finally:
        _save_state(model, optimizer, step, state)


def _save_state(model: nn.Module, optimizer: torch.optim.Optimizer, step: int, path: Path) -> None:
    tensors = {f"model.{name}": values for name, values in model.state_dict().items()}
    for index, slots in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{slot}": torch.as_tensor(values) for slot, values in slots.items()}
    save_tensors(tensors | {"step": torch.tensor(step)}, path)


def _load_state(model: nn.Module, optimizer: torch.optim.Optimizer, path: Path) -> int:
    tensors = load_file(path)
    model.load_state_dict({n.removeprefix("model."): v for n, v in tensors.items() if n.startswith("model.")})
    state: dict[int, dict[str, Tensor]] = {}
    for name, values in tensors.items():
        if name.startswith("optimizer."):
            _, index, slot = name.split(".")
            state.setdefault(int(index), {})[slot] = values
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return int(tensors["step"])
