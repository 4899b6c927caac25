"""A training that is watched: it looks, it ends in time, and it leaves nothing behind."""

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.checkpoint import CheckpointError
from core.data.scenes import ShapeScenes
from core.families import SHAPES
from core.training.short_training import LOOK_EVERY, draw_batch, train_live

pytestmark = pytest.mark.slow


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where temporary files go."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def image() -> Tensor:
    return ShapeScenes("validation", 2)[1][0]


@pytest.mark.parametrize("start", ["trunk", None])
def test_it_looks_at_once_and_at_the_end_and_leaves_no_file(folder: Path, image: Tensor, start: str | None) -> None:
    events = list(train_live(image, 2 / 60, start))
    assert [event.step.step for event in events] == list(range(1, len(events) + 1))
    looks = [event for event in events if event.found is not None]
    assert looks[0] is events[0] and looks[-1] is events[-1]
    assert events[-1].step.done > 0.5, "it ended early"
    assert all(later.step.seconds - one.step.seconds >= LOOK_EVERY for one, later in pairwise(looks[:-1]))
    assert list(folder.iterdir()) == []


def test_a_caller_that_stops_leaves_no_file(folder: Path, image: Tensor) -> None:
    watched = train_live(image, 1)
    next(watched)
    assert list(folder.iterdir()), "the state has its folder while the training runs"
    watched.close()  # type: ignore[attr-defined]
    assert list(folder.iterdir()) == []


def test_it_learns(image: Tensor) -> None:
    totals = [sum(event.step.losses.values()) for event, _number in zip(train_live(image, 1), range(12), strict=False)]
    assert sum(totals[-3:]) < sum(totals[:3]) / 2


def test_no_two_steps_have_a_scene_in_common() -> None:
    images, targets = draw_batch(3, 2)
    assert images.shape == (2, 3, 256, 256) and images.dtype == torch.uint8
    assert set(targets[0]) == {"boxes", "labels"}
    scenes = ShapeScenes("train", 10)
    assert (images[0] == scenes[6][0]).all() and (images[1] == scenes[7][0]).all()


def test_a_missing_trunk_is_a_sentence(tmp_path: Path, image: Tensor) -> None:
    with pytest.raises(CheckpointError, match="python -m core train trunk"):
        next(train_live(image, 1, family=replace(SHAPES, folder=tmp_path)))
