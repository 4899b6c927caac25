"""A source of the tensor language walked through by autograd: its graph, its leaves' gradients, and their proof."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from core.autograd.checking import Difference, Leaves, accumulate, finite_differences, relative_error
from core.autograd.engine_nodes import count_nodes
from core.autograd.graph import Graph, GraphError, graph
from core.autograd.recording import Recording
from core.i18n import _
from core.tensors import ExpressionError, evaluate
from core.tensors.expression import LAST

MOST_NODES = 120
PASSES = 3  # backward passes whose gradients add up
MOST_SECONDS = 0.3  # of this thread's processor time to go back once, above which it is not done again
KINK = 1e-3  # by which the slopes to both sides differ, at the least

Verdict = Literal["agrees", "kink", "hidden", "differs", "unchecked"]

# How near a gradient comes to a difference in float64; coarser dtypes round on the way.
_TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4}
_COARSE = 3e-2


@dataclass(frozen=True)
class Leaf:
    """A leaf in the graph: its ``node``, the finite ``difference`` by it where it was taken, the greatest relative
    ``error`` of its gradient against that, and what it means.

    The ``verdict`` is "kink" where the function has no derivative, and "hidden" where a path was cut, which autograd
    does not follow and a difference does. ``accumulated`` is its ``.grad`` after each of several calls of backward,
    and, last, after it was set to zero; it is empty where autograd refused, or where that would take too long.
    """

    node: int
    difference: Difference | None
    error: float | None
    verdict: Verdict
    accumulated: tuple[Tensor | None, ...]


@dataclass(frozen=True)
class Walkthrough:
    """What a source makes: the ``graph`` behind its ``result``, which is the name of the value that was computed last
    of those that require a gradient, its ``leaves``, and the names of those that the graph does not reach."""

    graph: Graph
    result: str
    leaves: tuple[Leaf, ...]
    unreached: tuple[str, ...]


def walk_through(source: str, check: bool = True) -> Walkthrough:
    """Return the graph behind the last value of ``source``; with ``check`` its leaves' gradients are held against
    finite differences, which takes two evaluations for each element.

    Raises:
        ExpressionError: the source is wrong.
        GraphError: nothing in it requires a gradient, or its graph has more than ``MOST_NODES``.
    """
    with Recording() as recording, Leaves() as made:
        names = evaluate(source, at=recording.at)
    name = _last(names)
    result = names[name]
    _check_size(result)
    started = time.thread_time()
    drawn = graph(result, names, recording)
    quick = time.thread_time() - started <= MOST_SECONDS
    leaves = drawn.leaf_tensors
    differences = _differences(source, name) if check else None
    accumulated = accumulate(result, leaves, PASSES) if quick and not drawn.refusal else []
    described = []
    for place, (node, leaf) in enumerate(zip(drawn.leaves, leaves, strict=True)):
        number = next((number for number, one in enumerate(made.leaves) if one is leaf), None)
        difference = differences[number] if differences and number is not None else None
        grads = tuple(row[place] for row in accumulated)
        described.append(_described(drawn, node, difference, grads))
    unreached = [one for one in made.leaves if not any(one is leaf for leaf in leaves)]
    return Walkthrough(drawn, name, tuple(described), tuple(_names_of(names, unreached)))


def _check_size(result: Tensor) -> None:
    count = count_nodes(result)
    if count > MOST_NODES:
        message = _("This graph has {count} nodes, and at most {limit} can be read: do less in one source.")
        raise GraphError(message.format(count=count, limit=MOST_NODES))


def _last(names: Mapping[str, Any]) -> str:
    tensors = {name: value for name, value in names.items() if isinstance(value, Tensor)}
    if not tensors:
        raise GraphError(_("No line makes a tensor: begin with x = tensor([1., 2.], requires_grad=True)."))

    def lateness(name: str) -> tuple[bool, int, bool]:
        value = tensors[name]
        number = value.grad_fn._sequence_nr() if value.grad_fn else -1
        return value.requires_grad, number, name != LAST

    return max(tensors, key=lambda name: lateness(name))


def _differences(source: str, name: str) -> list[Difference] | None:
    try:
        return finite_differences(lambda: evaluate(source)[name])
    except ExpressionError:  # it depends on the values, or on float32, whether the source can be evaluated
        return None


def _described(drawn: Graph, node: int, difference: Difference | None, grads: tuple[Tensor | None, ...]) -> Leaf:
    gradient = drawn.nodes[node].gradient
    if difference is None or gradient is None or difference.central.shape != gradient.shape:
        return Leaf(node, difference, None, "unchecked", grads)
    errors = relative_error(gradient, difference.central)
    wrong = ~(errors <= _TOLERANCE.get(gradient.dtype, _COARSE))  # so that an error that is no number is wrong too
    error = float(errors.max()) if errors.numel() else 0.0
    return Leaf(node, difference, error, _verdict(drawn, difference, wrong), grads)


def _verdict(drawn: Graph, difference: Difference, wrong: Tensor) -> Verdict:
    if not wrong.any():
        return "agrees"
    if ((difference.above - difference.below).abs()[wrong] > KINK).all():
        return "kink"
    if any(constant.hidden in ("detach", "no_grad") for constant in drawn.constants):
        return "hidden"
    return "differs"


def _names_of(names: Mapping[str, Any], tensors: Sequence[Tensor]) -> list[str]:
    return [name for name, value in names.items() if name != LAST and any(value is tensor for tensor in tensors)]
