"""What a training on one's own data says while it lasts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.training.initial_weights import Taken
from core.training.loop import TrainingStep
from core.training.validation import Look, Measuring


@dataclass(frozen=True)
class Begun:
    """A training is about to start: on how many images of which ``classes``, what was ``taken`` from its start (None
    for random weights), and how many of its ``parameters`` are ``learning``."""

    images: int
    validation_images: int
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    taken: Taken | None
    parameters: int
    learning: int


@dataclass(frozen=True)
class Preparing:
    """The part ``done`` of the region proposals that a training needs before its first step."""

    done: float


@dataclass(frozen=True)
class Looked:
    """What the model says of the fixed samples after ``step``."""

    step: int
    seconds: float
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class Scored:
    """The validation's ``scores`` after ``step``, the headline first, and whether it is the ``best`` so far."""

    step: int
    seconds: float
    scores: dict[str, float]
    best: bool


@dataclass(frozen=True)
class Ended:
    """A training is over after ``step``: by its schedule ("finished") or early, on a "plateau".

    ``weights`` is the file of the weights that had the best headline score, at ``best_step``; ``scores`` are theirs on
    the whole validation."""

    how: Literal["finished", "plateau"]
    step: int
    best_step: int
    scores: dict[str, float]
    weights: Path


Event = Begun | Preparing | TrainingStep | Measuring | Looked | Scored | Ended
