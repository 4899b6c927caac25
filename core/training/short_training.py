"""A short training to watch: scenes drawn on the fly, the loss of every step, and what is found in an image by then."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from core.checkpoint import load_trunk
from core.data.scenes import LONGEST_SPLIT, ShapeScenes
from core.detectors.yolo import YOLO
from core.families import SHAPES, AnyFamily, family_of
from core.stages import run
from core.training.loop import Batch, Schedule, TrainingStep, train
from core.values import Detections

BATCH = 8
LEARNING_RATE = 1e-3
WARMUP = 20
LOOK_EVERY = 0.5  # seconds between two detections on the image that is watched
MOST_STEPS = 100_000  # the minutes end first


@dataclass(frozen=True)
class Watched:
    """One step of a training that is watched; ``found`` is what the model detects after it, where it was asked."""

    step: TrainingStep
    found: Detections | None = None


def train_live(
    image: Tensor, minutes: float, start: str | None = "trunk", family: AnyFamily = SHAPES
) -> Iterator[Watched]:
    """Train a new YOLO for ``minutes``, looking at ``image`` (3, H, W) uint8 twice a second and at the end.

    ``start`` names the checkpoint of its trunk in ``family``; None leaves that at random weights too. Every batch is
    drawn for its step and forgotten, and nothing stays on the disk, however the caller stops.

    Raises:
        CheckpointError: there is no checkpoint ``start``.
    """
    torch.manual_seed(0)
    found = family_of(family)
    model = YOLO(found.trunk, found.classes)
    if start:
        load_trunk(model.trunk, start, found.folder)
    schedule = Schedule(MOST_STEPS, LEARNING_RATE, warmup=WARMUP, minutes=minutes, save_every=MOST_STEPS)
    yield from _watched(model, image, schedule)


def _watched(model: YOLO, image: Tensor, schedule: Schedule) -> Iterator[Watched]:
    looked = -LOOK_EVERY
    held = None  # whether a step was the last one shows only when none follows
    # The training writes its state when it is closed, which is to be before its folder goes.
    with TemporaryDirectory() as folder, closing(train(model, draw_batch, schedule, Path(folder) / "state")) as steps:
        for step in steps:
            if held:
                yield held
            held = Watched(step)
            if step.seconds - looked >= LOOK_EVERY:
                looked = step.seconds
                held = Watched(step, _look(model, image))
    if held:
        yield held if held.found is not None else Watched(held.step, _look(model, image))


def draw_batch(step: int, size: int = BATCH) -> Batch:
    """Draw batch number ``step`` of ``size`` training scenes that no other step has."""
    scenes = ShapeScenes("train", LONGEST_SPLIT)
    images, targets = zip(*(scenes[step * size + index] for index in range(size)), strict=True)
    kept = [{name: target[name] for name in ("boxes", "labels")} for target in targets]
    return torch.stack(images), kept


def _look(model: YOLO, image: Tensor) -> Detections:
    model.eval()
    found = run(model, image).detections
    model.train()
    return found
