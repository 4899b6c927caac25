"""What every detector and segmenter is: a generator of named steps, and the one stopwatch that times them."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.backbones import Backbone
from core.values import Crops, Detections, FeatureMap, Regions, Value


@dataclass(frozen=True)
class Step:
    """One finished stage of a detector: its name and what it made."""

    name: str
    value: Value


@dataclass(frozen=True)
class Progress:
    """A sign of life from inside a long stage: ``done`` of ``total`` regions of the stage called ``name``."""

    name: str
    done: int
    total: int


@dataclass(frozen=True)
class TimedStep(Step):
    """A ``Step`` with the seconds that it took."""

    seconds: float


@dataclass(frozen=True)
class Trace:
    """A finished run: the ``image`` (3, H, W) uint8 and every stage with its value and its seconds."""

    image: Tensor
    steps: tuple[TimedStep, ...]

    @property
    def seconds(self) -> float:
        """Seconds of all stages together."""
        return sum(step.seconds for step in self.steps)

    @property
    def result(self) -> Value:
        """What the last stage made."""
        return self.steps[-1].value

    @property
    def detections(self) -> Detections:
        """The result of a detector."""
        assert isinstance(self.result, Detections)
        return self.result

    @property
    def candidates(self) -> Detections:
        """The boxes that non-maximum suppression was given."""
        value = self.steps[-2].value
        assert isinstance(value, Detections)
        return value

    @property
    def convolution_passes(self) -> int:
        """How many pictures went through the convolutions: one for each crop, or the image at each of its scales."""
        crops = [len(step.value.boxes) for step in self.steps if isinstance(step.value, Crops)]
        scales = [step.value.scales for step in self.steps if isinstance(step.value, FeatureMap)]
        return [*crops, *scales, 1][0]


Proposer = Callable[[Tensor], Regions]


class Staged(nn.Module):
    """A model that works in named stages: a detector or a segmenter, as its paper numbers them."""

    name: ClassVar[str]  # its entry in core.models
    trunk: Backbone
    classes: tuple[str, ...]

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        """Look at ``image`` (3, H, W) uint8, yielding each stage as it is done; the last value is the result."""
        raise NotImplementedError

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the named parts of the training loss for ``images`` (B, 3, H, W) uint8; the loop sums them."""
        raise NotImplementedError


class Detector(Staged):
    """A detector is its steps: propose, convolve, pool, score, regress, suppress, whichever its paper has.

    The last step's value is ``Detections``, and so is the one's before it: what suppression was given.
    ``max_regions`` bounds the region proposals that ``propose`` gives it; it is None where it makes its own.
    """

    max_regions: int | None = None
    propose: Proposer | None = None

    def limit_regions(self, most: int) -> None:
        """Use at most ``most`` region proposals, where they come from outside the network; otherwise do nothing."""
        if self.max_regions is not None:
            self.max_regions = most


def timed_steps(model: Staged, image: Tensor) -> Iterator[TimedStep | Progress]:
    """Yield the stages of ``model``, each with its seconds; the clock stands still while the caller holds one.

    This is the only stopwatch. An accelerator is synchronised before each reading. A caller cancels a run by
    not asking for the next stage.
    """
    device = next(model.parameters()).device
    stages = model.steps(image.to(device))
    seconds = 0.0
    while True:
        with torch.inference_mode():
            start = _now(device)
            stage = next(stages, None)
            seconds += _now(device) - start
        if stage is None:
            return
        if isinstance(stage, Step):
            yield TimedStep(stage.name, stage.value, seconds)
            seconds = 0.0
        else:
            yield stage


def run(model: Staged, image: Tensor) -> Trace:
    """Run ``model`` on ``image`` (3, H, W) uint8 and return every stage with what it made and its seconds."""
    return Trace(image, tuple(step for step in timed_steps(model, image) if isinstance(step, TimedStep)))


def _now(device: torch.device) -> float:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter()
