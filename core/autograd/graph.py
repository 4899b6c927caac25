"""The graph that autograd built behind a value, node for node, with every value, gradient and local derivative."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.autograd.graph import Node as AutogradNode

from core.autograd.engine_nodes import in_engines_order, in_order, is_leaf, leaf_of, made_by
from core.autograd.recording import Hidden, Operation, Place, Recording, kept
from core.faults import UserError
from core.i18n import _

LARGEST_SIDE = 64  # elements of an operation's output, and of its input, up to which its Jacobian is computed

Kind = Literal["leaf", "operation"]


class GraphError(UserError):
    """There is no graph behind the value; the message says what to do."""


@dataclass(frozen=True)
class Saved:
    """What a node keeps for the backward pass: ``name`` as PyTorch calls it, and its ``value``, a tensor, a list of
    tensors, a number, ...; ``error`` is PyTorch's message where it will not give the value out any more. ``node`` is
    the node whose value it is, where it is one's."""

    name: str
    value: Any
    error: str = ""
    node: int | None = None


@dataclass(frozen=True)
class Node:
    """One node of autograd's graph: the backward side of an ``operation``, or the ``leaf`` that gathers a gradient.

    ``name`` is PyTorch's own ("MulBackward0"), ``operation`` the same in words. ``values`` are what the operation
    made, a tensor for each output, in their shapes, and ``gradients`` those of the result with respect to them; None
    where it is not known. ``variable`` is the name of the (first) output, where it has one. ``place`` is the piece of
    source that made it, and ``number`` what autograd counts by: later nodes have greater numbers, leaves have none.
    """

    name: str
    operation: str
    kind: Kind
    values: tuple[Tensor | None, ...]
    gradients: tuple[Tensor | None, ...]
    saved: tuple[Saved, ...] = ()
    variable: str = ""
    place: Place | None = None
    number: int | None = None

    @property
    def value(self) -> Tensor | None:
        """The first output."""
        return self.values[0]

    @property
    def gradient(self) -> Tensor | None:
        """The gradient of the first output, or of the one that has one."""
        return next((gradient for gradient in self.gradients if gradient is not None), None)


@dataclass(frozen=True)
class Edge:
    """A value on its way: ``output`` of node ``producer`` is the ``input`` of node ``consumer``, counted from 0.

    ``contribution``, in the shape of the value, is the gradient that comes back along it: the product of the
    consumer's gradient and ``local`` (elements of the consumer's output, elements of the value), the Jacobian of that
    one operation. It is None where it is too large, where the consumer has several outputs in use, and where it is an
    autograd function written in Python.
    """

    producer: int
    output: int
    consumer: int
    input: int
    contribution: Tensor | None
    local: Tensor | None


@dataclass(frozen=True)
class Constant:
    """An ``input`` of node ``consumer`` that gets no gradient, by its ``value`` where it is known.

    ``hidden`` says by what it was cut from leaves that it was computed from.
    """

    consumer: int
    input: int
    value: Tensor | float | None
    variable: str = ""
    hidden: Hidden | None = None


@dataclass(frozen=True)
class Graph:
    """The graph behind a tensor: ``nodes`` so that each stands behind all it was computed from, the result last.

    ``backward`` are the nodes in the order in which PyTorch's engine goes back through them. ``refusal`` is PyTorch's
    message where it would not go back; gradients before the node that it stopped at are there. ``leaf_tensors`` are
    those of ``leaves`` themselves, to ask for their ``.grad``.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    constants: tuple[Constant, ...]
    backward: tuple[int, ...]
    leaf_tensors: tuple[Tensor, ...]
    refusal: str = ""

    @property
    def leaves(self) -> tuple[int, ...]:
        """The nodes that gather the gradient of a leaf tensor."""
        return tuple(index for index, node in enumerate(self.nodes) if node.kind == "leaf")


def graph(tensor: Tensor, names: Mapping[str, Any] | None = None, recording: Recording | None = None) -> Graph:
    """Return the graph behind ``tensor``, with the gradients of its sum.

    Nothing is changed: no leaf's ``.grad``, and the graph can still be gone back through. What the nodes made is known
    of the result, of leaves, of tensors in ``names`` (other values are passed over), and of everything that was
    computed while ``recording`` was active. It is not known where autograd gave an operation another node later on,
    as it does when a part of a tensor is written to.

    Raises:
        GraphError: ``tensor`` does not require a gradient.
    """
    root = made_by(tensor)
    if root is None:
        raise GraphError(_without_graph(tensor, recording))
    named = {name: value for name, value in (names or {}).items() if isinstance(value, Tensor)}
    ordered = in_order(root[0])
    index = {node: place for place, node in enumerate(ordered)}
    passing, refusal = _go_back(tensor, ordered)
    described = _Described(tensor, named, recording, index)
    nodes = tuple(described.node(node, passing.get(node)) for node in ordered)
    edges, constants = [], []
    for node in ordered:
        contributions = passing[node].inputs if node in passing else ()
        locals_ = _jacobians(node, passing.get(node))
        for place, (producer, output) in enumerate(node.next_functions):
            if producer is None:
                constants.append(described.constant(node, index[node], place))
            else:
                contribution = contributions[place] if place < len(contributions) else None
                edges.append(Edge(index[producer], output, index[node], place, contribution, locals_.get(place)))
    backward = tuple(index[node] for node in in_engines_order(root[0]))
    leaves = tuple(leaf for node in ordered if (leaf := leaf_of(node)) is not None)
    return Graph(nodes, tuple(edges), tuple(constants), backward, leaves, refusal)


def _without_graph(tensor: Tensor, recording: Recording | None) -> str:
    hidden = recording.hidden(tensor) if recording else None
    if hidden == "detach":
        return _("This value was cut off by detach(), so autograd kept no graph of it: use what stood before.")
    if hidden == "no_grad":
        return _("This value was computed under no_grad(), so autograd kept no graph of it: compute it outside.")
    if hidden or not (tensor.is_floating_point() or tensor.is_complex()):
        return _("This value has whole numbers or truth values, which have no gradient: end with a real number.")
    return _("This value requires no gradient, so autograd kept no graph of it: give a leaf requires_grad=True.")


# ---- gradients ----


@dataclass(frozen=True)
class _Passing:
    """What went through a node on the way back: gradients of its ``outputs``, and what it made of them."""

    outputs: tuple[Tensor | None, ...]
    inputs: tuple[Tensor | None, ...]


def _go_back(tensor: Tensor, nodes: Sequence[AutogradNode]) -> tuple[dict[AutogradNode, _Passing], str]:
    """Go back from ``tensor`` once and return what went through each node, and PyTorch's message if it refused."""
    passing: dict[AutogradNode, _Passing] = {}

    def hook(node: AutogradNode) -> Callable[..., None]:
        def note(inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor | None, ...]) -> None:
            passing[node] = _Passing(_copies(outputs), _copies(inputs))

        return note

    hooks = [node.register_hook(hook(node)) for node in nodes if not is_leaf(node)]
    leaves = {node: leaf for node in nodes if (leaf := leaf_of(node)) is not None}
    refusal = ""
    try:
        gradients = torch.autograd.grad(
            tensor, list(leaves.values()), torch.ones_like(tensor), retain_graph=True, allow_unused=True
        )
        passing.update((node, _Passing(_copies([one]), ())) for node, one in zip(leaves, gradients, strict=True))
    except RuntimeError as error:
        refusal = str(error)
    finally:
        for handle in hooks:
            handle.remove()
    return passing, refusal


def _copies(tensors: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
    return tuple(None if one is None else one.detach().clone() for one in tensors)


def _jacobians(node: AutogradNode, passing: _Passing | None) -> dict[int, Tensor]:
    """Return the Jacobians of a node by its inputs: each row is what the node itself makes of a gradient that is one
    at one element of its output and zero elsewhere."""
    used = [(place, one) for place, one in enumerate(passing.outputs) if one is not None] if passing else []
    if not passing or not callable(node) or len(used) != 1:  # leaves, and functions written in Python, are not called
        return {}
    ((output, gradient),) = used
    sides = {place: one for place, one in enumerate(passing.inputs) if one is not None and one.numel() <= LARGEST_SIDE}
    if gradient.numel() > LARGEST_SIDE or not sides:
        return {}
    units = torch.eye(gradient.numel(), dtype=gradient.dtype).view(-1, *gradient.shape)
    made = [_call(node, output, len(passing.outputs), unit) for unit in units]
    # The engine sums over the axes along which an input was broadcast; so do we.
    return {
        place: torch.stack([_or_zeros(row[place], side).sum_to_size(side.shape).flatten() for row in made])
        for place, side in sides.items()
    }


def _call(node: Callable[..., Any], output: int, outputs: int, gradient: Tensor) -> Sequence[Tensor | None]:
    """Let ``node`` do its part of the backward pass with ``gradient`` at one of its ``outputs``."""
    with torch.no_grad():
        made = node(*[gradient if place == output else None for place in range(outputs)])
    return made if isinstance(made, tuple) else (made,)


def _or_zeros(made: Tensor | None, like: Tensor) -> Tensor:
    return torch.zeros_like(like) if made is None else made


# ---- values, names and what is saved ----


class _Described:
    """What can be said of autograd's nodes: from the tensors that have a name, and from what was recorded."""

    def __init__(
        self,
        result: Tensor,
        named: Mapping[str, Tensor],
        recording: Recording | None,
        index: Mapping[AutogradNode, int],
    ):
        self._index = index
        self._operations = recording.operations if recording else {}
        self._recording = recording
        self._named = named
        self._tensors = {}
        for name, tensor in (("", result), *named.items()):
            end = made_by(tensor)
            if end:
                self._tensors[end] = (name, tensor)

    def node(self, node: AutogradNode, passing: _Passing | None) -> Node:
        words = in_words(node.name())
        variable, _tensor = self._tensors.get((node, 0), ("", None))
        leaf = leaf_of(node)
        if leaf is not None:
            gradients = passing.outputs if passing else (None,)
            return Node(node.name(), words, "leaf", (kept(leaf),), gradients, variable=variable)
        operation = self._operations.get(node._sequence_nr())
        values = self._values(node, operation)
        gradients = passing.outputs if passing else (None,) * len(values)
        place = operation.place if operation else None
        saved = tuple(_saved(node, self._index))
        return Node(node.name(), words, "operation", values, gradients, saved, variable, place, node._sequence_nr())

    def _values(self, node: AutogradNode, operation: Operation | None) -> tuple[Tensor | None, ...]:
        recorded = operation.outputs if operation else ()
        count = max(len(recorded), 1 + max((place for one, place in self._tensors if one is node), default=0))
        values = [*recorded, *[None] * (count - len(recorded))]
        for place in range(count):
            _name, tensor = self._tensors.get((node, place), ("", None))
            if values[place] is None and tensor is not None:
                values[place] = kept(tensor)
        return tuple(values)

    def constant(self, node: AutogradNode, consumer: int, place: int) -> Constant:
        operation = self._operations.get(node._sequence_nr())
        if operation is None or len(operation.inputs) != len(node.next_functions):
            return Constant(consumer, place, None)
        value = operation.inputs[place]
        if not isinstance(value, Tensor):
            return Constant(consumer, place, value)
        name = next((name for name, one in self._named.items() if one is value), "")
        hidden = self._recording.hidden(value) if self._recording else None
        return Constant(consumer, place, kept(value), name, hidden)


def _saved(node: AutogradNode, index: Mapping[AutogradNode, int]) -> Iterator[Saved]:
    for name in dir(node):
        if not name.startswith("_saved_"):
            continue
        title = name.removeprefix("_saved_")
        try:
            value = getattr(node, name)
        except RuntimeError as error:
            yield Saved(title, None, str(error))
            continue
        if isinstance(value, Tensor):
            end = made_by(value)
            yield Saved(title, kept(value), node=index.get(end[0]) if end else None)
        elif value is not None:
            yield Saved(title, _signed(value))


def _signed(value: Any) -> Any:
    """Give a number its sign back: nodes hand out negative ones, such as ignore_index, as if they had none."""
    return value - 2**64 if isinstance(value, int) and value >= 2**63 else value


def in_words(name: str) -> str:
    """Return PyTorch's ``name`` of a node in words: "torch::autograd::CopySlices" is "copy slices"."""
    bare = re.sub(r"Backward\d*$", "", name.rpartition("::")[2])
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", bare).lower()
