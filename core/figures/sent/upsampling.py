"""What the upsampling page's components are sent."""

from typing import NotRequired, TypedDict

from core.figures.sent import NamedColour


class StampedMap(TypedDict):
    """Stamps laid down one after the other; see ``core.figures.transposed.stamp_data``."""

    cells: list[list[float]]
    kernel: list[list[float]]
    height: int
    width: int
    cut: list[int]
    places: list[list[int]]
    sums: str
    counts: str
    most: float
    formula: str
    colours: list[str]


class OverlapBoard(TypedDict):
    """The overlaps of one kernel size and stride."""

    kernel: int
    stride: int
    cells: str
    share: float
    size: int
    forward: str
    backward: str
    most: int


class OverlapBoards(TypedDict):
    """Those of every kernel size and stride; see ``core.figures.transposed.board_data``."""

    side: int
    input: int
    kernels: list[int]
    strides: list[int]
    boards: list[OverlapBoard]
    colours: list[str]


class EnlargedLevel(TypedDict):
    """A map as bytes: value / most * 127 + 128."""

    rows: int
    columns: int
    most: float
    values: str


class EnlargedWay(TypedDict):
    """The maps before and after each doubling in one way, and what they cost and are worth."""

    name: str
    levels: list[EnlargedLevel]
    parameters: int
    multiplyAdds: int
    ms: float
    labels: NotRequired[str]
    checkerboard: NotRequired[float]
    here: NotRequired[float | None]
    mean_iou: NotRequired[float | None]
    boundary_f: NotRequired[float | None]


class EnlargedMaps(TypedDict):
    """One score map in every way, of an image or of a grid; see ``core.figures.upsampling``."""

    image: str | None
    truth: str | None
    width: int
    height: int
    colours: list[str]
    ways: list[EnlargedWay]
    void: NotRequired[NamedColour | None]
    classes: NotRequired[list[NamedColour]]
    label: NotRequired[int]
    side: NotRequired[int]
    grid: NotRequired[str]
    shades: NotRequired[str]
    grids: NotRequired[dict[str, str]]
