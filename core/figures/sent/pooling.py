"""What the pooling page's components are sent."""

from typing import NotRequired, TypedDict


class OfferedChannel(TypedDict):
    """A channel to choose, and its cells as places in the palette."""

    channel: int
    cells: str


class SamplingPoints(TypedDict):
    """Where a bin is sampled: by its column and by its row."""

    columns: list[list[float]]
    rows: list[list[float]]


class PoolingLevel(TypedDict):
    """Bins, from where to where each column and row of them goes, and what was pooled."""

    columns: list[list[float]]
    rows: list[list[float]]
    values: list[list[float]]
    greatest: NotRequired[list[list[list[int] | None]]]
    points: NotRequired[SamplingPoints]


class Pooled(TypedDict):
    """How a region is pooled in one way."""

    window: list[float]
    errors: list[float]
    levels: list[PoolingLevel]


class PoolingWay(Pooled):
    """The same, in its colour."""

    colour: str


class PooledRegions(TypedDict):
    """A region and its pooling in every way; see ``core.figures.pooling.explorer_data``."""

    image: str | None
    width: int
    height: int
    region: list[float]
    map: list[list[float]]
    scale: float
    channel: int
    offered: list[OfferedChannel]
    top: float
    palette: list[str]
    crop: str
    context: float
    ways: dict[str, PoolingWay]


class PoolingCosts(TypedDict):
    """Multiply-adds of the convolutions and of the fully connected layers."""

    crops: list[int]
    map: list[int]


class CostBySize(TypedDict):
    """Multiply-adds for each number of regions; see ``core.figures.pooling.cost_data``."""

    regions: list[int]
    start: int
    sizes: dict[str, list[PoolingCosts]]
