"""Gradients held against finite differences, and what several backward passes leave in a leaf's ``.grad``."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

STEP = torch.finfo(torch.float64).eps ** (1 / 3)  # where the error of the difference and that of rounding balance
MOST_ELEMENTS = 32  # of all leaves together; each takes two evaluations
MOST_SECONDS = 0.5  # of this thread's processor time that all evaluations may take

_DOUBLE = {torch.float16: torch.float64, torch.bfloat16: torch.float64, torch.float32: torch.float64}
_CASTS: dict[Any, Any] = {Tensor.float: Tensor.double, Tensor.half: Tensor.double, Tensor.bfloat16: Tensor.double}

Computation = Callable[[], Tensor]  # makes its leaves itself, and the same ones whenever it is called


@dataclass(frozen=True)
class Difference:
    """Finite differences by one leaf, in the leaf's shape, float64: ``central``, and the slopes to either side.

    Where these two differ there is a kink, and the central difference is the mean of both.
    """

    central: Tensor
    below: Tensor
    above: Tensor


class Leaves(TorchFunctionMode):
    """Notes the leaves that are made while it is active, in the order in which they begin to require a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[Tensor] = []

    def __torch_function__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run ``func`` and note a leaf that it made, or made of its first argument."""
        result = self.run(func, args, kwargs or {})
        for tensor in (result, *args[:1]):
            if isinstance(tensor, Tensor) and _is_leaf(tensor) and not any(leaf is tensor for leaf in self.leaves):
                self.leaves.append(tensor)
                self.noted(tensor)
        return result

    def run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what ``func`` makes."""
        return func(*args, **kwargs)

    def noted(self, leaf: Tensor) -> None:
        """Take the last one of ``leaves``, before anybody else sees it."""


class _InDouble(Leaves):
    """Computes in float64 whatever is asked for in less, and moves one element of one leaf: ``moved`` is the leaf's
    place, the element's place in it, and by how much."""

    def __init__(self, moved: tuple[int, int, float] | None = None):
        super().__init__()
        self._moved = moved

    def run(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        asked = {name: _doubled(value) for name, value in kwargs.items()}
        result = _CASTS.get(func, func)(*map(_doubled, args), **asked)
        if not isinstance(result, Tensor) or result.dtype not in _DOUBLE:
            return result
        if result.is_leaf:
            return result.detach().double().requires_grad_(result.requires_grad)
        return result.double()

    def noted(self, leaf: Tensor) -> None:
        if self._moved and self._moved[0] == len(self.leaves) - 1:
            _leaf, element, by = self._moved
            leaf.detach().view(-1)[element] += by


def _is_leaf(tensor: Tensor) -> bool:
    base = tensor._base
    # A view of a leaf that was taken under no_grad calls itself a leaf too, and some evaluations rehearse on meta.
    return tensor.is_leaf and tensor.requires_grad and not tensor.is_meta and (base is None or not base.requires_grad)


def _doubled(value: Any) -> Any:
    return _DOUBLE.get(value, value) if isinstance(value, torch.dtype) else value


def finite_differences(compute: Computation, most: int = MOST_ELEMENTS) -> list[Difference] | None:
    """Return how the sum of what ``compute`` returns changes with each element of each leaf, in float64.

    Leaves are in the order of ``Leaves``. None where they have more than ``most`` elements together, or where it would
    take more than ``MOST_SECONDS``. Whatever ``compute`` raises comes through.
    """
    started = time.thread_time()
    with _InDouble() as base:
        at_rest = float(compute().detach().sum())
    elements = sum(leaf.numel() for leaf in base.leaves)
    if elements > most or 2 * elements * (time.thread_time() - started) > MOST_SECONDS:
        return None
    return [_differences(compute, place, leaf, at_rest) for place, leaf in enumerate(base.leaves)]


def _differences(compute: Computation, place: int, leaf: Tensor, at_rest: float) -> Difference:
    values = leaf.detach().flatten()
    steps = STEP * values.abs().clamp(min=1)
    rows = []
    for element, step in enumerate(steps.tolist()):
        below, above = (_moved(compute, (place, element, by)) for by in (-step, step))
        # What was really added: the sum is rounded.
        down, up = (
            float(values[element] - (values[element] - step)),
            float((values[element] + step) - values[element]),
        )
        rows.append(((above - below) / (up + down), (at_rest - below) / down, (above - at_rest) / up))
    columns = torch.tensor(rows, dtype=torch.float64).reshape(-1, 3).unbind(1)
    return Difference(*(column.view(leaf.shape) for column in columns))


def _moved(compute: Computation, moved: tuple[int, int, float]) -> float:
    with _InDouble(moved):
        return float(compute().detach().sum())


def relative_error(gradient: Tensor, difference: Tensor) -> Tensor:
    """Return the error of ``gradient`` against ``difference`` by the greater of both, element by element; it is
    absolute below 1, where a difference has no more digits to offer."""
    size = torch.maximum(gradient.double().abs(), difference.abs()).clamp(min=1)
    return (gradient.double() - difference).abs() / size


def accumulate(tensor: Tensor, leaves: Sequence[Tensor], passes: int) -> list[list[Tensor | None]]:
    """Return the ``.grad`` of each of ``leaves`` after each of so many calls of ``tensor.sum().backward()``, then once
    more after they are set to zero. In the end they are as they were.
    """
    before = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None
    try:
        noted = []
        for _pass in range(passes):
            tensor.backward(torch.ones_like(tensor), retain_graph=True)
            noted.append([_copy(leaf.grad) for leaf in leaves])
        for leaf in leaves:
            if leaf.grad is not None:
                leaf.grad.zero_()
        return [*noted, [_copy(leaf.grad) for leaf in leaves]]
    finally:
        for leaf, gradient in zip(leaves, before, strict=True):
            leaf.grad = gradient


def _copy(gradient: Tensor | None) -> Tensor | None:
    return None if gradient is None else gradient.clone()
