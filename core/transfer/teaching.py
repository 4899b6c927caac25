"""A few things taught by some pictures each, there and then: features once a picture, the last layer at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import resize

from core.faults import UserError
from core.i18n import _
from core.imagenet import load
from core.images import middle_square
from core.transfer.last_layer import LastLayer, fit

THINGS = 3
MOST = 40  # pictures of a thing
SIDE = 160  # pixels that the trunk looks at
SHOWN = 64  # pixels that are kept, for people
FOLDS = 5
LONGEST_NAME = 24  # characters


class TeachingError(UserError):
    """Something about the things has to be put right first; the message says what."""


@dataclass(frozen=True)
class Shot:
    """The square in the middle of a picture: the trunk's ``feature`` (1280,) of it, and small, as ``pixels``
    (3, 64, 64) uint8."""

    feature: Tensor
    pixels: Tensor


@dataclass(frozen=True)
class Things:
    """The ``shots`` of each thing that is taught."""

    shots: tuple[tuple[Shot, ...], ...] = ((),) * THINGS

    def with_shots(self, thing: int, shots: Sequence[Shot]) -> "Things":
        """Return them with more ``shots`` of a ``thing``.

        Raises:
            TeachingError: there are enough of it.
        """
        changed = (*self.shots[thing], *shots)
        if len(changed) > MOST:
            words = _("{most} pictures of a thing are enough: remove some of them before you take more.")
            raise TeachingError(words.format(most=MOST))
        return self._with(thing, changed)

    def without_last(self, thing: int) -> "Things":
        """Return them without the newest picture of a ``thing``."""
        return self._with(thing, self.shots[thing][:-1])

    def _with(self, thing: int, shots: tuple[Shot, ...]) -> "Things":
        return replace(self, shots=(*self.shots[:thing], shots, *self.shots[thing + 1 :]))


@dataclass(frozen=True)
class Taught:
    """What was learnt in so many ``seconds`` of the ``things`` that there are pictures of, by their numbers: the last
    ``layer``, and how many pictures are named ``rightly`` by a layer that never saw them, None where there are too
    few."""

    things: tuple[int, ...]
    layer: LastLayer
    seconds: float
    rightly: int | None

    def answer(self, shot: Shot) -> dict[int, float]:
        """Return how probable each of the things is on a picture, by its number."""
        return dict(zip(self.things, self.layer.probabilities(shot.feature[None])[0].tolist(), strict=True))


def shots_of(pictures: Sequence[Tensor]) -> list[Shot]:
    """Return the shots of ``pictures`` (3, H, W) uint8; the trunk of the photographs, one for all, is asked once.

    Raises:
        CheckpointError: the trunk is missing or damaged.
    """
    squares = torch.stack([_square(one) for one in pictures])
    with torch.no_grad():
        features = load().features(squares)
    small = resize(squares, [SHOWN, SHOWN], antialias=True)
    # Parts of a tensor would keep all of it.
    return [Shot(feature.clone(), pixels.clone()) for feature, pixels in zip(features, small, strict=True)]


def _square(picture: Tensor) -> Tensor:
    square: Tensor = resize(middle_square(picture), [SIDE, SIDE], antialias=True)
    return square


def check_names(names: Sequence[str]) -> None:
    """Hold that each of the things has a name of its own.

    Raises:
        TeachingError: one has none, or two have the same.
    """
    plain = [" ".join(name.split()).casefold() for name in names]
    for number, name in enumerate(plain, 1):
        if not name:
            raise TeachingError(_("Thing {number} has no name: give it one.").format(number=number))
        if name in plain[: number - 1]:
            words = _("Two things are called {name}: give one of them another name.")
            raise TeachingError(words.format(name=names[number - 1].strip()))


def learn(things: Things) -> Taught:
    """Fit the last layer to all pictures.

    Raises:
        TeachingError: there are not pictures of two things.
    """
    there = tuple(number for number, shots in enumerate(things.shots) if shots)
    if len(there) < 2:
        raise TeachingError(_("Take pictures of two things or more: what is there to be told apart otherwise?"))
    features = torch.stack([shot.feature for number in there for shot in things.shots[number]])
    labels = torch.cat([torch.full((len(things.shots[number]),), place) for place, number in enumerate(there)])
    start = time.perf_counter()
    layer = fit(features, labels, len(there))
    return Taught(there, layer, time.perf_counter() - start, _rightly(features, labels, len(there)))


def _rightly(features: Tensor, labels: Tensor, classes: int) -> int | None:
    """Return how many pictures are named rightly when each is left out of what is learnt, with a fifth of its thing's.

    A fifth are those that were taken one after the other, for they look alike.
    """
    counts = labels.bincount(minlength=classes).tolist()
    if min(counts) < 2:
        return None
    folds = torch.cat([torch.arange(count) * FOLDS // count for count in counts])
    right = 0
    for fold in folds.unique():
        out = folds == fold
        layer = fit(features[~out], labels[~out], classes)
        right += int((layer.probabilities(features[out]).argmax(1) == labels[out]).sum())
    return right
