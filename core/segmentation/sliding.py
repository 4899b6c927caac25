"""The patch CNN over a whole image, timed three ways: one pass of convolutions, patches in batches, patches singly."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from torch import Tensor

from core.families import SHAPES, AnyFamily
from core.segmentation import load
from core.segmentation.patch_cnn import PatchCNN
from core.stages import Trace, run
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

    Of the one pass of convolutions the fastest of ``REPEATS`` counts; a patch goes through before patches are timed.
    """
    whole = min((one_pass(run(model, image)) for _repeat in range(REPEATS)), key=lambda one: one.seconds)
    yield whole
    next(model.slide(image))
    yield from _slid("batches", model.slide(image, BATCH), whole.total)
    yield from _slid("singly", model.slide(image), whole.total)


def slide_trained(image: Tensor, family: AnyFamily = SHAPES) -> Iterator[Slid]:
    """Slide the trained patch CNN of ``family`` over ``image`` as ``slide_each_way`` does.

    Raises:
        CheckpointError: there are no trained weights.
    """
    return slide_each_way(_trained(family), image)


@lru_cache(maxsize=2)
def _trained(family: AnyFamily) -> PatchCNN:
    model = load(PatchCNN.name, family)
    assert isinstance(model, PatchCNN)
    return model


def one_pass(trace: Trace) -> Slid:
    """Return what a run of the patch CNN, in its convolutional form, came to before the labels."""
    convolution, connected, *_labels = trace.steps
    assert isinstance(connected.value, ScoreMap)
    scores = connected.value.values.flatten(1).T
    return Slid("convolution", len(scores), len(scores), convolution.seconds + connected.seconds, scores)


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
