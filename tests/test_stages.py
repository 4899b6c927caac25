"""What holds for every detector: its stages in order, the stopwatch, images that are hard, and losses that train."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from core import stages
from core.data import ShapeScenes
from core.detectors import NAMES, Detector, Progress, Step, TimedStep, Trace, build, run, timed_steps
from core.values import Crops, Detections, FeatureMap, Regions

STAGES = {
    "rcnn": ["Region proposals", "Warp", "Convolution", "Fully connected", "SVM", "Box regression", "NMS"],
    "sppnet": [
        "Region proposals",
        "Convolution",
        "Spatial pyramid pooling",
        "Fully connected",
        "SVM",
        "Box regression",
        "NMS",
    ],
    "fast_rcnn": [
        "Region proposals",
        "Convolution",
        "RoI pooling",
        "Fully connected",
        "Softmax",
        "Box regression",
        "NMS",
    ],
    "faster_rcnn": ["Convolution", "RPN", "RoI pooling", "Fully connected", "Softmax", "Box regression", "NMS"],
    "yolo": ["Convolution", "Grid", "Class confidence", "NMS"],
}
FEW = 20
SCENE, TARGET = ShapeScenes("validation", 1)[0]
IMAGES = {
    "scene": SCENE,
    "wide": SCENE[:, :90],
    "tall": SCENE[:, :, :9],
    "larger than the network's input": torch.cat([SCENE, SCENE], 2).repeat(1, 2, 1),
    "tiny": SCENE[:, :5, :3],
    "one pixel": SCENE[:, :1, :1],
    "flat grey": torch.full((3, 64, 80), 128, dtype=torch.uint8),
}
NOTHING = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))


class Clock:
    """A clock that goes on only when told."""

    now = 0.0

    def read(self, device: torch.device) -> float:
        return self.now


class Slow(Detector):
    """Stages of 1, 2 and 4 seconds, the second with a sign of life in its middle."""

    def __init__(self, clock: Clock):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        self.clock = clock
        self.reached: list[str] = []
        self.tracked: list[bool] = []

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        yield self.stage("first", 1, Step("first", FeatureMap(image, 16)))
        yield self.stage("half", 1.5, Progress("second", 1, 2))
        yield self.stage("second", 0.5, Step("second", NOTHING))
        yield self.stage("third", 4, Step("third", NOTHING))
        self.clock.now += 8  # behind the last stage

    def stage(self, name: str, seconds: float, made: Step | Progress) -> Step | Progress:
        self.clock.now += seconds
        self.reached.append(name)
        self.tracked.append((self.weight * 2).requires_grad)
        return made


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    clock = Clock()
    monkeypatch.setattr(stages, "_now", clock.read)
    return Slow(clock)


@pytest.fixture(params=NAMES)
def detector(request: pytest.FixtureRequest) -> Detector:
    torch.manual_seed(0)
    detector = build(request.param)
    detector.limit_regions(FEW)
    return detector


def scenes_with_proposals() -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Two scenes, with proposals about their objects and anywhere."""
    rng = torch.Generator().manual_seed(0)
    images, targets = zip(*(ShapeScenes("validation", 2)[index] for index in range(2)), strict=True)
    for target in targets:
        about = target["boxes"].repeat(30, 1) + torch.randn(30 * len(target["boxes"]), 4, generator=rng) * 12
        corners = torch.rand(100, 2, 2, generator=rng) * 250
        anywhere = torch.cat([corners.amin(1), corners.amax(1) + 4], 1)
        proposals = torch.cat([about, anywhere]).clamp(0, 256)
        target["proposals"] = proposals[((proposals[:, 2:] - proposals[:, :2]) > 8).all(1)]
    return torch.stack(images), list(targets)


def test_a_stage_takes_the_seconds_until_it_is_done_its_signs_of_life_included(slow: Slow) -> None:
    trace = run(slow, SCENE)
    assert [(step.name, step.seconds) for step in trace.steps] == [("first", 1), ("second", 2), ("third", 4)]
    assert trace.seconds == 7


def test_the_clock_stands_still_while_the_caller_holds_a_stage(slow: Slow) -> None:
    stages = []
    for stage in timed_steps(slow, SCENE):
        slow.clock.now += 100
        stages.append(stage)
    assert [type(stage) for stage in stages] == [TimedStep, Progress, TimedStep, TimedStep]
    assert [stage.seconds for stage in stages if isinstance(stage, TimedStep)] == [1, 2, 4]


def test_not_asking_on_cancels(slow: Slow) -> None:
    stages = timed_steps(slow, SCENE)
    assert slow.reached == [], "nothing runs before the first stage is asked for"
    next(stages)
    next(stages)
    del stages
    assert slow.reached == ["first", "half"]


def test_gradients_are_off_in_the_stages_and_back_on_with_the_caller(slow: Slow) -> None:
    for _stage in timed_steps(slow, SCENE):
        assert not torch.is_inference_mode_enabled() and torch.is_grad_enabled()
    assert slow.tracked == [False] * 4


def test_a_trace_says_what_came_of_it() -> None:
    boxes = torch.zeros(3, 4)
    some = Detections(boxes, torch.ones(3), torch.ones(3, dtype=torch.int64))
    steps = (
        TimedStep("Region proposals", Regions(boxes), 0.5),
        TimedStep("Warp", Crops(torch.zeros(3, 3, 8, 8), boxes), 0.25),
        TimedStep("Box regression", some, 0.125),
        TimedStep("NMS", NOTHING, 0.125),
    )
    trace = Trace(SCENE, steps)
    assert trace.seconds == 1
    assert trace.detections is NOTHING and trace.candidates is some
    assert trace.convolution_passes == 3, "one for each crop"
    assert Trace(SCENE, steps[2:]).convolution_passes == 1


@pytest.mark.parametrize("name", NAMES)
def test_limiting_the_regions_limits_those_that_have_some(name: str) -> None:
    detector = build(name)
    before = detector.max_regions
    detector.limit_regions(7)
    assert detector.max_regions == (None if before is None else 7)
    assert (before is None) == (name == "yolo")


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_stages_and_detections_on_any_image(detector: Detector, image: Tensor) -> None:
    trace = run(detector, image)
    height, width = image.shape[1:]
    assert [step.name for step in trace.steps] == STAGES[detector.name]
    assert trace.image is image and all(step.seconds > 0 for step in trace.steps)
    for step in trace.steps:
        if isinstance(step.value, Regions):
            assert 0 < len(step.value.boxes) <= FEW
    for found in (trace.candidates, trace.detections):
        assert found.boxes.shape == (len(found), 4) and found.boxes.isfinite().all()
        assert (found.boxes >= 0).all() and (found.boxes <= torch.tensor([width, height, width, height])).all()
        assert (found.boxes[:, 2:] >= found.boxes[:, :2]).all()
        assert (found.scores.diff() <= 0).all(), "best first"
        assert ((found.labels >= 1) & (found.labels < len(detector.classes))).all()
    assert len(trace.detections) <= len(trace.candidates)


def test_without_regions_nothing_is_found(detector: Detector) -> None:
    detector.limit_regions(0)
    trace = run(detector, SCENE)
    assert [step.name for step in trace.steps] == STAGES[detector.name]
    if detector.max_regions is not None:
        assert len(trace.candidates) == len(trace.detections) == 0


@pytest.mark.slow
def test_a_run_repeats_itself(detector: Detector) -> None:
    first, second = run(detector, SCENE).candidates, run(detector, SCENE).candidates
    assert first.boxes.equal(second.boxes) and first.scores.equal(second.scores)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_papers_size_runs(name: str) -> None:
    torch.manual_seed(0)
    detector = build(name, "paper")
    detector.limit_regions(3)
    trace = run(detector, SCENE)
    assert [step.name for step in trace.steps] == STAGES[name]
    assert trace.detections.scores.isfinite().all()


@pytest.mark.slow
def test_every_trainable_parameter_learns_from_the_losses(detector: Detector) -> None:
    detector.train()
    losses = detector.losses(*scenes_with_proposals())
    assert all(value.isfinite() and value > 0 for value in losses.values()), losses
    torch.stack(list(losses.values())).sum().backward()
    for name, values in detector.named_parameters():
        if values.requires_grad:
            assert values.grad is not None and values.grad.isfinite().all(), name
            assert (values.grad != 0).any(), f"{name} learns nothing"
    frozen = {name for name, values in detector.named_parameters() if not values.requires_grad}
    in_trunk = {name for name, _values in detector.named_parameters() if name.startswith("trunk.")}
    assert frozen == (in_trunk if detector.name == "sppnet" else set()), "SPPNet's convolutions stay as they were"


def test_an_image_without_objects_does_not_spoil_the_losses(detector: Detector) -> None:
    images, targets = scenes_with_proposals()
    targets[1] |= {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    losses = detector.train().losses(images, targets)
    assert all(value.isfinite() for value in losses.values()), losses
