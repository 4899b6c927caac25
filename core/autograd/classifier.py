"""A small classifier of points in the plane, trained from the first step to the last, with looks in between."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.autograd.blocks import build, parse
from core.data.points import labelled_points

COUNT = 200  # points to train on, and as many held out
STEPS = 400
LOOKS = 80
ACTIVATIONS = ("relu", "tanh", "sigmoid", "gelu")
OPTIMIZERS = {
    "sgd": lambda parameters, lr: torch.optim.SGD(parameters, lr),
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
    "nesterov": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9, nesterov=True),
    "rmsprop": lambda parameters, lr: torch.optim.RMSprop(parameters, lr),
    "adam": lambda parameters, lr: torch.optim.Adam(parameters, lr),
    "adamw": lambda parameters, lr: torch.optim.AdamW(parameters, lr),
}


@dataclass(frozen=True)
class Plan:
    """What to train on what: ``depth`` hidden layers of ``width`` units, on noisy points of a ``shape``."""

    shape: str = "moons"
    noise: float = 0.2
    activation: str = "tanh"
    width: int = 8
    depth: int = 2
    optimizer: str = "adam"
    lr: float = 0.03
    seed: int = 0

    def description(self) -> str:
        """Return the network as ``core.autograd.blocks.parse`` reads it."""
        hidden = [f"linear {self.width}, {self.activation}"] * self.depth
        return ", ".join([*hidden, "linear 2"])


@dataclass(frozen=True)
class Look:
    """The classifier after ``step`` steps, on the points to train on and on those held out.

    ``right`` (N,) says of each whether its class is the more probable one; ``logits`` (P,) are the
    logarithms of the odds of class 1 at the places that were asked about.
    """

    step: int
    losses: tuple[float, float]
    right: tuple[Tensor, Tensor]
    logits: Tensor

    @property
    def accuracies(self) -> tuple[float, float]:
        """The share of the points that are right."""
        training, held_out = (float(right.float().mean()) for right in self.right)
        return training, held_out


@dataclass(frozen=True)
class Trained:
    """A training: its points (N, 2) with labels (N,), and its ``looks``.

    ``overflow`` is the step after which the loss was no finite number any more: the training ended there. None: never.
    """

    points: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor
    looks: tuple[Look, ...]
    overflow: int | None


def train(plan: Plan, places: Tensor) -> Trained:
    """Train by full-batch gradients for ``STEPS`` steps, and look now and then at ``places`` (P, 2)."""
    points, labels = labelled_points(plan.shape, 2 * COUNT, plan.noise, plan.seed)
    # The samplers shuffle, or draw the classes in turn: either half is as good as the other.
    training, held_out = (points[:COUNT], labels[:COUNT]), (points[COUNT:], labels[COUNT:])
    network = build(parse(plan.description()), (2,), plan.seed).network
    optimizer = OPTIMIZERS[plan.optimizer](network.parameters(), plan.lr)
    looked = look_steps()
    looks, overflow = [], None
    for step in range(STEPS + 1):
        if step in looked:
            looks.append(_look(network, step, training, held_out, places))
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(training[0]), training[1])
        if not loss.isfinite():
            overflow = step
            break
        loss.backward()
        optimizer.step()
    return Trained(*training, *held_out, tuple(looks), overflow)


def look_steps() -> set[int]:
    """Return the steps at which ``train`` looks: the first and the last, and denser at first, when most happens."""
    return {round(STEPS * (place / (LOOKS - 1)) ** 2) for place in range(LOOKS)}


Labelled = tuple[Tensor, Tensor]


@torch.no_grad()
def _look(network: nn.Module, step: int, training: Labelled, held_out: Labelled, places: Tensor) -> Look:
    parts = [training[0], held_out[0], places]
    *scores, asked = network(torch.cat(parts)).split([len(part) for part in parts])
    (loss, right), (held_out_loss, held_out_right) = (
        (functional.cross_entropy(score, labels).item(), score.argmax(1) == labels)
        for score, labels in zip(scores, (training[1], held_out[1]), strict=True)
    )
    return Look(step, (loss, held_out_loss), (right, held_out_right), asked[:, 1] - asked[:, 0])
