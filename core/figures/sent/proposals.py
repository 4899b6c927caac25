"""What the components of the page on region proposals are sent; texts are numbers in base64."""

from typing import NotRequired, TypedDict


class NamedBoxes(TypedDict):
    """The true objects of an image."""

    boxes: list[list[float]]
    names: list[str]
    colours: list[str]


class ProposalPicture(TypedDict):
    """An image and its objects, where those are known."""

    image: str
    width: int
    height: int
    truth: NamedBoxes | None


class FoundByNodes(TypedDict):
    """What each node of a hierarchy covers, where there is a truth."""

    iou: str | None
    object: str | None
    abo: str | None


class Merged(ProposalPicture, FoundByNodes):
    """A hierarchy of merges; see ``core.figures.proposals.hierarchy_data``."""

    labels: str
    lengths: str
    merges: str
    parent: str
    boxes: str
    sizes: str
    colours: str
    similarities: str
    total: str
    weights: list[float]
    start: int


class RecallCurves(TypedDict):
    """How well a number of proposals covers the objects."""

    recall50: list[float]
    recall70: list[float]
    abo: list[float]


class MethodLook(TypedDict):
    """How a method's line is drawn."""

    colour: str
    onDark: str
    dash: list[int]


class RecallMethod(MethodLook):
    """One proposer's line, and on one image its proposals."""

    name: str
    title: str
    proposals: float
    seconds: float
    curves: RecallCurves | None
    boxes: NotRequired[str]
    best: NotRequired[str | None]
    overlaps: NotRequired[str | None]


class Recalled(TypedDict):
    """What each proposer covers, of one image or of several scenes; see ``core.figures.proposals.recall_data``."""

    image: str | None
    width: NotRequired[int]
    height: NotRequired[int]
    truth: NamedBoxes | None
    counts: list[int]
    methods: list[RecallMethod]
    scenes: int


class AnchorReasons(TypedDict):
    """Why each anchor is labelled as it is, where there is a truth."""

    reason: str | None
    object: str | None
    iou: str | None
    moved: str | None


class Anchors(ProposalPicture, AnchorReasons):
    """The anchors of an RPN; see ``core.figures.proposals.rpn_data``."""

    rows: int
    columns: int
    cell: float
    shapes: list[list[float]]
    anchors: str
    proposals: str
    objectness: str
    offsets: str
    order: str
    thresholds: list[float]
    suppressor: str
    palette: str
