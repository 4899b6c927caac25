"""What the components of the page on modules and optimizers are sent."""

from typing import NotRequired, TypedDict


class BlockNumber(TypedDict):
    """A number that a kind of block takes."""

    least: float
    most: float
    default: float
    whole: bool


class BlockData(TypedDict):
    """A block, and the shape after it as far as the blocks fit."""

    kind: str
    numbers: list[float]
    frozen: bool
    shape: str | None


class StoredTensor(TypedDict):
    """A parameter or a buffer of a module."""

    name: str
    shape: str
    trained: bool


class ModuleRow(TypedDict):
    """A module in the tree of all; ``layer`` is the place of one without children."""

    name: str
    depth: int
    kind: str
    settings: str
    parameters: list[StoredTensor]
    buffers: list[StoredTensor]
    count: int
    trained: int
    layer: int | None


class HistogramData(TypedDict):
    """Counts in bins from the lowest to the highest value."""

    low: float
    high: float
    counts: list[int]
    mean: float
    std: float


class LayerSpread(TypedDict):
    """What a layer gave for one batch, and what came back."""

    name: str
    activations: HistogramData
    gradient: HistogramData | None
    dead: float | None


class UpdatedParameter(TypedDict):
    """A parameter of which so many rows and columns are shown."""

    name: str
    shape: str
    rows: int
    columns: int


class UpdateWay(TypedDict):
    """One step of an optimizer; texts are float32 in base64, parameter by parameter."""

    decay: float
    before: str
    gradients: str
    earlier: str
    byHand: str
    byStep: str
    difference: float
    losses: list[float]


class UpdateData(TypedDict):
    """One step in every way."""

    lr: float
    momentum: float
    epsilon: float
    colours: list[str]
    parameters: list[UpdatedParameter]
    count: int
    ways: dict[str, UpdateWay]


class BuiltNetwork(TypedDict):
    """Blocks and, where they are a network, its modules; see ``core.figures.modules.network_data``."""

    presets: dict[str, str]
    kinds: dict[str, list[BlockNumber]]
    frozenWord: str
    input: str
    pictures: list[str]
    blocks: list[BlockData]
    error: str
    blame: int | None
    loss: NotRequired[float]
    modules: NotRequired[list[ModuleRow]]
    layers: NotRequired[list[LayerSpread]]
    gradients: NotRequired[dict[str, HistogramData | None]]
    update: NotRequired[UpdateData]


class SurfacePicture(TypedDict):
    """A surface from above; see ``core.figures.descent.surface_data``."""

    surface: str
    x: tuple[float, float]
    y: tuple[float, float]
    side: int
    heights: str
    colours: list[str]
    contours: list[list[list[float]]]
    minima: list[tuple[float, float]]
    saddles: list[tuple[float, float]]
    lowest: float
    highest: float
    rates: tuple[float, float]


class WalkingRule(TypedDict):
    """An optimizer and how it is drawn."""

    name: str
    colour: str
    onLight: str
    adaptive: bool


class Walks(TypedDict):
    """Every optimizer's walk at every learning rate; see ``core.figures.descent.walks_data``."""

    start: tuple[float, float]
    momentum: float
    decay: float
    steps: int
    lrs: list[float]
    largest: float
    rules: list[WalkingRule]
    points: str
    losses: str


class WalkPreset(TypedDict):
    """A walk worth seeing."""

    surface: str
    start: tuple[float, float]
    lr: float
    adaptive: float
    momentum: float
    decay: float


class LearntPlane(TypedDict):
    """A classifier of points at every look; see ``core.figures.classifier.classifier_data``."""

    side: int
    edge: float
    steps: int
    at: list[int]
    scores: str
    boundaries: list[list[list[list[float]]]]
    right: str
    losses: list[list[float | None]]
    accuracies: list[list[float | None]]
    points: list[list[float]]
    labels: list[int]
    heldOut: list[list[float]]
    heldOutLabels: list[int]
    overflow: int | None
    parameters: int
    colours: list[str]
    classColours: list[str]
