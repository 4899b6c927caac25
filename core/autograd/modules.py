"""A module from the inside: its tree, one batch forward and backward, and one update by hand and by the optimizer."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.autograd.blocks import Shape
from core.autograd.descent import RULES, Settings


@dataclass(frozen=True)
class Stored:
    """A parameter or buffer of a module: ``requires_grad`` is False for a buffer."""

    name: str
    shape: Shape
    requires_grad: bool


@dataclass(frozen=True)
class Node:
    """A module in its tree: the ``name`` that its parent knows it by, its class and settings, and what it holds.

    ``count`` are the parameters in it and in all below, ``trained`` those of them that have ``requires_grad``.
    """

    name: str
    kind: str
    settings: str
    parameters: tuple[Stored, ...]
    buffers: tuple[Stored, ...]
    children: tuple["Node", ...]
    count: int
    trained: int


def tree(module: nn.Module, name: str = "") -> Node:
    """Return ``module`` and all below it as data."""
    parameters = [
        Stored(key, tuple(value.shape), value.requires_grad) for key, value in module.named_parameters(recurse=False)
    ]
    buffers = [Stored(key, tuple(value.shape), False) for key, value in module.named_buffers(recurse=False)]
    sizes = [(value.numel(), value.requires_grad) for value in module.parameters()]
    return Node(
        name,
        type(module).__name__,
        module.extra_repr(),
        tuple(parameters),
        tuple(buffers),
        tuple(tree(child, key) for key, child in module.named_children()),
        sum(size for size, _trained in sizes),
        sum(size for size, trained in sizes if trained),
    )


# ---- one batch, forward and backward ----


@dataclass(frozen=True)
class Layer:
    """What a module made of one batch: its ``output`` (N, ...), and the ``gradient`` of the loss with respect to it.

    ``gradient`` is None where none came back: nothing before it is trained. ``dead`` is, for a ReLU, the share of its
    units, channels of a map, that are zero on the whole batch.
    """

    name: str
    output: Tensor
    gradient: Tensor | None
    dead: float | None


@dataclass(frozen=True)
class Passed:
    """One batch forward and backward: the ``loss``, its ``layers`` in order; the network's parameters hold ``grad``."""

    loss: float
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Batch:
    """Samples (N, ...) with their labels (N,), and the seed that dropout draws from: the same mask on every pass."""

    inputs: Tensor
    labels: Tensor
    seed: int = 0


def loss_on(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of the ``network``'s scores, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(batch.seed)
        return functional.cross_entropy(network.train()(batch.inputs), batch.labels)


def pass_through(network: nn.Module, batch: Batch) -> Passed:
    """Send ``batch`` forward and the loss's gradient back, with a hook on every module that has none below it."""
    modules = {name: module for name, module in network.named_modules() if not list(module.children())}
    outputs: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            outputs[name] = output.detach()
            if output.requires_grad:
                output.register_hook(lambda gradient: gradients.update({name: gradient}))

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    network.zero_grad()
    loss = loss_on(network, batch)
    loss.backward()
    for handle in handles:
        handle.remove()
    layers = [
        Layer(name, outputs[name], gradients.get(name), _dead(outputs[name]) if isinstance(module, nn.ReLU) else None)
        for name, module in modules.items()
    ]
    return Passed(loss.item(), tuple(layers))


def _dead(output: Tensor) -> float:
    units = output.transpose(0, 1).flatten(1)
    return float((units == 0).all(1).float().mean())


# ---- one update, by hand and by the optimizer ----


@dataclass(frozen=True)
class Way:
    """A way to update: the rule in ``RULES``, with its weight decay, and the ``step`` that is looked at, from 1."""

    rule: str
    decay: float = 0.0
    step: int = 1


MOMENTUM = 0.9
WAYS = {
    "sgd": Way("sgd"),
    "decay": Way("sgd", decay=0.1),
    "momentum": Way("momentum", step=2),
    "adam": Way("adam"),
}


@dataclass(frozen=True)
class Update:
    """One step of an optimizer, as lists of tensors, one for each trained parameter, in the network's order.

    ``before`` and ``gradients`` are the parameters and their gradients before the step, ``earlier`` the gradients one
    step before that (empty at step 1). ``by_hand`` are the parameters that the rule gives, ``by_step`` those that
    ``torch.optim`` gives; ``losses`` are the batch's before and after.
    """

    names: tuple[str, ...]
    before: list[Tensor]
    gradients: list[Tensor]
    earlier: list[Tensor]
    by_hand: list[Tensor]
    by_step: list[Tensor]
    losses: tuple[float, float]

    def difference(self) -> float:
        """Return the largest difference between what the hand and what the optimizer gives."""
        return max(float((a - b).abs().max()) for a, b in zip(self.by_hand, self.by_step, strict=True))


def update(network: nn.Module, batch: Batch, way: Way, lr: float) -> Update:
    """Take ``way.step`` steps from where the ``network`` is, by hand and by ``torch.optim``; it stays as it is."""
    settings = Settings(lr, MOMENTUM, way.decay)
    hand, steps = deepcopy(network), deepcopy(network)
    walks = [RULES[way.rule](parameter.detach().clone(), settings) for parameter in _trained(hand).values()]
    visited = [[next(walk) for walk in walks]]
    gradients = []
    for _step in range(way.step):
        gradients.append(_gradients(hand, batch))
        visited.append([walk.send(g) for walk, g in zip(walks, gradients[-1], strict=True)])
        with torch.no_grad():
            for parameter, value in zip(_trained(hand).values(), visited[-1], strict=True):
                parameter.copy_(value)
    optimizer = _optimizer(way, list(_trained(steps).values()), lr)
    losses = []
    for _step in range(way.step):
        optimizer.zero_grad()
        loss = loss_on(steps, batch)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    after = loss_on(steps, batch).item()
    return Update(
        tuple(_trained(network)),
        visited[-2],
        gradients[-1],
        gradients[-2] if way.step > 1 else [],
        visited[-1],
        [parameter.detach() for parameter in _trained(steps).values()],
        (losses[-1], after),
    )


def _optimizer(way: Way, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    if way.rule == "adam":
        return torch.optim.Adam(parameters, lr, (MOMENTUM, 0.999), weight_decay=way.decay)
    momentum = MOMENTUM if way.rule == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr, momentum, weight_decay=way.decay)


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def _gradients(network: nn.Module, batch: Batch) -> list[Tensor]:
    return list(torch.autograd.grad(loss_on(network, batch), list(_trained(network).values())))
