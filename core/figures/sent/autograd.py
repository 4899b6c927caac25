"""What the autograd page's components are sent."""

from typing import Literal, NotRequired, TypedDict


class TensorNumbers(TypedDict):
    """A tensor's numbers, those that are shown; what is no finite number is a word."""

    shape: list[int]
    dtype: str
    rows: list[list[float | str]]
    cut: bool


class PictureNode(TypedDict):
    """A node of a graph, and its place in the picture."""

    name: str
    title: str
    kind: str
    variable: str
    values: list[TensorNumbers | None]
    blamed: bool
    across: float
    layer: int


class PictureConstant(TypedDict):
    """A constant beside the nodes; what hid it from autograd, if anything did."""

    variable: str
    value: TensorNumbers | None
    hidden: str | None
    across: float
    layer: int


# "from" is a word of Python's own, so that a class cannot have it.
PictureEdge = TypedDict(
    "PictureEdge",
    {
        "from": int,
        "to": int,
        "input": int,
        "port": float,
        "route": list[tuple[float, float]],
        "output": NotRequired[int],
    },
)


class GraphSize(TypedDict):
    """How many layers a picture has, and how many items lie side by side at the most."""

    layers: int
    columns: float


class GraphPicture(GraphSize):
    """A graph; items are counted through, constants after the nodes."""

    nodes: list[PictureNode]
    constants: list[PictureConstant]
    edges: list[PictureEdge]


class SavedValue(TypedDict):
    """What a node keeps for the way back."""

    name: str
    value: TensorNumbers | None
    text: str
    error: str
    item: int | None


class LocalDerivative(TypedDict):
    """An operation's derivative as what it is."""

    kind: Literal["number", "elementwise", "matrix"]
    value: TensorNumbers | None


class WalkedNode(PictureNode):
    """A node with what comes back to it."""

    gradients: list[TensorNumbers | None]
    saved: list[SavedValue]
    place: tuple[int, int, int, int] | None
    rule: str
    chain: str


class WalkedEdge(PictureEdge):
    """An edge with what comes back along it; from a constant there is nothing."""

    local: LocalDerivative | None
    contribution: TensorNumbers | None
    so_far: TensorNumbers | None


class CheckedLeaf(TypedDict):
    """A leaf, and its gradient beside a finite difference."""

    node: int
    variable: str
    value: TensorNumbers | None
    gradient: TensorNumbers | None
    difference: TensorNumbers | None
    error: float | str | None
    verdict: str
    accumulated: list[TensorNumbers | None]


class WalkedGraph(GraphSize):
    """A graph with every number on it; see ``core.figures.autograd.graph_data``."""

    nodes: list[WalkedNode]
    constants: list[PictureConstant]
    edges: list[WalkedEdge]
    result: str
    back: list[int]
    refusal: str
    help: str
    leaves: list[CheckedLeaf]
    unreached: list[str]


class SourceError(TypedDict):
    """What is wrong in a source; line 0 where it is no line."""

    message: str
    help: str
    line: int
    column: NotRequired[int]
    end_column: NotRequired[int]


class WalkedSource(TypedDict):
    """What becomes of a source; see ``core.figures.autograd.source_data``."""

    source: str
    graph: WalkedGraph | None
    error: SourceError | None
    partial: bool
    checked: bool


class LabelledRun(TypedDict):
    """The graph that one input builds."""

    label: str
    graph: GraphPicture


class ExampleRuns(TypedDict):
    """The graphs of every run of an example; see ``core.figures.tracing.runs_data``."""

    name: str
    source: str
    first: int
    different: int
    runs: list[LabelledRun]


class CapturedGraphs(TypedDict):
    """What was captured of a function; see ``core.figures.tracing.capture_data``."""

    graphs: list[GraphPicture]
    guards: list[str]
    breaks: list[str]
    refusal: str
