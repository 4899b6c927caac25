"""How well proposals cover the objects of an image: recall and average best overlap against their number.

An object is found at N proposals where one of the first N overlaps it by enough; the average best overlap (ABO) is
the mean over objects of the best IoU that any of the first N reaches (Uijlings et al. 2013, section 5).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from statistics import mean, median

import torch
from torch import Tensor
from torchvision.ops import box_iou

from core.data.scenes import ShapeScenes
from core.detectors import load
from core.proposals.selective_search import Mode, selective_search
from core.stages import Detector, TimedStep, timed_steps
from core.values import Regions

MOST = 2000
_STEPS = (10, 12, 15, 20, 25, 30, 40, 50, 60, 80)  # of each decade
COUNTS = (*range(1, 10), *_STEPS, *(10 * n for n in _STEPS), *(100 * n for n in _STEPS if n <= 20))
WINDOW_PARTS = (0.125, 0.18, 0.25, 0.35, 0.5, 0.7)  # of the image's short side
WINDOW_RATIOS = (0.5, 1.0, 2.0)  # height to width
WINDOW_STEP = 1 / 3  # of a window's side


@dataclass(frozen=True)
class Proposed:
    """What a proposer made of one image: ``boxes`` (R, 4), best first, and the ``seconds`` that it took."""

    boxes: Tensor
    seconds: float


Proposer = Callable[[Tensor], Proposed]


@dataclass(frozen=True)
class Covered:
    """How a proposer's boxes cover N objects: for each of C counts the best IoU ``overlaps`` (N, C) and ``best`` (N, C)
    int64, which box reaches it (-1 where there is none); ``proposals`` in all, made in ``seconds``."""

    overlaps: Tensor
    best: Tensor
    proposals: int
    seconds: float


@dataclass(frozen=True)
class Curve:
    """A proposer on several images: recall and ABO at each of ``COUNTS``, its mean number of ``proposals`` and its
    median ``seconds`` an image."""

    recall_50: tuple[float, ...]
    recall_70: tuple[float, ...]
    abo: tuple[float, ...]
    proposals: float
    seconds: float


def by_selective_search(image: Tensor, mode: Mode) -> Proposed:
    """Propose with selective search on ``image`` (3, H, W) uint8, as R-CNN, SPPNet and Fast R-CNN do."""
    start = time.perf_counter()
    boxes = selective_search(image, mode).boxes[:MOST]
    return Proposed(boxes, time.perf_counter() - start)


def by_network(image: Tensor, detector: Detector) -> Proposed:
    """Run ``detector`` up to its first ``Regions``: for Faster R-CNN these are its trunk and its RPN.

    Raises:
        ValueError: the detector makes no regions.
    """
    seconds = 0.0
    for step in timed_steps(detector, image):
        if isinstance(step, TimedStep):
            seconds += step.seconds
            if isinstance(step.value, Regions):
                return Proposed(step.value.boxes[:MOST], seconds)
    raise ValueError(f"{detector.name} proposes no regions")


def by_sliding_window(image: Tensor) -> Proposed:
    """Return the ``sliding_windows`` of ``image`` (3, H, W)."""
    start = time.perf_counter()
    boxes = sliding_windows(image.shape[1], image.shape[2])[:MOST]
    return Proposed(boxes, time.perf_counter() - start)


def sliding_windows(height: int, width: int, seed: int = 0) -> Tensor:
    """Return windows of 6 sizes and 3 shapes on a regular grid over an image, those that fit in it: (R, 4).

    They know nothing of the image, so that none is better than another: their order is random, but always the same.
    """
    grids = []
    for part in WINDOW_PARTS:
        for ratio in WINDOW_RATIOS:
            side = part * min(height, width)
            down, across = side * ratio**0.5, side / ratio**0.5
            tops, lefts = _starts(height, down), _starts(width, across)
            corner = torch.cartesian_prod(lefts, tops)
            grids.append(torch.cat([corner, corner + torch.tensor([across, down])], 1))
    boxes = torch.cat(grids)
    return boxes[torch.randperm(len(boxes), generator=torch.Generator().manual_seed(seed))]


def _starts(length: int, side: float) -> Tensor:
    """Spread windows of ``side`` evenly from one border to the other, about ``WINDOW_STEP`` of a side apart."""
    if side > length:
        return torch.zeros(0)
    return torch.linspace(0, length - side, 1 + round((length - side) / (side * WINDOW_STEP)))


def cover(proposed: Proposed, truth: Tensor, counts: Sequence[int] = COUNTS) -> Covered:
    """Return how the first n of the proposals, for each n of ``counts``, cover the boxes ``truth`` (N, 4)."""
    boxes = proposed.boxes
    if not len(boxes):
        overlaps = torch.zeros(len(truth), len(counts))
        return Covered(overlaps, torch.full_like(overlaps, -1, dtype=torch.int64), 0, proposed.seconds)
    overlaps, best = box_iou(truth, boxes).cummax(1)
    last = torch.tensor(counts).clamp(max=len(boxes)) - 1
    return Covered(overlaps[:, last], best[:, last].where(overlaps[:, last] > 0, -1), len(boxes), proposed.seconds)


def curve(covered: Sequence[Covered]) -> Curve:
    """Join what one proposer covered of several images, with every object counting the same.

    Raises:
        ValueError: there is no object.
    """
    overlaps = torch.cat([one.overlaps for one in covered])
    if not len(overlaps):
        raise ValueError("recall needs an object to find")
    return Curve(
        tuple((overlaps >= 0.5).double().mean(0).tolist()),
        tuple((overlaps >= 0.7).double().mean(0).tolist()),
        tuple(overlaps.double().mean(0).tolist()),
        mean(one.proposals for one in covered),
        median(one.seconds for one in covered),
    )


def measure_held_out(mode: Mode, difficulty: str, count: int) -> Iterator[dict[str, Covered]]:
    """Let the trained ``proposers`` work on ``count`` scenes of the validation split, as ``measure`` does.

    Raises:
        CheckpointError: Faster R-CNN has no weights.
    """
    scenes = ShapeScenes("validation", count, difficulty)
    return measure((scenes[index] for index in range(len(scenes))), proposers(mode, _trained()))


@lru_cache(maxsize=1)
def _trained() -> Detector:
    """Return Faster R-CNN with as many proposals as its RPN makes."""
    detector = load("faster_rcnn")
    detector.limit_regions(MOST)
    return detector


def proposers(mode: Mode, detector: Detector) -> dict[str, Proposer]:
    """Return selective search in ``mode``, the RPN of ``detector`` and a sliding window, by their names."""
    return {
        "selective_search": partial(by_selective_search, mode=mode),
        "rpn": partial(by_network, detector=detector),
        "sliding_window": by_sliding_window,
    }


def measure(
    scenes: Iterable[tuple[Tensor, dict[str, Tensor]]], proposers: Mapping[str, Proposer]
) -> Iterator[dict[str, Covered]]:
    """Let every proposer work on each of ``scenes`` in turn, and yield after each scene what it covered."""
    for image, target in scenes:
        yield {name: cover(propose(image), target["boxes"]) for name, propose in proposers.items()}
