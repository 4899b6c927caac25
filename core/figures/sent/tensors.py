"""What the tensor playground is sent."""

from typing import TypedDict


class StorageCells(TypedDict):
    """Cells of memory, and which of them any tensor reads."""

    colour: str
    count: int
    dtype: str
    labels: list[str]
    shades: list[float | None]
    read: list[bool]


class TensorCells(TypedDict):
    """A tensor: its facts, and of the part that is drawn each element's first cell."""

    name: str
    array: bool
    storage: int
    dtype: str
    shape: list[int]
    stride: list[int]
    offset: int
    contiguous: bool
    leaf: bool
    graph: str | None
    drawn: list[int]
    labels: list[str]
    shades: list[float | None]
    cells: list[int]
    span: int


class DrawnPart(TypedDict):
    """The corner of an operand that is drawn."""

    drawn: list[int]
    labels: list[str]


class BroadcastOperand(DrawnPart):
    """An operand, axis by axis."""

    name: str
    shape: list[int]
    stretched: list[bool]
    sizes: list[int | None]


class BroadcastData(TypedDict):
    """How shapes were broadcast; a size is None where they do not fit."""

    operands: list[BroadcastOperand]
    sizes: list[int | None]


class LineError(TypedDict):
    """What stopped an evaluation, and where."""

    message: str
    help: str
    line: int
    column: int
    end: int


class Evaluated(TypedDict):
    """What lines of the tensor language make; see ``core.figures.tensors.playground_data``."""

    source: str
    storages: list[StorageCells]
    tensors: list[TensorCells]
    others: list[list[str]]
    broadcast: BroadcastData | None
    error: LineError | None
