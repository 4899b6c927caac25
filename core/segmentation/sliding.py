"""The patch CNN over a whole image, timed three ways: one pass of convolutions, patches in batches, patches singly."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from core.detectors.base import Step
from core.segmentation.patch_cnn import PatchCNN
from core.values import ScoreMap

BATCH = 32
REPEATS = 3  # of the one pass, which is so quick that a single time says little

Way = Literal["convolution", "batches", "singly"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True)
class Slid:
    """How far a ``way`` has come: ``done`` of ``total`` patches, row by row, in so many ``seconds``, and the ``scores``
    (n, K + 1) of those that its last pass did."""

    way: Way
    done: int
    total: int
    seconds: float
    scores: Tensor


def slide_each_way(model: PatchCNN, image: Tensor) -> Iterator[Slid]:
    """Score ``image`` (3, H, W) uint8 in each of ``WAYS``, yielding after every pass; the clock stands still meanwhile.

    All ways have made a pass before they are timed. Of the one pass of convolutions the fastest of ``REPEATS`` counts.
    """
    whole = [_convolved(model, image) for _repeat in range(1 + REPEATS)]
    total = len(whole[0][0])
    yield Slid("convolution", total, total, min(seconds for _scores, seconds in whole[1:]), whole[-1][0])
    next(model.slide(image, BATCH))
    yield from _slid("batches", model.slide(image, BATCH), total)
    yield from _slid("singly", model.slide(image), total)


def _convolved(model: PatchCNN, image: Tensor) -> tuple[Tensor, float]:
    """Return the scores of the convolutional form (N, K + 1), and the seconds they took."""
    start = time.perf_counter()
    with torch.inference_mode():
        values = (step.value for step in model.steps(image) if isinstance(step, Step))
        scores = next(value.values for value in values if isinstance(value, ScoreMap))
    return scores.flatten(1).T, time.perf_counter() - start


def _slid(way: Way, passes: Iterator[Tensor], total: int) -> Iterator[Slid]:
    done = 0
    seconds = 0.0
    while True:
        start = time.perf_counter()
        scores = next(passes, None)
        seconds += time.perf_counter() - start
        if scores is None:
            return
        done += len(scores)
        yield Slid(way, done, total, seconds, scores)
