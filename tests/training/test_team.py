"""Two processes that train together learn what one learns from the whole batch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from core.training.team import ALONE, SharedBatchNorm, Team
from tests.training.in_team import SCHEDULE

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
Steps = list[tuple[int, dict[str, float]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("team")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.training.in_team", str(place)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return place


def said(folder: Path, name: str, rank: int = 0, stop: int = SCHEDULE.steps) -> Steps:
    return [(step, losses) for step, losses in json.loads((folder / f"{name}-{stop}-{rank}.json").read_text())]


def assert_alike(found: Steps, expected: Steps, tolerance: float) -> None:
    assert [step for step, _losses in found] == [step for step, _losses in expected]
    for (step, ours), (_step, theirs) in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=tolerance), f"step {step}"


def test_two_processes_have_the_losses_and_the_weights_of_one(folder: Path) -> None:
    """In double precision to 12 digits: sums are taken in another order, and nothing else differs."""
    alone, together = (said(folder / f"exact{size}", "exact") for size in (1, 2))
    assert len(alone) == SCHEDULE.steps
    assert_alike(together, alone, 1e-12)
    states = [load_file(folder / f"exact{size}" / "state.safetensors") for size in (1, 2)]
    for name, values in states[0].items():
        if name != "seconds":
            torch.testing.assert_close(states[1][name], values, rtol=1e-9, atol=1e-9, msg=name)


def test_yolo_has_nearly_the_losses_of_one_process(folder: Path) -> None:
    """Its loss is taken in single precision: what is rounded away grows from step to step."""
    alone, together = (said(folder / f"yolo{size}", "yolo") for size in (1, 2))
    assert_alike(together[:1], alone[:1], 1e-5)
    assert_alike(together, alone, 1e-3)


@pytest.mark.parametrize("name", ["exact", "yolo"])
def test_all_processes_say_the_same(name: str, folder: Path) -> None:
    assert said(folder / f"{name}2", name, 1) == said(folder / f"{name}2", name, 0)


@pytest.mark.parametrize("place", ["resumed", "widened"])
def test_a_stopped_training_goes_on_with_two_processes(place: str, folder: Path) -> None:
    """Whether it was begun by two or by one: a state does not know how many there were."""
    rest = said(folder / place, "exact")
    assert_alike(said(folder / place, "exact", stop=4) + rest, said(folder / "exact1", "exact"), 1e-12)
    assert [step for step, _losses in rest] == [5, 6]


def test_shares_of_a_batch_are_all_of_it() -> None:
    shares = [Team(rank, 3).share(12) for rank in range(3)]
    assert sorted(place for share in shares for place in share) == list(range(12))
    assert {len(share) for share in shares} == {4}
    assert list(ALONE.share(5)) == list(range(5))


def test_a_shared_normalisation_is_the_old_one_when_it_does_not_learn() -> None:
    norm = nn.BatchNorm2d(3)
    norm.running_mean.copy_(torch.tensor([1.0, 2, 3]))  # type: ignore[union-attr]
    shared = SharedBatchNorm.of(norm).eval()
    images = torch.randn(2, 3, 4, 4)
    assert torch.equal(shared(images), norm.eval()(images))
    assert shared.weight is norm.weight and shared.running_var is norm.running_var
