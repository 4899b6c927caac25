"""What the autograd page draws: the graph behind a source's last value, and every number on it, forward and back."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from core.autograd.graph import Constant, Edge, Graph, GraphError, Node, Saved
from core.autograd.walkthrough import Leaf, Walkthrough, walk_through
from core.figures.layers import layered
from core.figures.sent.autograd import (
    CheckedLeaf,
    GraphPicture,
    LocalDerivative,
    PictureConstant,
    PictureEdge,
    PictureNode,
    SavedValue,
    SourceError,
    TensorNumbers,
    WalkedEdge,
    WalkedGraph,
    WalkedNode,
    WalkedSource,
)
from core.i18n import _
from core.tensors import ExpressionError
from core.tensors.errors import help_for

LONGEST_SIDE = 8  # rows and columns of a tensor that are shown
PORTS = 0.6  # of a node's width, along which its inputs lie
MOST_PATHS = 4  # of the chain rule, that are written out
MOST_FACTORS = 12  # of a path, the last ones

_DIGITS = 6  # that travel; fewer are shown


def source_data(source: str, check: bool = True) -> WalkedSource:
    """Return, ready for JSON, what becomes of ``source``: its ``graph``, as ``graph_data`` returns it, and its
    ``error``. Where there is an error in a line, the graph is that of the lines before it, and ``partial``.

    Without ``check`` no gradient is held against finite differences.
    """
    graph, error = _graph_of(source, check)
    partial = False
    if error and error["line"] > 1:
        graph, _error = _graph_of("\n".join(source.split("\n")[: error["line"] - 1]), check)
        partial = graph is not None
    return {"source": source, "graph": graph, "error": error, "partial": partial, "checked": check}


def _graph_of(source: str, check: bool) -> tuple[WalkedGraph | None, SourceError | None]:
    try:
        return graph_data(walk_through(source, check)), None
    except ExpressionError as error:
        return None, {
            "message": str(error),
            "help": error.help,
            "line": error.line,
            "column": error.column,
            "end_column": error.end_column,
        }
    except GraphError as error:
        return None, {"message": str(error), "help": "", "line": 0}


def graph_data(walk: Walkthrough) -> WalkedGraph:
    """Return, ready for JSON, the graph of ``walk`` and every number on it.

    ``nodes``, ``constants`` and ``edges`` are those of ``core.autograd.Graph``, where ``picture_data`` puts them.
    Tensors are as ``numbers`` returns them. An edge has ``local``, the operation's derivative, its ``contribution``,
    and ``so_far``, the sum of what has come back to its producer by then. Of a node, ``chain`` writes out the chain
    rule's product. ``back`` are the nodes in the order of the way back, up to the one where PyTorch refused to go on.
    """
    drawn = walk.graph
    picture = picture_data(drawn)
    sums = _sums_so_far(drawn)
    chains = _chains(drawn)
    rules = derivative_rules()
    nodes: list[WalkedNode] = [
        {
            **placed,
            "gradients": [numbers(gradient) for gradient in node.gradients],
            "saved": [_saved(one) for one in node.saved],
            "place": node.place,
            "rule": rules.get(node.operation, ""),
            "chain": chain,
        }
        for node, chain, placed in zip(drawn.nodes, chains, picture["nodes"], strict=True)
    ]
    edges: list[WalkedEdge] = [
        {
            **placed,
            "local": _local(edge, drawn.nodes[edge.consumer]),
            "contribution": numbers(edge.contribution),
            "so_far": numbers(sums.get(number)),
        }
        for number, (edge, placed) in enumerate(zip(drawn.edges, picture["edges"], strict=False))
    ]
    from_constants: list[WalkedEdge] = [
        {**placed, "local": None, "contribution": None, "so_far": None} for placed in picture["edges"][len(edges) :]
    ]
    return {
        "nodes": nodes,
        "constants": picture["constants"],
        "edges": edges + from_constants,
        "layers": picture["layers"],
        "columns": picture["columns"],
        "result": walk.result,
        "back": _way_back(drawn),
        "refusal": drawn.refusal,
        "help": help_for(RuntimeError(drawn.refusal)) if drawn.refusal else "",
        "leaves": [_leaf(drawn, leaf) for leaf in walk.leaves],
        "unreached": list(walk.unreached),
    }


def _way_back(drawn: Graph) -> list[int]:
    if not drawn.refusal:
        return list(drawn.backward)
    operations = [node for node in drawn.backward if drawn.nodes[node].kind == "operation"]
    done = [node for node in operations if drawn.nodes[node].gradient is not None]
    return operations[: len(done) + 1]


def picture_data(drawn: Graph) -> GraphPicture:
    """Return, ready for JSON, the nodes, constants and edges of ``drawn`` with their places and values, as ``laid_out``
    does it. Items are counted through, constants after the nodes."""
    behind = len(drawn.nodes)
    ends = [(edge.producer, edge.consumer, edge.input) for edge in drawn.edges]
    ends += [(behind + place, one.consumer, one.input) for place, one in enumerate(drawn.constants)]
    laid = laid_out(behind + len(drawn.constants), ends)
    nodes: list[PictureNode] = [
        {
            "name": node.name,
            "title": node.operation,
            "kind": node.kind,
            "variable": node.variable,
            "values": [numbers(value) for value in node.values],
            "blamed": any(one.error for one in node.saved),
            "across": across,
            "layer": layer,
        }
        for node, (across, layer) in zip(drawn.nodes, laid.places, strict=False)
    ]
    constants: list[PictureConstant] = [
        {
            "variable": one.variable,
            "value": _constant(one),
            "hidden": one.hidden,
            "across": across,
            "layer": layer,
        }
        for one, (across, layer) in zip(drawn.constants, laid.places[behind:], strict=True)
    ]
    for edge, sent in zip(drawn.edges, laid.edges, strict=False):
        sent["output"] = edge.output
    return {
        "nodes": nodes,
        "constants": constants,
        "edges": laid.edges,
        "layers": laid.layers,
        "columns": laid.columns,
    }


@dataclass(frozen=True)
class LaidOut:
    """Where a graph's items lie, ``places`` across and layers, in steps of one of them, its ``edges``, and how many
    ``layers`` there are and ``columns`` side by side."""

    places: list[tuple[float, int]]
    edges: list[PictureEdge]
    layers: int
    columns: float


def laid_out(count: int, ends: Sequence[tuple[int, int, int]]) -> LaidOut:
    """Return where ``count`` items lie.

    ``ends`` say from which item an edge goes to which, and which input of that it is; inputs lie side by side, so far
    from the item's middle as ``port`` says. ``route`` are the points that an edge goes through.
    """
    counts = Counter(end for _start, end, _input in ends)
    ports = [PORTS * ((place + 0.5) / max(counts[end], place + 1) - 0.5) for _start, end, place in ends]
    layout = layered(count, [(start, end) for start, end, _input in ends], ports)
    return LaidOut(
        list(zip(layout.across, layout.layers, strict=True)),
        [
            {"from": start, "to": end, "input": place, "port": port, "route": list(route)}
            for (start, end, place), port, route in zip(ends, ports, layout.routes, strict=True)
        ],
        max(layout.layers, default=-1) + 1,
        max((*layout.across, *(place for route in layout.routes for place, _layer in route)), default=0) + 1,
    )


def numbers(value: Tensor | None) -> TensorNumbers | None:
    """Return, ready for JSON, the ``shape`` and ``dtype`` of a tensor and its numbers in ``rows``, of which those
    beyond ``LONGEST_SIDE`` are left out; then ``cut`` is true. Axes before the last are counted through in rows."""
    if value is None:
        return None
    flat = value.detach().reshape(-1, value.shape[-1] if value.ndim else 1) if value.numel() else torch.zeros(0, 0)
    rows = flat[:LONGEST_SIDE, :LONGEST_SIDE].tolist()
    return {
        "shape": list(value.shape),
        "dtype": str(value.dtype).removeprefix("torch."),
        "rows": [[_number(one) for one in row] for row in rows],
        "cut": max(flat.shape) > LONGEST_SIDE,
    }


def _number(value: float) -> float | str:
    """Return ``value`` with as many digits as travel; JSON knows no infinity."""
    if isinstance(value, complex) or not math.isfinite(value):
        return str(value)
    return float(f"{value:.{_DIGITS}g}")


def _constant(constant: Constant) -> TensorNumbers | None:
    value = constant.value
    return numbers(value if isinstance(value, Tensor) or value is None else torch.tensor(value))


def _saved(saved: Saved) -> SavedValue:
    tensor = saved.value if isinstance(saved.value, Tensor) else None
    text = "" if saved.value is None or tensor is not None else str(saved.value)
    return {"name": saved.name, "value": numbers(tensor), "text": text, "error": saved.error, "item": saved.node}


def _local(edge: Edge, consumer: Node) -> LocalDerivative | None:
    """Return an operation's derivative as what it is: one number, one for each element, or a matrix."""
    local, gradient = edge.local, consumer.gradient
    if local is None or gradient is None or edge.contribution is None:
        return None
    if local.numel() == 1:
        return {"kind": "number", "value": numbers(local.view_as(edge.contribution))}
    if gradient.shape == edge.contribution.shape and local.equal(torch.diag(local.diagonal())):
        return {"kind": "elementwise", "value": numbers(local.diagonal().view_as(edge.contribution))}
    return {"kind": "matrix", "value": numbers(local)}


def _sums_so_far(drawn: Graph) -> dict[int, Tensor]:
    """Return for each edge, by its place, the sum of what has come back to its producer when it has been gone back."""
    into: dict[int, list[int]] = defaultdict(list)
    for number, edge in enumerate(drawn.edges):
        into[edge.consumer].append(number)
    totals: dict[tuple[int, int], Tensor] = {}
    sums = {}
    for node in drawn.backward:
        for number in into[node]:
            edge = drawn.edges[number]
            if edge.contribution is None:
                continue
            end = (edge.producer, edge.output)
            totals[end] = totals[end] + edge.contribution if end in totals else edge.contribution
            sums[number] = totals[end]
    return sums


def _chains(drawn: Graph) -> list[str]:
    """Return for each node the product of derivatives from the result to it, one for each path, written out."""
    users: dict[int, list[Edge]] = defaultdict(list)
    for edge in drawn.edges:
        users[edge.producer].append(edge)
    last = len(drawn.nodes) - 1

    def paths(node: int) -> Iterator[list[Edge]]:
        if node == last:
            yield []
        for edge in users[node]:
            for path in paths(edge.consumer):
                yield [*path, edge]

    def product(path: Sequence[Edge]) -> str:
        left_out = ["…"] * (len(path) > MOST_FACTORS)
        return " · ".join(["1", *left_out, *(_factor(edge, drawn) for edge in path[-MOST_FACTORS:])])

    def written(node: int) -> str:
        found = list(islice(paths(node), MOST_PATHS + 1))
        return "  +  ".join([product(path) for path in found[:MOST_PATHS]] + ["…"] * (len(found) > MOST_PATHS))

    return [written(node) for node in range(len(drawn.nodes))]


def _factor(edge: Edge, drawn: Graph) -> str:
    """Write an operation's derivative as its number, or by its name and size where it has several."""
    node = drawn.nodes[edge.consumer]
    if edge.local is None:
        return f"J({node.operation})"
    if edge.local.numel() != 1:
        rows, columns = edge.local.shape
        return f"J({node.operation}, {rows}×{columns})"
    value = float(edge.local)
    return f"{value:.4g}" if value >= 0 or math.isnan(value) else f"({value:.4g})".replace("-", "−")


def _leaf(drawn: Graph, leaf: Leaf) -> CheckedLeaf:
    node = drawn.nodes[leaf.node]
    return {
        "node": leaf.node,
        "variable": node.variable,
        "value": numbers(node.value),
        "gradient": numbers(node.gradient),
        "difference": numbers(leaf.difference.central) if leaf.difference else None,
        "error": None if leaf.error is None else _number(leaf.error),
        "verdict": leaf.verdict,
        "accumulated": [numbers(gradient) for gradient in leaf.accumulated],
    }


def derivative_rules() -> dict[str, str]:
    """Return how autograd goes back through an operation, by the operation in words."""
    return {
        "add": _("∂(a + b)/∂a = 1 and ∂(a + b)/∂b = 1: the gradient goes to both as it is."),
        "sub": _("∂(a − b)/∂a = 1 and ∂(a − b)/∂b = −1."),
        "rsub": _("∂(c − a)/∂a = −1."),
        "mul": _("∂(a · b)/∂a = b and ∂(a · b)/∂b = a: that is why both are saved."),
        "div": _("∂(a / b)/∂a = 1 / b and ∂(a / b)/∂b = −a / b²."),
        "pow": _("∂aⁿ/∂a = n · aⁿ⁻¹."),
        "neg": _("∂(−a)/∂a = −1."),
        "exp": _("∂eᵃ/∂a = eᵃ, which is the result: that is what is saved."),
        "log": _("∂(ln a)/∂a = 1 / a."),
        "sqrt": _("∂√a/∂a = 1 / (2√a)."),
        "sin": _("∂(sin a)/∂a = cos a."),
        "cos": _("∂(cos a)/∂a = −sin a."),
        "tanh": _("∂(tanh a)/∂a = 1 − tanh² a, from the saved result."),
        "sigmoid": _("∂σ(a)/∂a = σ(a) · (1 − σ(a)), from the saved result."),
        "relu": _("1 where a > 0, else 0; at 0 itself PyTorch takes 0."),
        "abs": _("The sign of a; at 0 itself PyTorch takes 0."),
        "mm": _("For a @ b: grad @ bᵀ goes to a, and aᵀ @ grad to b."),
        "mv": _("For a @ v: the outer product of grad and v goes to a, and aᵀ @ grad to v."),
        "dot": _("∂(a · b)/∂a = b and ∂(a · b)/∂b = a."),
        "addmm": _("For c + a @ b: grad goes to c, grad @ bᵀ to a, and aᵀ @ grad to b."),
        "sum": _("Each element counts once: the gradient is copied to all that were added up."),
        "mean": _("Each of n elements counts 1/n: the gradient is copied to all of them, divided by n."),
        "max": _("The gradient goes to the greatest element alone."),
        "softmax": _("For s = softmax(a): s · (grad − Σ grad · s), from the saved result."),
        "log softmax": _("grad − softmax(a) · Σ grad, from the saved result."),
        "nll loss": _("−1 / N at the true class of each of N rows, 0 elsewhere."),
        "t": _("A view: the gradient is transposed back."),
        "permute": _("A view: the gradient's axes are put back in order."),
        "transpose": _("A view: the gradient is transposed back."),
        "view": _("A view: the gradient gets the old shape."),
        "select": _("A view: the gradient goes to what was selected, 0 elsewhere."),
        "slice": _("A view: the gradient goes to what was cut out, 0 elsewhere."),
        "expand": _("A view that repeats: the gradient is summed over the repeated axis."),
        "unsqueeze": _("A view: the gradient loses the new axis."),
        "squeeze": _("A view: the gradient gets the axis back."),
        "cat": _("The gradient is cut where the parts were joined."),
        "stack": _("The gradient is taken apart where the parts were stacked."),
        "where": _("The gradient goes to the one that was chosen, 0 to the other."),
        "clamp": _("1 within the limits, 0 beyond."),
        "clone": _("A copy: the gradient goes through as it is."),
        "accumulate grad": _("No derivative: what comes back is added to the leaf's .grad."),
    }
