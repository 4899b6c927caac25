"""How fast the detectors are, as ratios in one run: ``python -m core bench``.

Contestants take turns, image by image, and medians are reported, so that a busy machine disturbs both sides alike.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torchvision.models.detection import fasterrcnn_mobilenet_v3_large_320_fpn, ssdlite320_mobilenet_v3_large

from benchmarks.torchvision_faster_rcnn import twin
from core.data import ShapeScenes
from core.data.photos import photo
from core.detectors import NAMES, Detector, Trace, build, load, run
from core.detectors.fast_rcnn import FastRCNN, truncate
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.rcnn import RCNN
from core.families import PAPER_SIZE, PHOTOS, SHAPES
from core.machine import machine
from core.proposals import selective_search
from core.stages import Progress, Step
from core.values import Detections

REGIONS = 2000
PHOTO = "astronaut"  # it has more than 2000 proposals
MOBILE = {"faster_rcnn": fasterrcnn_mobilenet_v3_large_320_fpn, "yolo": ssdlite320_mobilenet_v3_large}
NETWORK = ("Convolution", "RoI pooling", "Fully connected", "SVM", "Softmax")
EMPTY_STAGES = 1000

Say = Callable[[str], None]
Parts = dict[str, Callable[[int], dict[str, Any]]]


def measure(quick: bool, say: Say) -> dict[str, Any]:
    """Measure everything, telling ``say`` each result, and return it JSON-ready; ``quick`` repeats less."""
    parts: Parts = {
        "one scene of 256 pixels": one_scene,
        "stopwatch": stopwatch,
        "against torchvision": against_torchvision,
        "2000 regions": many_regions,
        "photographs, against torchvision's mobile networks": against_mobile_networks,
    }
    return measured(parts, quick, say)


def measured(parts: Parts, quick: bool, say: Say) -> dict[str, Any]:
    """Return what each of ``parts`` measures in 50 repetitions, ``quick`` in 5, and on which machine."""
    report: dict[str, Any] = {"machine": machine(), "torch": torch.__version__}
    for name, part in parts.items():
        report[name] = part(5 if quick else 50)
        say(f"{name}: {report[name]}")
    return report


def one_scene(repeats: int) -> dict[str, Any]:
    """Return each detector's median milliseconds on one medium scene, and their sum."""
    image, _target = ShapeScenes("validation", 1)[0]
    detectors = {name: load(name) for name in NAMES}
    for detector in detectors.values():
        run(detector, image)
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for _repeat in range(repeats):
        for name, detector in detectors.items():
            if name != "rcnn" or len(times[name]) < 3:
                times[name].append(run(detector, image).seconds)
    medians = {name: _ms(median(values)) for name, values in times.items()}
    return {"ms": medians, "ms all five": round(sum(medians.values()), 2)}


class _Empty(Detector):
    """A detector whose stages do nothing, so that only the stopwatch takes time."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        nothing = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
        for _stage in range(EMPTY_STAGES):
            yield Step("Nothing", nothing)


def stopwatch(repeats: int) -> dict[str, Any]:
    """Return the stopwatch's microseconds a stage, and what part of the quickest detector's time that is, in %."""
    image, _target = ShapeScenes("validation", 1)[0]
    yolo, empty = load("yolo"), _Empty()
    run(yolo, image)
    traces = [run(yolo, image) for _repeat in range(repeats)]
    per_stage = median(seconds_of(lambda: run(empty, image)) / EMPTY_STAGES for _repeat in range(repeats))
    part = per_stage * len(traces[0].steps) / median(trace.seconds for trace in traces)
    return {"us a stage": round(1e6 * per_stage, 2), "% of YOLO": round(100 * part, 2)}


def against_torchvision(repeats: int) -> dict[str, Any]:
    """Return the median ratio of torchvision's time to our Faster R-CNN's with the same weights, scene by scene."""
    detector = load("faster_rcnn")
    assert isinstance(detector, FasterRCNN)
    theirs = twin(detector)
    images = [ShapeScenes("validation", repeats)[index][0] for index in range(repeats)]
    pairs = in_turns([(partial(run, detector, image), partial(theirs, [image.float()])) for image in images])
    return {
        "ms ours": _ms(median(ours for ours, _theirs in pairs)),
        "ms torchvision": _ms(median(theirs for _ours, theirs in pairs)),
        "torchvision / ours": round(median(theirs / ours for ours, theirs in pairs), 2),
    }


def against_mobile_networks(repeats: int) -> dict[str, Any]:
    """Return the median time of two detectors of photographs over that of torchvision's for devices, turn by turn.

    All see the same photo, scaled by each as it does it: to a short side of 320 pixels, or to 320 x 320. torchvision's
    have random weights.
    """
    image = photo(PHOTO)
    as_theirs = [image / 255]
    report: dict[str, Any] = {}
    for name, build_theirs in MOBILE.items():
        detector, peer = load(name, PHOTOS), build_theirs(weights=None, weights_backbone=None).eval()
        pairs = in_turns([(partial(run, detector, image), partial(peer, as_theirs))] * repeats)
        report[name] = {
            "ms ours": _ms(median(ours for ours, _theirs in pairs)),
            f"ms {build_theirs.__name__}": _ms(median(theirs for _ours, theirs in pairs)),
            "ours / torchvision": round(median(ours / theirs for ours, theirs in pairs), 2),
        }
    return report


def in_turns(pairs: Sequence[tuple[Callable[[], object], Callable[[], object]]]) -> list[tuple[float, float]]:
    """Return the seconds of both sides of each of ``pairs``, now one side first and now the other.

    The first pair runs once more before, since that also pays for torch's preparations.
    """
    found = []
    with torch.inference_mode():
        for turn, runs in enumerate([pairs[0], *pairs]):
            seconds = {side: seconds_of(runs[side]) for side in sorted((0, 1), reverse=bool(turn % 2))}
            found.append((seconds[0], seconds[1]))
    return found[1:]


def many_regions(repeats: int) -> dict[str, Any]:
    """Return R-CNN's network time over Fast R-CNN's at 2000 regions of a photo, in both sizes, and where it goes.

    Proposals are made once, off the clock.
    """
    image = photo(PHOTO)
    report: dict[str, Any] = {}
    proposals = selective_search(image)
    for family, fast_repeats in ((SHAPES, repeats), (PAPER_SIZE, max(3, repeats // 3))):
        ready = build if family.for_timing else load
        slow, fast = (ready(name, family) for name in ("rcnn", "fast_rcnn"))
        assert isinstance(slow, RCNN)
        assert isinstance(fast, FastRCNN)
        slow.propose = fast.propose = lambda _image: proposals
        slow_trace = run(slow, image)
        regions = slow_trace.convolution_passes
        crops = _stages(slow_trace)
        del slow_trace  # what a run made is let go, here and below, so that the next finds its memory again
        plain = _typical(fast, image, fast_repeats)
        truncate(fast)
        truncated = _typical(fast, image, fast_repeats)
        report[family.trunk] = {
            "regions": regions,
            "R-CNN ms": crops,
            "Fast R-CNN ms": plain,
            "Fast R-CNN, truncated SVD ms": truncated,
            "R-CNN / Fast R-CNN": round(_network(crops) / _network(plain), 1),
            "R-CNN / Fast R-CNN, truncated SVD": round(_network(crops) / _network(truncated), 1),
        }
    return report


def _typical(detector: Detector, image: Tensor, repeats: int) -> dict[str, float]:
    """Return the stages of the run of median network time among ``repeats``, after one that warms up."""
    run(detector, image)
    return sorted((_stages(run(detector, image)) for _repeat in range(repeats)), key=_network)[repeats // 2]


def _network(stages: dict[str, float]) -> float:
    return sum(ms for name, ms in stages.items() if name in NETWORK)


def _stages(trace: Trace) -> dict[str, float]:
    return {step.name: _ms(step.seconds) for step in trace.steps}


def seconds_of(work: Callable[[], object]) -> float:
    """Return the seconds that ``work`` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
