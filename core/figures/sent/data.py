"""What the data page's components are sent."""

from typing import TypedDict


class NumberedObject(TypedDict):
    """An object of a sample, by its number in the sample as it was."""

    number: int
    box: list[float]
    name: str
    colour: str


class SampleStage(TypedDict):
    """A sample after one of its transforms."""

    name: str
    image: str
    masks: str
    width: int
    height: int
    dtype: str
    shape: list[int]
    range: list[float]
    stretched: bool
    objects: list[NumberedObject]
    removed: list[int]
    label: str


class StagesRun(TypedDict):
    """A sample through its transforms, and what stopped it."""

    stages: list[SampleStage]
    error: str


class SwapData(TypedDict):
    """What an exchange of two steps changes."""

    place: int
    same: bool
    changed: float | None
    lost: list[int]
    gained: list[int]
    error: str
    end: SampleStage


class BatchData(TypedDict):
    """The samples of a batch, and who fetched it; None is the process itself."""

    indices: list[int]
    worker: int | None


class EpochData(TypedDict):
    """The batches of an epoch, and what was dropped."""

    batches: list[BatchData]
    dropped: list[int]


class ClassCount(TypedDict):
    """How many objects a class has."""

    name: str
    count: int


class FlawedBox(TypedDict):
    """A box of a file, and whether it is the flaw."""

    box: list[float]
    name: str
    flawed: bool


class FlawedPicture(TypedDict):
    """A file with a flaw; there may be no image."""

    image: str
    width: int
    height: int
    boxes: list[FlawedBox]
    file: str


class FlawExample(TypedDict):
    """One case of a flaw."""

    files: list[str]
    detail: str
    pictures: list[FlawedPicture]


class FlawData(TypedDict):
    """A kind of flaw, with some examples."""

    kind: str
    count: int
    examples: list[FlawExample]


class CheckedSet(TypedDict):
    """What is wrong with a set; see ``core.figures.data.flaws_data``."""

    form: str
    images: int
    objects: list[ClassCount]
    flaws: list[FlawData]


class NamedRun(StagesRun):
    """A sample through the steps of these names."""

    names: list[str]


class TriedSteps(TypedDict):
    """A sample through the chosen steps, and what every exchange of two would change."""

    run: NamedRun
    swaps: list[SwapData]


class ChosenStep(TypedDict):
    """A step with the values of its parameters."""

    name: str
    values: dict[str, float | str]


class StepParameter(TypedDict):
    """A number that a kind of step takes."""

    title: str
    default: float
    low: float
    high: float
    whole: bool


class StepKind(TypedDict):
    """A kind of step."""

    title: str
    parameters: dict[str, StepParameter]


class PreparedSteps(TypedDict):
    """Steps worth trying, as they stand in the address."""

    title: str
    steps: str
