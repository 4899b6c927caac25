"""The race: several detectors on one image, one after the other, as a stream of events that a page can show."""

import statistics
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache, singledispatch

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from torchvision.transforms.v2.functional import resize

from core.checkpoint import CheckpointError
from core.data.photos import photo
from core.data.scenes import ShapeScenes
from core.detectors import NAMES, Detector, Progress, TimedStep, Trace, build, load, run, timed_steps
from core.families import SHAPES, AnyFamily, Family, card_of, family_of
from core.models import variants
from core.proposals import selective_search
from core.values import Crops, RegionFeatures, Regions, Value

KEPT = 64  # of the crops and region features that a race keeps to show; the boxes are kept whole
KEPT_SIDE = 128  # pixels of a kept crop; its tile in a picture has fewer
COUNTED_CROPS = 32
CURVE_REGIONS = (100, 200, 500, 1000, 2000)
REPEATS = 3
SLOW = 1.0  # seconds; what takes longer is measured once for the curve
PROPOSING = ("Region proposals", "RPN")


@dataclass(frozen=True)
class Ran:
    """A finished stage, or a sign of life from inside one, of contestant ``name``."""

    name: str
    event: TimedStep | Progress


@dataclass(frozen=True)
class Finished:
    """Contestant ``name`` is through: its ``trace``, with large values thinned, its cost and its weights."""

    name: str
    trace: Trace
    gigaflops: float
    parameters: int


@dataclass(frozen=True)
class Refused:
    """Contestant ``name`` cannot run; ``sentence`` says what to do."""

    name: str
    sentence: str


@dataclass(frozen=True)
class CurvePoint:
    """Median ``seconds`` that contestant ``name`` takes when it is given ``regions`` region proposals."""

    name: str
    regions: int
    seconds: float


@dataclass(frozen=True)
class Row:
    """A line of the table: ``faster`` and ``faster_without_proposals`` are times over R-CNN, None where it did not
    run; ``map50`` on held-out images comes from the checkpoint's card, None where it says nothing."""

    name: str
    seconds: float
    faster: float | None
    faster_without_proposals: float | None
    convolution_passes: int
    gigaflops: float
    parameters: int
    map50: float | None


RaceEvent = Ran | Finished | Refused


def contestant(name: str, family: AnyFamily = SHAPES) -> Detector:
    """Return detector or variant ``name`` of ``family``, ready to run; one that is for timing has random weights.

    Raises:
        CheckpointError: as ``core.detectors.load`` does.
    """
    found = family_of(family)
    return build(name, found) if found.for_timing else _warm(name, found)


@lru_cache
def _warm(name: str, family: Family) -> Detector:
    """Load ``name`` once for all races, and run it once, since a first run also pays for torch's preparations."""
    detector = load(name, family)
    detector.limit_regions(COUNTED_CROPS)
    run(detector, photo("chelsea") if family.data else ShapeScenes("validation", 1)[0][0])
    return detector


def entered(names: Sequence[str]) -> list[str]:
    """Return who races where ``names`` were asked for: in a larger race their variants, too, at its end."""
    return [*names, *(one for name in names for one in variants(name))] if len(names) > 2 else list(names)


def race(image: Tensor, names: Sequence[str], max_regions: int, family: AnyFamily = SHAPES) -> Iterator[RaceEvent]:
    """Run contestants ``names`` of ``family`` on ``image`` (3, H, W) uint8, yielding every stage as it is done.

    The stages that come out are thinned (``KEPT``), so that a finished race can be kept for long.
    """
    for name in names:
        try:
            detector = contestant(name, family)
        except CheckpointError as error:
            yield Refused(name, str(error))
            continue
        detector.limit_regions(max_regions)
        steps = []
        for event in timed_steps(detector, image):
            if isinstance(event, TimedStep):
                event = TimedStep(event.name, thinned(event.value), event.seconds)
                steps.append(event)
            yield Ran(name, event)
        trace = Trace(image, tuple(steps))
        parameters = sum(weights.numel() for weights in detector.parameters())
        yield Finished(name, trace, gigaflops(detector, trace), parameters)


def cost_curve(image: Tensor, names: Sequence[str], family: AnyFamily = SHAPES) -> Iterator[CurvePoint]:
    """Measure contestants ``names`` of ``family`` on ``image`` at each of ``CURVE_REGIONS``, interleaved by region
    count. Selective search is done once, off the clock, in its quality mode, which finds enough; the curve ends at as
    many proposals as there are. Faster R-CNN makes its own; YOLO has none and the same cost throughout."""
    proposals = selective_search(image, "quality")
    most = min(len(proposals.boxes), CURVE_REGIONS[-1])
    detectors = {name: given(contestant(name, family), proposals) for name in names}
    for regions in (*(count for count in CURVE_REGIONS if count < most), most):
        for name, detector in detectors.items():
            detector.limit_regions(regions)
            yield CurvePoint(name, regions, _median_seconds(detector, image))


def cost_curve_of_trained(image: Tensor, family: AnyFamily = SHAPES) -> Iterator[CurvePoint]:
    """Measure the ``cost_curve`` of all detectors that have their weights of ``family``."""
    return cost_curve(image, [name for name in NAMES if _has_weights(name, family)], family)


def _has_weights(name: str, family: AnyFamily) -> bool:
    try:
        contestant(name, family)
    except CheckpointError:
        return False
    return True


def given(detector: Detector, proposals: Regions) -> Detector:
    """Return a twin of ``detector`` that shares its weights and, where it searches, takes ``proposals`` instead."""
    twin = copy(detector)
    if twin.propose:
        twin.propose = lambda _image: proposals
    return twin


def _median_seconds(detector: Detector, image: Tensor) -> float:
    first = run(detector, image).seconds
    if first > SLOW:
        return first
    return statistics.median([first, *(run(detector, image).seconds for _repeat in range(REPEATS - 1))])


def gigaflops(detector: Detector, trace: Trace) -> float:
    """Count the floating-point operations of ``trace`` in one more run, in billions, a multiplication with its
    addition as two. One pass for each crop is counted on the first ``COUNTED_CROPS`` and scaled: all crops cost alike.
    The search for proposals, which has none that are counted, is not done again.
    """
    scale = 1.0
    first = trace.steps[0].value
    if isinstance(first, Regions):
        detector = given(detector, first)
    if trace.convolution_passes > COUNTED_CROPS:
        scale = trace.convolution_passes / COUNTED_CROPS
        detector.limit_regions(COUNTED_CROPS)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        for _step in detector.steps(trace.image):
            pass
    return counter.get_total_flops() * scale / 1e9


@singledispatch
def thinned(value: Value) -> Value:
    """Return ``value`` without what no picture shows: crops and features beyond the first ``KEPT``, and the crops' fine
    detail, which would be more than half of all that a race keeps."""
    return value


@thinned.register
def _(value: Crops) -> Crops:
    images = value.images[:KEPT].clamp(0, 255).to(torch.uint8)
    side = min(images.shape[-1], KEPT_SIDE)
    return Crops(resize(images, [side, side]), value.boxes)


@thinned.register
def _(value: RegionFeatures) -> RegionFeatures:
    return RegionFeatures(value.values[:KEPT].clone(), value.boxes)


def table(finished: Sequence[Finished], family: AnyFamily = SHAPES) -> list[Row]:
    """Return a ``Row`` for each contestant that is through."""
    base = next((one.trace for one in finished if one.name == "rcnn"), None)
    return [
        Row(
            one.name,
            one.trace.seconds,
            base.seconds / one.trace.seconds if base else None,
            after_proposals(base) / after_proposals(one.trace) if base else None,
            one.trace.convolution_passes,
            one.gigaflops,
            one.parameters,
            card_of(one.name, family).get("evaluation", {}).get("map50"),
        )
        for one in finished
    ]


def after_proposals(trace: Trace) -> float:
    """Return the seconds of ``trace`` without those that made its region proposals."""
    return sum(step.seconds for step in trace.steps if step.name not in PROPOSING)
