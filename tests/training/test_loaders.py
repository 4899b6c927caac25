"""Scenes drawn ahead and their batches: what is stored is what is drawn, and a batch depends on its step alone."""

import hashlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from core.data import ShapeScenes
from core.data.scenes import SIDE
from core.proposals import selective_search
from core.training import loaders
from core.training.loaders import CELL, DrawnScenes, batch, draw_ahead, with_proposals

DRAWING = (ShapeScenes, draw_ahead)  # in two files: what is drawn, and what of it is stored


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw and propose here instead of in processes of their own, which take seconds to start."""

    def spread(work: Callable[[Any], Any], items: Iterable[Any], processes: int) -> list[Any]:
        return [work(item) for item in items]

    monkeypatch.setattr(loaders, "_spread", spread)


def forbid_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def spread(*arguments: object) -> None:
        raise AssertionError("computed anew instead of read from the cache")

    monkeypatch.setattr(loaders, "_spread", spread)


def numbered(count: int) -> DrawnScenes:
    """Scene i is a picture of the one grey level i."""
    images = torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, SIDE, SIDE)
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    cells = torch.zeros(SIDE // CELL, SIDE // CELL, dtype=torch.int64)
    instances = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    return DrawnScenes(images, [{**nothing, "cells": cells, "instances": instances} for _index in range(count)])


def numbers(scenes: DrawnScenes, size: int, steps: range, seed: int = 0) -> list[int]:
    return [int(image[0, 0, 0]) for step in steps for image in batch(scenes, size, step, seed)[0]]


def one_box() -> DrawnScenes:
    """One scene with one lopsided box, painted darker from channel to channel."""
    x0, y0, x1, y1 = box = (32, 16, 160, 64)
    image = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)
    image[0, :, y0:y1, x0:x1] = torch.tensor([250, 150, 50], dtype=torch.uint8)[:, None, None]
    image[0, :, y0 : y0 + CELL, x0 : x0 + CELL] = 255  # so that no mirrored box looks like another
    cells = torch.zeros(SIDE // CELL, SIDE // CELL, dtype=torch.int64)
    cells[y0 // CELL : y1 // CELL, x0 // CELL : x1 // CELL] = 4
    instances = torch.zeros(SIDE, SIDE, dtype=torch.uint8)
    instances[y0:y1, x0:x1] = 1
    boxes = torch.tensor([box], dtype=torch.float32)
    corner = torch.tensor([[x0, y0, x0 + CELL, y0 + CELL]], dtype=torch.float32)
    maps = {"cells": cells, "instances": instances}
    return DrawnScenes(image, [{"boxes": boxes, "labels": torch.tensor([4]), "proposals": corner, **maps}])


def around(marked: Tensor) -> list[int]:
    """The tight half-open box around the pixels that are ``marked`` (H, W)."""
    rows, columns = marked.any(1).nonzero()[:, 0], marked.any(0).nonzero()[:, 0]
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


@pytest.mark.slow
def test_scenes_drawn_by_two_processes_are_the_data_set_and_are_read_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = ShapeScenes("validation", 3)
    first = draw_ahead(scenes, tmp_path, processes=2)
    forbid_work(monkeypatch)
    for drawn in (first, draw_ahead(scenes, tmp_path)):
        assert len(drawn) == 3 and drawn.images.dtype == torch.uint8
        for index, (image, target) in enumerate(zip(drawn.images, drawn.targets, strict=True)):
            pixels, truth = scenes[index]
            assert torch.equal(image, pixels)
            assert torch.equal(target["boxes"], truth["boxes"]) and torch.equal(target["labels"], truth["labels"])


def test_cells_name_the_class_under_their_middle(tmp_path: Path, in_process: None) -> None:
    scenes = ShapeScenes("train", 4, "hard")
    drawn = draw_ahead(scenes, tmp_path)
    for index in range(4):
        _image, truth = scenes[index]
        cells = drawn.targets[index]["cells"]
        assert cells.shape == (16, 16) and cells.dtype == torch.int64 and cells.any()
        for row in range(16):
            for column in range(16):
                here = [
                    int(label)
                    for label, mask in zip(truth["labels"], truth["masks"], strict=True)
                    if mask[16 * row + 8, 16 * column + 8]
                ]
                assert [int(cells[row, column])] == (here or [0])


def test_instances_name_the_object_at_every_pixel(tmp_path: Path, in_process: None) -> None:
    scenes = ShapeScenes("train", 4, "hard")
    for index, target in enumerate(draw_ahead(scenes, tmp_path).targets):
        _image, truth = scenes[index]
        instances = target["instances"]
        assert instances.shape == (SIDE, SIDE) and instances.dtype == torch.uint8
        assert set(instances.unique().tolist()) == set(range(1 + len(truth["masks"])))
        for number, mask in enumerate(truth["masks"], start=1):
            assert torch.equal(instances == number, mask)


@pytest.mark.parametrize("changed", DRAWING)
def test_scenes_of_other_code_are_never_read(
    changed: Callable[..., object], tmp_path: Path, in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = ShapeScenes("train", 2)
    draw_ahead(scenes, tmp_path)
    digest = hashlib.sha256(b"".join(Path(inspect.getfile(code)).read_bytes() for code in DRAWING)).hexdigest()[:8]
    assert [path.name for path in tmp_path.iterdir()] == [f"train-2-medium-0-{digest}.safetensors"]
    code = tmp_path / "changed.py"
    code.write_text("# drawn otherwise")
    files = {source: inspect.getfile(source) for source in DRAWING} | {changed: str(code)}
    monkeypatch.setattr(inspect, "getfile", files.__getitem__)
    forbid_work(monkeypatch)
    with pytest.raises(AssertionError, match="computed anew"):
        draw_ahead(scenes, tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        ShapeScenes("validation", 2),
        ShapeScenes("train", 1),
        ShapeScenes("train", 2, "easy"),
        ShapeScenes("train", 2, seed=1),
    ],
    ids=["split", "length", "difficulty", "seed"],
)
def test_scenes_of_another_data_set_are_never_read(tmp_path: Path, in_process: None, other: ShapeScenes) -> None:
    draw_ahead(ShapeScenes("train", 2), tmp_path)
    drawn = draw_ahead(other, tmp_path)
    assert len(drawn) == len(other)
    assert torch.equal(drawn.images[-1], other[len(other) - 1][0])


@pytest.mark.slow
def test_proposals_are_selective_search_of_each_scene_and_are_read_back(
    tmp_path: Path, in_process: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes = draw_ahead(ShapeScenes("train", 2), tmp_path)
    proposed = with_proposals(scenes, tmp_path)
    forbid_work(monkeypatch)
    for with_boxes in (proposed, with_proposals(scenes, tmp_path)):
        for image, target, before in zip(with_boxes.images, with_boxes.targets, scenes.targets, strict=True):
            assert torch.equal(target["proposals"], selective_search(image).boxes)
            assert torch.equal(target["boxes"], before["boxes"])
    assert "proposals" not in scenes.targets[0], "the scenes that were given changed"


def test_proposals_of_as_many_other_scenes_are_never_read(tmp_path: Path, in_process: None) -> None:
    one, other = (draw_ahead(ShapeScenes("train", 1, seed=seed), tmp_path) for seed in (0, 1))
    with_proposals(one, tmp_path)
    [target] = with_proposals(other, tmp_path).targets
    assert torch.equal(target["proposals"], selective_search(other.images[0]).boxes)


def test_a_batch_depends_on_its_step_and_seed_alone() -> None:
    scenes = numbered(20)
    alone = [batch(scenes, 4, step) for step in (0, 7, 12)]
    torch.manual_seed(5)
    for step in range(13):
        images, targets = batch(scenes, 4, step)
        for wanted, (expected, expected_targets) in zip((0, 7, 12), alone, strict=True):
            if step == wanted:
                assert torch.equal(images, expected)
                assert all(torch.equal(t["cells"], e["cells"]) for t, e in zip(targets, expected_targets, strict=True))
    assert numbers(scenes, 4, range(5), seed=1) != numbers(scenes, 4, range(5))


def test_every_epoch_sees_every_scene_once_in_another_order() -> None:
    scenes = numbered(20)
    epochs = [numbers(scenes, 4, range(5 * epoch, 5 * epoch + 5)) for epoch in range(3)]
    for order in epochs:
        assert sorted(order) == list(range(20))
    assert epochs[0] != epochs[1] != epochs[2] and epochs[0] != list(range(20))


def test_scenes_that_fill_no_batch_wait_for_another_epoch() -> None:
    scenes = numbered(10)
    for epoch in range(3):
        seen = numbers(scenes, 4, range(2 * epoch, 2 * epoch + 2))
        assert len(set(seen)) == len(seen) == 8
    assert set(numbers(scenes, 4, range(20))) == set(range(10))


def test_boxes_proposals_cells_and_instances_turn_with_the_picture() -> None:
    scenes = one_box()
    for step in range(60):
        [image], [target] = batch(scenes, 1, step)
        painted = image.sum(0) > 0
        assert [target["boxes"][0].tolist(), target["proposals"][0].tolist()] == [
            around(painted),
            around((image == 255).all(0)),
        ]
        assert torch.equal(target["cells"] == 4, painted[CELL // 2 :: CELL, CELL // 2 :: CELL])
        assert torch.equal(target["instances"] == 1, painted)
        assert target["labels"].tolist() == [4]


def test_all_turns_and_channel_orders_appear() -> None:
    scenes = one_box()
    seen = {batch(scenes, 1, step)[0].numpy().tobytes() for step in range(500)}
    assert len(seen) == 8 * 6
    only = replace(scenes, images=scenes.images * 0 + 9)
    assert (batch(only, 1, 3)[0] == 9).all(), "augmentation is not exact"
