"""Functions with an `if` and a loop: the graph that each run builds, and what can be captured before any run.

PyTorch defines its graph by running. `torch.export` and `torch.compile` look at a function once instead and keep a
graph, with guards that say for which inputs it holds; where a branch depends on values they refuse, or stop there and
hand back to Python.
"""

import inspect
import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn

from core.autograd.graph import Graph, graph
from core.autograd.recording import Recording

Kind = Literal["input", "operation", "output"]
Inputs = tuple[Any, ...]

# What a compiled graph asks of the function's arguments, in PyTorch's words; other guards are on PyTorch itself.
_GUARD = re.compile(r"check_tensor\(L\['\w+'\].*?stride=\[[^\]]*\]\)|L\['\w+'\] == [^ #]+")
_tracing = threading.Lock()  # the compiler keeps its state for the whole process


@dataclass(frozen=True)
class Example:
    """A ``function`` and the ``inputs`` to call it with, ``labels`` to say what they are, and which of them is the
    ``first`` to look at, with which the function is captured. A ``compiled`` one is compiled whenever it is run, as
    `torch.cond` is; what happens in it cannot be recorded."""

    name: str
    function: Callable[..., Tensor]
    inputs: tuple[Inputs, ...]
    labels: tuple[str, ...]
    first: int
    compiled: bool = False

    @property
    def source(self) -> str:
        """The lines of the function."""
        return inspect.getsource(self.function)


@dataclass(frozen=True)
class Captured:
    """One node of a captured graph: its ``name``, the ``operation``, and the names of the nodes that it ``takes``."""

    name: str
    operation: str
    takes: tuple[str, ...]
    kind: Kind


@dataclass(frozen=True)
class Capture:
    """What was captured of a function: ``graphs``, several where Python has to decide between them; ``guards``, the
    conditions under which they hold; ``breaks``, the lines of source at which one ends; and ``refusal``, PyTorch's own
    message where it could not capture the whole."""

    graphs: tuple[tuple[Captured, ...], ...] = ()
    guards: tuple[str, ...] = ()
    breaks: tuple[str, ...] = ()
    refusal: str = ""


def run_each(example: Example) -> list[Graph]:
    """Return the graph that each of the example's inputs builds; its tensor requires a gradient."""
    graphs = []
    for tensor, *others in example.inputs:
        leaf = tensor.clone().requires_grad_()
        with nullcontext() if example.compiled else Recording() as recording:
            result = example.function(leaf, *others)
        graphs.append(graph(result, {"x": leaf}, recording))
    return graphs


def capture_by_export(example: Example) -> Capture:
    """Return what `torch.export` captures, and the guards that the example's other inputs run into."""
    module = nn.Module()
    module.forward = example.function  # so that its arguments keep their names
    with _tracing, _quiet("torch.fx.experimental.symbolic_shapes"):
        try:
            program = torch.export.export(module, example.inputs[example.first])
        except Exception as error:  # noqa: BLE001 - of many kinds, none of them public; the message is what is shown
            return Capture(breaks=_lines_in(error), refusal=_first_words(error))
    run = program.module()
    guards = dict.fromkeys(guard for inputs in example.inputs if (guard := _guard_before(run, inputs)))
    return Capture((_nodes(program.graph_module),), tuple(guards))


def capture_by_compile(example: Example) -> Capture:
    """Return what `torch.compile` captures on the example's first input, without a compiler behind it."""
    import torch._dynamo as dynamo  # three seconds, which the rest of the app does not wait for

    found: list[fx.GraphModule] = []

    def keep(module: fx.GraphModule, _inputs: list[Tensor]) -> Callable[..., Any]:
        found.append(module)
        return module.forward

    inputs = example.inputs[example.first]
    with _tracing:
        dynamo.reset()
        torch.compile(example.function, backend=keep)(*inputs)
        entries = dynamo.eval_frame._debug_get_cache_entry_list(example.function.__code__)
        guards = [guard for entry in entries for guard in _GUARD.findall(str(entry.guard_manager))]
        reasons = dynamo.explain(example.function)(*inputs).break_reasons
        refusal = ""
        try:
            torch.compile(example.function, backend="eager", fullgraph=True)(*inputs)
        except dynamo.exc.Unsupported as error:
            refusal = _first_words(error)
        dynamo.reset()
    lines = [reason.user_stack[-1].line.strip() for reason in reasons if reason.user_stack]
    return Capture(tuple(map(_nodes, found)), tuple(dict.fromkeys(guards)), tuple(dict.fromkeys(lines)), refusal)


def _guard_before(run: Callable[..., Any], inputs: Inputs) -> str:
    """Return the guard that stops ``inputs``, if one does."""
    try:
        run(*inputs)
    except AssertionError as error:
        return str(error).removeprefix("Guard failed: ")
    return ""


def _first_words(error: Exception) -> str:
    """Return the first paragraph of PyTorch's message, which goes on about its own insides."""
    return str(error).strip().split("\n\n")[0]


def _lines_in(error: Exception) -> tuple[str, ...]:
    """Return the lines of the function that PyTorch's message points at."""
    return tuple(line.strip() for line in re.findall(r'File ".*", line \d+, in \w+\n(.+)', str(error)))


def _nodes(module: fx.GraphModule) -> tuple[Captured, ...]:
    kinds: dict[str, Kind] = {"placeholder": "input", "output": "output"}
    return tuple(
        Captured(
            node.name,
            _operation(module, node),
            tuple(one.name for one in node.all_input_nodes),
            kinds.get(node.op, "operation"),
        )
        for node in module.graph.nodes
    )


def _operation(module: fx.GraphModule, node: fx.Node) -> str:
    """Return what a node does, in one word; a branch is said by what is done in it."""
    if node.op == "get_attr":
        inside = getattr(module, str(node.target)).graph.nodes
        return ", ".join(_operation(module, one) for one in inside if one.op.startswith("call"))
    if node.op == "placeholder":
        return node.name.removeprefix("l_").removesuffix("_")
    if isinstance(node.target, str):
        return node.target
    return node.target.__name__.split(".")[0]


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Keep to itself what a logger would tell about a refusal that is shown."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


# ---- what is captured ----


def by_value(x: Tensor) -> Tensor:
    while x.norm() < 4:
        x = x * 2
    if x.sum() > 0:
        return x.sum()
    return (x**2).sum()


def by_shape(x: Tensor, n: int) -> Tensor:
    for _ in range(n):
        x = torch.tanh(x)
    if x.shape[0] > 2:
        return x.mean()
    return x.sum()


def both_ways(x: Tensor) -> Tensor:
    return torch.cond(
        x.sum() > 0,
        lambda x: x.sum(),
        lambda x: (x**2).sum(),
        (x,),
    )


def examples() -> dict[str, Example]:
    """Return, by name, functions that branch on values, on a number and a shape, and inside of the graph."""
    values = [step / 4 for step in range(-16, 17)]
    calls = [(size, count) for size in (2, 3) for count in range(5)]
    found = (
        Example("value", by_value, *_along(values), values.index(0.75)),
        Example(
            "shape",
            by_shape,
            tuple((torch.linspace(-1, 1, size), count) for size, count in calls),
            tuple(f"len(x) = {size}, n = {count}" for size, count in calls),
            calls.index((3, 2)),
        ),
        Example("cond", both_ways, *_along([-2.0, -1.0, 1.0, 2.0]), 2, compiled=True),
    )
    return {example.name: example for example in found}


def _along(values: Sequence[float]) -> tuple[tuple[Inputs, ...], tuple[str, ...]]:
    """Return tensors whose first element takes the ``values``, and what to call them."""
    return tuple((torch.tensor([value, 0.5]),) for value in values), tuple(f"x = [{value:g}, 0.5]" for value in values)
