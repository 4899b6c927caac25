"""What the segmentation page's components are sent; label maps and scores are compressed numbers in base64."""

from typing import Any, TypedDict

from core.figures.sent import NamedColour, PictureData


class FieldLayer(TypedDict):
    """A layer of a network, and what its cells see of the image, in pixels."""

    name: str
    channels: int
    size: float
    stride: float
    start: float
    first: float
    rows: int
    columns: int


class Explored(PictureData):
    """What one model makes of an image; see ``core.figures.segmentation.explore_data``."""

    labels: str
    truth: str | None
    void: NamedColour | None
    shares: dict[str, list[float]]
    instances: bool
    every: int
    probabilities: str
    layers: list[FieldLayer]
    layer: str
    figures: dict[str, Any] | None
    start: list[int]


class ComparedModel(TypedDict):
    """One model's labels and figures."""

    name: str
    title: str
    labels: str
    figures: dict[str, Any] | None
    tested: dict[str, Any] | None
    ms: float
    parameters: int


class Compared(PictureData):
    """What every model makes of an image; see ``core.figures.segmentation.compared_data``."""

    truth: str | None
    void: NamedColour | None
    models: list[ComparedModel]


class FusedStage(TypedDict):
    """The scores at one stride, and what they are the sum of."""

    stride: int
    rows: int
    columns: int
    maps: dict[str, str]


class Fused(TypedDict):
    """How an FCN comes to its scores; see ``core.figures.segmentation.fusion_data``."""

    palette: list[str]
    start: int
    classes: list[NamedColour]
    lowest: list[float]
    highest: list[float]
    stages: list[FusedStage]


class InstancePanel(TypedDict):
    """Instances found in one way."""

    ids: str
    labels: list[int]
    scores: list[float]
    middles: list[list[int]]


class FoundInstances(PictureData):
    """Instances of one image; see ``core.figures.segmentation.instances_data``."""

    labels: str
    panels: dict[str, InstancePanel]
    fates: dict[str, dict[str, int]]


class ShuffledConvolution(TypedDict):
    """What a convolution makes of a map whose cells are shuffled."""

    layer: str
    rows: int
    columns: int
    kernel: int
    maps: dict[str, str]
    change: float


class Flattened(PictureData):
    """What a patch CNN flattens; see ``core.figures.fully_connected.flattened_data``."""

    palette: list[str]
    patch: int
    stride: int
    around: int
    cells: int
    rows: int
    columns: int
    channels: int
    features: str
    low: float
    top: float
    order: str
    scores: dict[str, str]
    differences: dict[str, float]
    start: int
    convolution: ShuffledConvolution


class SlidWay(TypedDict):
    """How far one way of labelling the cells is."""

    labels: str
    seconds: float
    done: int
    total: int
    difference: float | None


class SlidCells(PictureData):
    """Every way of labelling the cells; see ``core.figures.fully_connected.slid_data``."""

    rows: int
    columns: int
    stride: int
    ways: dict[str, SlidWay]
