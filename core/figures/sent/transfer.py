"""What the board of the page on transfer learning is sent."""

from typing import TypedDict


class NetworkLayer(TypedDict):
    """A layer of a network."""

    parameters: int
    channels: int
    side: int
    frozen: bool
    new: bool


class TransferWay(TypedDict):
    """One way of learning a task; a look is [step, loss, accuracy]."""

    key: str
    colours: tuple[str, str]
    dash: str
    layers: list[NetworkLayer]
    learning: int
    parameters: int
    looks: list[list[float]]
    epoch: float | None
    accuracy: float | None


class CountScores(TypedDict):
    """The accuracies of all seeds, of one way at a number of images a class."""

    way: str
    count: int
    scores: list[float]


class TransferAnswers(TypedDict):
    """What the fixed images are taken for, and a row for each class that is true."""

    labels: list[int]
    certainties: list[float]
    confusion: list[list[int]]


class TransferState(TypedDict):
    """All that is known of the ways; see ``core.figures.transfer.board_data``."""

    ways: list[TransferWay]
    steps: int
    counts: list[CountScores]
    chosen: int
    classes: list[str]
    truth: list[int]
    pictures: list[str]
    answers: dict[str, TransferAnswers]
