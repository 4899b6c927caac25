"""The race: the order of its events, what it keeps, who cannot run, and that its figures are what they say."""

import os
import statistics
from collections.abc import Iterator
from functools import lru_cache
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from core.backbones import Lite0
from core.checkpoint import CheckpointError
from core.data import ShapeScenes
from core.detectors import NAMES, Detector, Progress, TimedStep, Trace, build, fast_rcnn, race, rcnn, sppnet
from core.detectors.fast_rcnn import FastRCNN
from core.detectors.race import (
    COUNTED_CROPS,
    KEPT,
    CurvePoint,
    Finished,
    RaceEvent,
    Ran,
    Refused,
    cost_curve,
    entered,
    gigaflops,
    table,
    thinned,
)
from core.families import PAPER_SIZE, PHOTOS
from core.machine import machine
from core.proposals import selective_search
from core.values import Crops, Detections, FeatureMap, RegionFeatures, Regions, Value

TRUNCATED = "fast_rcnn_svd"

MISSING = "The checkpoint of yolo is missing: run `python -m core train yolo` to train it."


searched = lru_cache(selective_search)  # by the tensor itself, not its content


@pytest.fixture(scope="module", autouse=True)
def untrained() -> Iterator[None]:
    """Race with random weights, so that no test asks for a checkpoint, and search each image once to save time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(race, "load", build)
        for module in (rcnn, sppnet, fast_rcnn, race):
            patch.setattr(module, "selective_search", searched)
        race._warm.cache_clear()
        yield
    race._warm.cache_clear()


@pytest.fixture
def cold(untrained: None) -> Iterator[None]:
    """No detector has been loaded yet."""
    race._warm.cache_clear()
    yield
    race._warm.cache_clear()


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return ShapeScenes("validation", 3)[2][0]


def by_contestant(events: list[RaceEvent]) -> dict[str, list[RaceEvent]]:
    return {name: [event for event in events if event.name == name] for name in (*NAMES, TRUNCATED)}


def trace(passes: int = 1, **seconds: float) -> Trace:
    """A hand-made trace whose stages took ``seconds``; names have _ for a space."""
    boxes = torch.zeros(passes, 4)
    first: Value = Crops(torch.zeros(passes, 3, 2, 2), boxes) if passes > 1 else Regions(boxes)
    steps = [TimedStep(name.replace("_", " "), first, value) for name, value in seconds.items()]
    return Trace(torch.zeros(3, 8, 8, dtype=torch.uint8), tuple(steps))


def finished(name: str, made: Trace) -> Finished:
    return Finished(name, made, gigaflops=1.5, parameters=1000)


def test_truncated_fast_rcnn_runs_beside_the_five() -> None:
    assert entered(NAMES) == [*NAMES, TRUNCATED]
    assert entered(("sppnet", "yolo", "faster_rcnn")) == ["sppnet", "yolo", "faster_rcnn"], "only where the whole runs"
    assert entered(("fast_rcnn", "yolo")) == ["fast_rcnn", "yolo"], "two are no line"


@pytest.mark.slow
def test_each_contestant_runs_to_its_end_before_the_next(scene: Tensor) -> None:
    order = ("yolo", "rcnn", TRUNCATED, "sppnet", "faster_rcnn", "fast_rcnn")
    events = list(race.race(scene, order, 40))
    assert list(dict.fromkeys(event.name for event in events)) == list(order)
    places = [order.index(event.name) for event in events]
    assert places == sorted(places)
    for name, own in by_contestant(events).items():
        *ran, last = own
        assert isinstance(last, Finished)
        steps = [event.event for event in ran if isinstance(event, Ran) and isinstance(event.event, TimedStep)]
        assert tuple(steps) == last.trace.steps
        assert isinstance(steps[-1].value, Detections) and steps[-1].name == "NMS"
        assert all(isinstance(event, Ran) for event in ran)
        assert len(ran) == len(steps) + 2 * (name == "rcnn"), "R-CNN's 40 crops show two signs of life"
        assert torch.equal(last.trace.image, scene)


def test_stages_arrive_while_the_rest_still_has_to_run(
    cold: None, scene: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def watched(name: str, family: object) -> Detector:
        built.append(name)
        return build(name)

    monkeypatch.setattr(race, "load", watched)
    events = race.race(scene, ("yolo", "faster_rcnn"), 10)
    first = next(events)
    assert isinstance(first, Ran) and isinstance(first.event, TimedStep) and first.event.name == "Convolution"
    assert built == ["yolo"]


@pytest.mark.slow
def test_signs_of_life_come_before_their_stage(scene: Tensor) -> None:
    events = [event.event for event in race.race(scene, ("rcnn",), 40) if isinstance(event, Ran)]
    names = [event.name for event in events]
    assert names[2:5] == ["Convolution"] * 3
    assert isinstance(events[2], Progress) and isinstance(events[3], Progress) and isinstance(events[4], TimedStep)


@pytest.mark.slow
def test_proposals_are_bounded_anew_in_every_race(scene: Tensor) -> None:
    for most in (30, 9, 12):
        for event in race.race(scene, ("rcnn", "sppnet", "fast_rcnn", TRUNCATED, "faster_rcnn"), most):
            if isinstance(event, Finished):
                [regions] = [step.value for step in event.trace.steps if isinstance(step.value, Regions)]
                assert len(regions.boxes) == most, event.name


@pytest.mark.slow
def test_large_values_are_thinned_and_boxes_kept_whole(scene: Tensor) -> None:
    traces = {
        event.name: event.trace for event in race.race(scene, ("rcnn", "sppnet"), 90) if isinstance(event, Finished)
    }
    assert traces["rcnn"].convolution_passes == 90 and traces["sppnet"].convolution_passes == 1
    large = [
        step.value for one in traces.values() for step in one.steps if isinstance(step.value, Crops | RegionFeatures)
    ]
    assert len(large) == 3 + 2
    for value in large:
        rows = value.images if isinstance(value, Crops) else value.values
        assert len(rows) == KEPT < len(value.boxes) == 90
        assert rows.untyped_storage().nbytes() == rows.numel() * rows.element_size(), "the whole is still in memory"


def test_what_is_small_is_kept_as_it_is() -> None:
    boxes = torch.zeros(200, 4)
    for value in (
        Regions(boxes),
        FeatureMap(torch.zeros(3, 4, 4), 16),
        Detections(boxes, boxes[:, 0], boxes[:, 0].long()),
    ):
        assert thinned(value) is value


def test_who_has_no_weights_is_refused_with_a_sentence_and_the_others_run(
    cold: None, scene: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str, family: object) -> Detector:
        if name in ("yolo", TRUNCATED):
            raise CheckpointError(MISSING)
        return build(name)

    with monkeypatch.context() as patch:
        patch.setattr(race, "load", missing)
        own = by_contestant(list(race.race(scene, ("yolo", TRUNCATED, "faster_rcnn"), 20)))
        assert own["yolo"] == [Refused("yolo", MISSING)] and own[TRUNCATED] == [Refused(TRUNCATED, MISSING)]
        assert isinstance(own["faster_rcnn"][-1], Finished)
    again = list(race.race(scene, ("yolo",), 20))
    assert isinstance(again[-1], Finished), "a checkpoint that has come since is not seen"


def test_paper_size_needs_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, family: object) -> Detector:
        raise CheckpointError(MISSING)

    monkeypatch.setattr(race, "load", missing)
    detector = race.contestant("yolo", PAPER_SIZE)
    assert detector.trunk.channels == 256


@pytest.mark.slow
def test_truncating_leaves_the_whole_network_as_it_was(scene: Tensor) -> None:
    whole = race.contestant("fast_rcnn")
    count = sum(weights.numel() for weights in whole.parameters())
    thin = race.contestant(TRUNCATED)
    assert sum(weights.numel() for weights in thin.parameters()) < count
    assert sum(weights.numel() for weights in whole.parameters()) == count
    assert race.contestant("fast_rcnn") is whole, "every race would load the weights anew"


def test_parameters_are_the_networks_own(scene: Tensor) -> None:
    [last] = [event for event in race.race(scene, ("yolo",), 1) if isinstance(event, Finished)]
    assert last.parameters == sum(weights.numel() for weights in build("yolo").parameters())


def test_ratios_are_over_rcnn_with_and_without_proposals() -> None:
    rows = table(
        [
            finished("rcnn", trace(50, Region_proposals=2.0, Warp=1.0, Convolution=7.0)),
            finished("fast_rcnn", trace(Region_proposals=2.0, Convolution=0.5)),
            finished("faster_rcnn", trace(Convolution=0.5, RPN=0.3, NMS=0.2)),
            finished("yolo", trace(Convolution=0.1)),
        ],
        "paper",
    )
    assert [row.name for row in rows] == ["rcnn", "fast_rcnn", "faster_rcnn", "yolo"]
    assert [row.seconds for row in rows] == pytest.approx([10, 2.5, 1, 0.1])
    assert [row.faster for row in rows] == pytest.approx([1, 10 / 2.5, 10 / 1, 10 / 0.1])
    assert [row.faster_without_proposals for row in rows] == pytest.approx([1, 8 / 0.5, 8 / 0.7, 8 / 0.1])
    assert [row.convolution_passes for row in rows] == [50, 1, 1, 1]
    assert {(row.gigaflops, row.parameters) for row in rows} == {(1.5, 1000)}


def test_without_rcnn_there_is_no_ratio() -> None:
    [row] = table([finished("yolo", trace(Convolution=0.1))])
    assert row.faster is None and row.faster_without_proposals is None


def test_map_comes_from_the_card_and_belongs_to_the_slim_size(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = {"yolo": {"evaluation": {"map50": 0.95}}, "sppnet": {"data": "not evaluated yet"}, "rcnn": {}}
    monkeypatch.setattr(race, "card_of", lambda name, family: {} if family == "paper" else cards[name])
    runs = [finished(name, trace(Convolution=0.1)) for name in cards]
    assert [row.map50 for row in table(runs)] == [0.95, None, None]
    assert [row.map50 for row in table(runs, "paper")] == [None, None, None]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_gigaflops_are_counted_in_a_whole_run(name: str, scene: Tensor) -> None:
    """R-CNN's 40 crops are more than it counts itself: the scaled count has to be exact."""
    assert COUNTED_CROPS < 40
    detector = build(name)
    detector.limit_regions(40)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        steps = [step for step in detector.steps(scene) if not isinstance(step, Progress)]
    run = Trace(scene, tuple(TimedStep(step.name, step.value, 1.0) for step in steps))
    assert gigaflops(detector, run) == pytest.approx(counter.get_total_flops() / 1e9, rel=1e-12)


def test_a_multiplication_and_its_addition_are_two_operations(scene: Tensor) -> None:
    """YOLO by hand: outputs x inputs x kernel x places x 2 for every convolution."""
    layers = [(32, 3, 11, 64), (96, 32, 5, 32), (192, 96, 3, 16), (128, 192, 3, 16), (128, 128, 3, 16)]
    head = [(256, 128, 3, 16), (16, 256, 1, 16)]
    expected = sum(2 * outputs * inputs * kernel**2 * side**2 for outputs, inputs, kernel, side in layers + head)
    assert gigaflops(build("yolo"), trace(Convolution=0.1)) != 0
    run = Trace(scene, trace(Convolution=0.1).steps)
    assert gigaflops(build("yolo"), run) == pytest.approx(expected / 1e9, rel=1e-12)


@pytest.mark.slow
def test_curve_goes_up_to_the_proposals_that_there_are(scene: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each contestant at one number of proposals before the next number, so that a busy minute hits all of them."""
    there = len(searched(scene, "quality").boxes)
    monkeypatch.setattr(race, "CURVE_REGIONS", (3, 8, there + 1, there + 100))
    used: list[tuple[str, int]] = []

    def instead(detector: Detector, image: Tensor) -> Trace:
        used.append((detector.name, detector.max_regions or 0))
        return trace(Convolution=0.25)

    points = cost_curve(scene, ("fast_rcnn", "yolo"))
    for name in ("fast_rcnn", "yolo"):
        race.contestant(name)  # its own first run is no part of the curve
    monkeypatch.setattr(race, "run", instead)
    assert list(points) == [CurvePoint(n, count, 0.25) for count in (3, 8, there) for n in ("fast_rcnn", "yolo")]
    assert dict.fromkeys(used) == {("fast_rcnn", 3): None, ("yolo", 0): None, ("fast_rcnn", 8): None} | {
        ("fast_rcnn", there): None
    }


@pytest.mark.slow
def test_curve_ends_at_its_last_number_where_there_are_more_proposals(
    scene: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race, "CURVE_REGIONS", (2, 5))
    assert [point.regions for point in cost_curve(scene, ("faster_rcnn",))] == [2, 5]
    monkeypatch.undo()
    assert race.CURVE_REGIONS == (100, 200, 500, 1000, 2000)


@pytest.mark.parametrize(
    ("seconds", "expected", "runs"), [((0.9, 0.1, 0.4), 0.4, 3), ((0.2, 0.3, 0.1), 0.2, 3), ((1.5, 0.1, 0.1), 1.5, 1)]
)
def test_a_point_is_the_median_of_three_runs_or_one_slow_run(
    seconds: tuple[float, ...], expected: float, runs: int, scene: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = list(seconds)
    race.contestant("yolo")  # its own first run is no part of the curve
    monkeypatch.setattr(race, "CURVE_REGIONS", (5,))
    monkeypatch.setattr(race, "run", lambda detector, image: SimpleNamespace(seconds=left.pop(0)))
    assert [point.seconds for point in cost_curve(scene, ("yolo",))] == [expected]
    assert len(left) == 3 - runs
    assert expected == (statistics.median(seconds) if runs == 3 else seconds[0])


def test_machine_names_threads_and_processor() -> None:
    threads = torch.get_num_threads()
    assert machine().endswith(f", {threads} thread{'s' * (threads > 1)} of {os.cpu_count()} cores")
    assert machine().partition(", ")[0].strip(), "the processor has no name"


def test_curve_gives_every_contestant_its_proposals_off_the_clock(
    scene: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default scene has some 400 proposals in the fast mode: the slider's 2000 come from the quality mode."""
    monkeypatch.setattr(race, "CURVE_REGIONS", (1000,))
    given: list[Tensor] = []

    def instead(detector: Detector, image: Tensor) -> Trace:
        given.append(next(iter(detector.steps(image))).value.boxes)  # type: ignore[union-attr]
        return trace(Convolution=2.0)

    _warmed, own = (race.contestant(name) for name in ("sppnet", "fast_rcnn"))
    monkeypatch.setattr(race, "run", instead)
    assert [point.regions for point in cost_curve(scene, ("sppnet", "fast_rcnn"))] == [1000, 1000]
    expected = searched(scene, "quality").boxes[:1000]
    assert len(given) == 2 and all(torch.equal(boxes, expected) for boxes in given)
    assert isinstance(own, FastRCNN)
    assert len(own.propose(scene).boxes) < 1000, "the race's own detector was changed"


def test_the_curve_is_that_of_a_familys_detectors(scene: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    trunks = []

    def instead(detector: Detector, image: Tensor) -> Trace:
        trunks.append(type(detector.trunk))
        return trace(Convolution=2.0)

    monkeypatch.setattr(race, "CURVE_REGIONS", (10,))
    race.contestant("yolo", PHOTOS)
    monkeypatch.setattr(race, "run", instead)
    assert [point.name for point in cost_curve(scene, ("yolo",), PHOTOS)] == ["yolo"] and trunks == [Lite0]
