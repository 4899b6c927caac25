"""What the YOLO page's components are sent."""

from typing import TypedDict

from core.figures.sent import PictureData, TrueBoxes


class CellBoxes(TypedDict):
    """What a network says of every cell, row by row."""

    side: int
    boxes: list[list[float]]
    confidence: list[float]
    probabilities: list[list[float]]


class KeptBox(TypedDict):
    """Which box a detection is."""

    box: int
    score: float
    label: int


class GridCells(PictureData, CellBoxes):
    """The grid and its boxes; see ``core.figures.yolo.grid_data``."""

    scores: list[float]
    labels: list[int]
    detections: list[KeptBox]
    truth: TrueBoxes | None
    start: int


class CellObject(TypedDict):
    """An object and the cell that answers for it, with both predictors' IoU."""

    cell: int
    box: list[float]
    label: int
    iou: list[float]
    responsible: int


class LostObject(TypedDict):
    """An object whose cell already answers for another."""

    box: list[float]
    label: int


class CellLosses(PictureData, CellBoxes):
    """The loss of every cell; see ``core.figures.yolo.loss_data``."""

    terms: dict[str, list[float]]
    parts: dict[str, float]
    coord: float
    noobj: float
    objects: list[CellObject]
    lost: list[LostObject]
    start: int


class RootSides(TypedDict):
    """The sides of two boxes, in pixels."""

    small: int
    large: int


class RootCurves(TypedDict):
    """What an error of the width costs; see ``core.figures.yolo.root_data``."""

    errors: list[int]
    sides: RootSides
    small: list[float]
    large: list[float]
    plain: list[float]


class DragScene(PictureData):
    """What stays while a box is dragged; see ``core.figures.yolo.drag_data``."""

    side: int
    objects: list[CellObject]
    coord: float
    noobj: float
    root: RootCurves


class NextBox(TypedDict):
    """Where one step down the gradient takes a box."""

    box: list[float]
    confidence: float


class Pulled(TypedDict):
    """How the loss answers to a box; see ``core.figures.yolo.pull_data``."""

    cell: int
    predictor: int
    box: list[float]
    confidence: float
    alone: bool
    twin: list[float]
    notes: list[str]
    terms: dict[str, float]
    parts: dict[str, float]
    object: CellObject | None
    outputs: list[float]
    wanted: list[float | None]
    byOutputs: list[float]
    byBox: list[float]
    probabilities: list[float]
    byClasses: list[float]
    next: NextBox


class LookBoxes(TypedDict):
    """What is detected, and how many of the true objects that finds."""

    boxes: list[list[float]]
    scores: list[float]
    labels: list[int]
    right: int | None


class TrainingLook(LookBoxes):
    """The same after a step."""

    step: int


class WatchedTraining(PictureData):
    """A training as it goes; see ``core.figures.yolo.training_data``."""

    seconds: list[float]
    losses: dict[str, list[float]]
    looks: list[TrainingLook]
    truth: TrueBoxes | None
