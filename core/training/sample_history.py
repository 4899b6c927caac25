"""What a training shows of its fixed samples, kept in its run directory, so that one can look back on it later."""

import math
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize

from core.checkpoint import write_whole
from core.data.scenes import label_map
from core.evaluation import Target
from core.segmentation.evaluation import labels_of
from core.training.events import Looked
from core.training.validation import Look
from core.values import ClassScores, Detections, Instances, LabelMap, Value

SIDE = 320  # pixels of the longer side of a picture that is kept
LEAST_SCORE = 0.1  # of a box that is kept
MOST_BOXES = 20
MOST_LOOKS = 40  # a run; of more, every second one goes

Shown = dict[str, Tensor]


@dataclass(frozen=True)
class KeptLook:
    """What a model said of each fixed sample after ``step``, ``seconds`` into the training."""

    step: int
    seconds: float
    made: tuple[Shown, ...]


@dataclass(frozen=True)
class Kept:
    """Fixed ``samples``, each an ``image`` (3, h, w) uint8 of at most ``SIDE`` pixels with its truth, and ``looks``.

    What is shown, of a truth or by a model, holds what there is of ``boxes`` (N, 4) in pixels of that image, ``labels``
    (N,) and ``scores`` (N,), ``map`` (h, w) uint8, the class of every pixel, and ``classes`` (K,), probabilities.
    """

    samples: tuple[Shown, ...]
    looks: tuple[KeptLook, ...]


def shown(looked: Looked) -> Kept:
    """Return what is worth keeping of one look at all samples."""
    pairs = [_small(look) for look in looked.looks]
    made = tuple(one for _sample, one in pairs)
    return Kept(tuple(sample for sample, _made in pairs), (KeptLook(looked.step, looked.seconds, made),))


def keep(looked: Looked, folder: Path) -> None:
    """Put ``looked`` among the looks of the run in ``folder``; of too many, every second one but the first goes."""
    kept = shown(looked)
    if not (folder / "looks" / "samples.npz").exists():
        _write(folder / "looks" / "samples.npz", kept.samples)
    [look] = kept.looks
    _write(folder / "looks" / f"{look.step:09d}.npz", look.made, seconds=look.seconds)
    paths = _paths(folder)
    if len(paths) > MOST_LOOKS:
        for path in paths[1:-1:2]:
            path.unlink(missing_ok=True)


def read_looks(folder: Path) -> Kept:
    """Return the looks of the run in ``folder``, which are none before the first; one that is damaged is left out."""
    samples, _seconds = _read(folder / "looks" / "samples.npz")
    read = [(int(path.stem), *_read(path)) for path in _paths(folder)]
    looks = [KeptLook(step, seconds, made) for step, made, seconds in read if len(made) == len(samples)]
    return Kept(samples, tuple(looks))


def _paths(folder: Path) -> list[Path]:
    return sorted((folder / "looks").glob("[0-9]*.npz"))


def _small(look: Look) -> tuple[Shown, Shown]:
    """Return the sample and what was made of it, in the size in which they are kept."""
    height, width = look.image.shape[1:]
    scale = min(1.0, SIDE / max(height, width))
    size = [max(1, round(height * scale)), max(1, round(width * scale))]
    parts = _of(look.made), _true(look.truth, look.made)
    made, truth = (_scaled(part, scale, size) for part in parts)
    return {"image": resize(look.image.cpu(), size, antialias=True), **truth}, made


def _scaled(part: Shown, scale: float, size: Sequence[int]) -> Shown:
    changed = {"boxes": part["boxes"] * scale} if "boxes" in part else {}
    if "map" in part:
        labels = part["map"].to(torch.uint8)[None]
        changed["map"] = resize(labels, list(size), InterpolationMode.NEAREST)[0]
    return {**part, **changed}


@singledispatch
def _of(made: Value) -> Shown:
    """Return what is shown of a model's result."""
    raise TypeError(f"nothing is shown of {type(made).__name__}")


@_of.register
def _(made: Detections) -> Shown:
    best = made.scores.argsort(descending=True)[:MOST_BOXES]
    best = best[made.scores[best] >= LEAST_SCORE]
    return {name: getattr(made, name)[best] for name in ("boxes", "labels", "scores")}


@_of.register
def _(made: Instances) -> Shown:
    return {**_of.dispatch(Detections)(made), "map": labels_of(made)}


@_of.register
def _(made: LabelMap) -> Shown:
    return {"map": made.labels}


@_of.register
def _(made: ClassScores) -> Shown:
    return {"classes": made.values.softmax(0)}


def _true(truth: Target, made: Value) -> Shown:
    """Return what is shown of the truth beside something of the kind of ``made``."""
    if isinstance(made, ClassScores):
        return {"label": truth["label"]}
    shown_truth = {name: truth[name] for name in ("boxes", "labels")} if isinstance(made, Detections) else {}
    if not isinstance(made, Instances | LabelMap):
        return shown_truth
    return {**shown_truth, "map": label_map(truth["masks"], truth["labels"])}


def _write(path: Path, parts: Sequence[Shown], seconds: float = math.nan) -> None:
    arrays: dict[str, Any] = {
        f"{index}.{name}": values.numpy() for index, part in enumerate(parts) for name, values in part.items()
    }
    write_whole(path, lambda beside: np.savez_compressed(beside, seconds=seconds, **arrays))


def _read(path: Path) -> tuple[tuple[Shown, ...], float]:
    """Return the parts in a file and its seconds; no part where it cannot be read, or is not there."""
    parts: dict[int, Shown] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                if key != "seconds":
                    index, name = key.split(".")
                    parts.setdefault(int(index), {})[name] = torch.from_numpy(file[key])
            return tuple(parts.values()), float(file["seconds"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return (), math.nan
