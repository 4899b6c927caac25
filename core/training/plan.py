"""What a training on one's own data depends on: the model, the data, where it starts from, and how long it learns."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from core.models import MODELS
from core.training.batches import PHOTOS, Augmentation
from core.training.loop import Schedule
from core.training.recipes import schedule_of

SCENES, DIGITS = "scenes", "digits"
LARGEST_BATCH = 16
CLASSIFIER = Schedule(steps=1000, learning_rate=1e-3)
MOST_STEPS = 1_000_000  # where minutes end the training
SAVE_AFTER = 10.0  # seconds of training that a kill can cost
NAMES = tuple(name for name, model in MODELS.items() if model.form)


@dataclass(frozen=True)
class Plan:
    """All that a training on one's own data depends on.

    ``model`` is one of ``NAMES``; ``data`` a folder, "scenes" or "digits". ``start`` is a checkpoint's name, a
    .safetensors file, or None for random weights; ``freeze`` "trunk" leaves the trunk as it came. It ends after
    ``steps`` or ``minutes`` of gradient steps, whichever is first, or once ``patience`` scores in a row were no better.
    A score is taken every ``score_every`` seconds, or every ``score_steps`` steps where that is given; a look at fixed
    samples every ``look_every`` seconds; both less often where they would take more than a tenth of the time.

    R-CNN and SPPNet are fine-tuned by the gradient steps; the SVMs and box regressions are fitted after them, to the
    weights that had the best score. Until then looks and scores are those of the fine-tuning's softmax, each class
    against the background, with boxes where they were proposed. Mask R-CNN learns as a whole; where it takes over a
    whole detector without masks, a Faster R-CNN of the same classes, only the masks learn, as in its recipe.
    """

    model: str
    data: str
    start: str | None = "trunk"
    freeze: Literal["none", "trunk"] = "none"
    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 8
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    seed: int = 0
    augmentation: Augmentation = PHOTOS
    score_every: float = 20.0
    score_steps: int | None = None
    look_every: float = 3.0
    patience: int | None = None

    @property
    def schedule(self) -> Schedule:
        """The learning rate over the training; the state is saved every ``SAVE_AFTER`` seconds."""
        steps = self.steps or (MOST_STEPS if self.minutes else _usual(self.model)[1].steps)
        warmup = max(1, min(100, steps // 10))
        return Schedule(
            steps,
            self.learning_rate,
            self.weight_decay,
            warmup,
            minutes=self.minutes or math.inf,
            save_every=1,
            save_after=SAVE_AFTER,
        )


def plan_for(model: str, data: str, **others: Any) -> Plan:
    """Return a plan with the batch size and the learning rate of ``model``'s recipe, changed by ``others``.

    Digits are not mirrored.
    """
    batch_size, schedule = _usual(model)
    settings: dict[str, Any] = {
        "batch_size": min(LARGEST_BATCH, batch_size),
        "learning_rate": schedule.learning_rate,
        "augmentation": replace(PHOTOS, mirror=False) if data == DIGITS else PHOTOS,
    }
    return Plan(model, data, **settings | others)


def _usual(model: str) -> tuple[int, Schedule]:
    """Return the batch size and the schedule that ``model`` is trained with on scenes."""
    recipe = MODELS[model].recipe
    return (recipe.batch_size, schedule_of(recipe)) if recipe else (LARGEST_BATCH, CLASSIFIER)
