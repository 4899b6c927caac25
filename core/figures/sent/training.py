"""What the training page's components are sent."""

from typing import NotRequired, TypedDict

from core.figures.sent import NamedColour


class BestScore(TypedDict):
    """The best score of a run, and when it was reached."""

    step: int
    seconds: float
    value: float | None


class CurveLine(TypedDict):
    """A curve; ``coming`` where it is the schedule's future."""

    name: str
    colour: str
    steps: list[int]
    seconds: list[float]
    values: list[float | None]
    coming: NotRequired[bool]
    best: NotRequired[BestScore]


class CurveChart(TypedDict):
    """Curves over each other."""

    name: str
    lines: list[CurveLine]
    log: NotRequired[bool]
    most: NotRequired[float]


class Curves(TypedDict):
    """The charts of one run or of several; see ``core.figures.training.run_data``."""

    charts: list[CurveChart]
    every: int
    axis: str
    strange: int


class ShownAnswer(TypedDict):
    """A truth or what a model says: boxes, or a class for every pixel, or a class."""

    boxes: NotRequired[list[list[float]]]
    labels: NotRequired[list[int]]
    scores: NotRequired[list[float]]
    map: NotRequired[str]
    label: NotRequired[int]
    share: NotRequired[float]


class FixedSample(ShownAnswer):
    """A sample with its truth."""

    image: str
    width: int
    height: int


class TrainingMoment(TypedDict):
    """What is said of every sample at one moment."""

    step: int
    seconds: float
    made: list[ShownAnswer]


class Looks(TypedDict):
    """The fixed samples over time; see ``core.figures.training.looks_data``."""

    classes: list[NamedColour]
    samples: list[FixedSample]
    looks: list[TrainingMoment]


class TensorSummary(TypedDict):
    """A tensor of a state dict; without a finite value it has no least, most and mean."""

    name: str
    shape: list[int]
    dtype: str
    count: int
    strange: int
    norm: float
    bins: list[int]
    least: NotRequired[float]
    most: NotRequired[float]
    mean: NotRequired[float]
    deviation: NotRequired[float]


class StateDict(TypedDict):
    """All tensors of a state dict."""

    tensors: list[TensorSummary]
