"""Scenes drawn ahead for training, and batches of them that depend on the step number alone."""

import hashlib
import inspect
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from core.boxes import turn, turn_map
from core.checkpoint import save_tensors
from core.data.scenes import SIDE, ShapeScenes, label_map
from core.proposals import selective_search

Item = TypeVar("Item")
Made = TypeVar("Made")

CACHE = Path(__file__).parents[2] / "runs" / "cache"
CELL = 16
_CHANNEL_ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


@dataclass(frozen=True)
class DrawnScenes:
    """N scenes in memory: ``images`` (N, 3, 256, 256) uint8 and a target for each.

    A target holds ``boxes`` and ``labels``, ``cells`` (16, 16) int64, the class under the middle of each cell of
    the trunk's map, ``instances`` (256, 256) uint8, the number of the object that each pixel shows, counted from 1 and
    0 for none, and ``proposals`` (R, 4) where region proposals were computed.
    """

    images: Tensor
    targets: list[dict[str, Tensor]]

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return self.images[index], self.targets[index]


def draw_ahead(scenes: ShapeScenes, cache: Path = CACHE, processes: int = 2) -> DrawnScenes:
    """Draw all of ``scenes``, at about 7 ms each, spread over ``processes``, or read them from ``cache``.

    The name of the cached file holds a digest of the drawing code, so that scenes of another code are never used.
    """
    code = _digest(ShapeScenes, draw_ahead)
    path = cache / f"{scenes.split}-{len(scenes)}-{scenes.difficulty}-{scenes.seed}-{code}.safetensors"
    if not path.exists():
        drawn = _spread(partial(_draw, scenes), range(len(scenes)), processes)
        columns = {name: [torch.from_numpy(scene[name]) for scene in drawn] for name in drawn[0]}
        save_tensors(
            {"counts": torch.tensor([len(labels) for labels in columns["labels"]])}
            | {name: torch.stack(columns[name]) for name in ("images", "cells", "instances")}
            | {name: torch.cat(columns[name]) for name in ("boxes", "labels")},
            path,
        )
    stored = load_file(path)
    counts = stored["counts"].tolist()
    boxes, labels = stored["boxes"].split(counts), stored["labels"].split(counts)
    targets = [
        {"boxes": box, "labels": label, "cells": cell, "instances": instance}
        for box, label, cell, instance in zip(boxes, labels, stored["cells"], stored["instances"], strict=True)
    ]
    return DrawnScenes(stored["images"], targets)


def _digest(*sources: Callable[..., object]) -> str:
    code = b"".join(Path(inspect.getfile(source)).read_bytes() for source in sources)
    return hashlib.sha256(code).hexdigest()[:8]


def _spread(work: Callable[[Item], Made], items: Iterable[Item], processes: int) -> list[Made]:
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, items, chunksize=64))


def _draw(scenes: ShapeScenes, index: int) -> dict[str, np.ndarray]:
    image, target = scenes[index]
    boxes, labels, masks = (target[name] for name in ("boxes", "labels", "masks"))
    cells = label_map(masks[:, CELL // 2 :: CELL, CELL // 2 :: CELL], labels)
    instances = label_map(masks, 1 + torch.arange(len(labels))).to(torch.uint8)
    scene = {"images": image, "boxes": boxes, "labels": labels, "cells": cells, "instances": instances}
    return {name: values.numpy() for name, values in scene.items()}


def batch(scenes: DrawnScenes, size: int, step: int, seed: int = 0) -> tuple[Tensor, list[dict[str, Tensor]]]:
    """Return batch number ``step`` (counted from 0, epoch after epoch) of shuffled and augmented scenes.

    Each image is turned by one of the square's 8 symmetries and its colour channels are permuted, both exact. The
    batch depends on ``step`` and ``seed`` alone, so that a resumed training sees what an unbroken one would.
    """
    per_epoch = len(scenes) // size
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(len(scenes))[place * size : (place + 1) * size]
    rng = np.random.default_rng([seed, epoch, place])
    images, targets = [], []
    for index in order:
        turns, channels = int(rng.integers(8)), _CHANNEL_ORDERS[rng.integers(6)]
        images.append(turn_map(scenes.images[index][list(channels)], turns))
        targets.append(_turn_target(scenes.targets[index], turns))
    return torch.stack(images), targets


def _turn_target(target: dict[str, Tensor], turns: int) -> dict[str, Tensor]:
    turned = {"labels": target["labels"]} | {name: turn_map(target[name], turns) for name in ("cells", "instances")}
    for name in ("boxes", "proposals"):
        if name in target:
            turned[name] = turn(target[name], turns, SIDE)
    return turned


def with_proposals(scenes: DrawnScenes, cache: Path = CACHE, processes: int = 2) -> DrawnScenes:
    """Add selective search's ``proposals`` (R, 4) to each target, at about a quarter of a second a scene.

    They are read from ``cache`` where this code proposed for the same pictures before.
    """
    pictures = hashlib.sha256(scenes.images.numpy().data).hexdigest()[:8]
    path = cache / f"proposals-{len(scenes)}-{pictures}-{_digest(selective_search)}.safetensors"
    if not path.exists():
        proposed = [torch.from_numpy(boxes) for boxes in _spread(_propose, scenes.images.numpy(), processes)]
        counts = torch.tensor([len(boxes) for boxes in proposed])
        save_tensors({"counts": counts, "boxes": torch.cat(proposed)}, path)
    stored = load_file(path)
    proposals = stored["boxes"].split(stored["counts"].tolist())
    targets = [{**target, "proposals": boxes} for target, boxes in zip(scenes.targets, proposals, strict=True)]
    return replace(scenes, targets=targets)


def _propose(image: np.ndarray) -> np.ndarray:
    return selective_search(torch.from_numpy(image)).boxes.numpy()
