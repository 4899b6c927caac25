"""A training that is killed (kill -9) at random moments: nothing is half-written, and it learns what it would have."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from torch import Tensor

from core import checkpoint
from core.checkpoint import save_tensors
from core.training.loop import train
from tests.training.killed import SCHEDULE
from tests.training.test_loop import Tiny, batch, kept, losses

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLS = 50


def logged(folder: Path) -> list[tuple[int, dict[str, float]]]:
    """The steps that a log names; a kill may have cut a line short."""
    lines = (folder / "log").read_text().splitlines()
    return [(step, found) for step, found in map(json.loads, (line for line in lines if line.endswith("}]")))]


def test_a_training_killed_at_50_random_moments_has_the_losses_of_an_unbroken_one(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.training.killed", str(tmp_path), str(KILLS)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    expected = dict(logged(tmp_path / "unbroken"))
    assert len(found) == KILLS and len(expected) == SCHEDULE.steps
    assert len({left["step"] for left in found}) > 5, "the kills all hit the same place"
    for left in found:
        assert all(name in ("log", "state.safetensors") or name.endswith(".partial") for name in left["files"])
        assert len(left["files"]) <= 3, "what one kill leaves is not cleaned before the next"
        assert left["losses"] == expected.get(left["step"], {}), "a checkpoint holds what no step said"
    pieces = logged(tmp_path / "killed")
    assert len(pieces) > SCHEDULE.steps, "no step was ever repeated"
    assert all(step_losses == expected[step] for step, step_losses in pieces)
    states = [tmp_path / name / "state.safetensors" for name in ("unbroken", "killed")]
    assert kept(states[0]) == kept(states[1])
    assert sorted(path.name for path in states[1].parent.iterdir()) == ["log", "state.safetensors"]


@pytest.mark.parametrize("moment", ["half of the file", "all of it, unnamed", "named"])
def test_a_kill_within_a_save_leaves_the_old_checkpoint_or_the_new(moment: str, tmp_path: Path) -> None:
    """The same without chance: each place of the writing in turn."""
    state = tmp_path / "state.safetensors"
    before = list(train(Tiny(), batch, SCHEDULE, tmp_path / "unbroken.safetensors"))
    training = train(Tiny(), batch, SCHEDULE, state)
    for _step in range(3):
        next(training)
    child = os.fork()
    if not child:
        _die_at(moment)
        save_tensors(load_file(tmp_path / "unbroken.safetensors"), state)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert int(load_file(state)["step"]) == (SCHEDULE.steps if moment == "named" else 3)
    assert bool(list(tmp_path.glob(".state.safetensors.*.partial"))) == (moment != "named")
    rest = list(train(Tiny(seed=1), batch, SCHEDULE, state, resume=True))
    assert losses(rest) == losses(before[-len(rest) :])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.safetensors", "unbroken.safetensors"]
    training.close()


def _die_at(moment: str) -> None:
    """In this process, which is to end there: kill it at a place of the next save."""

    def die(*_arguments: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def half(tensors: dict[str, Tensor], partial: Path) -> None:
        save_file(tensors, partial)
        os.truncate(partial, partial.stat().st_size // 2)
        die()

    owner, name, place = {
        "half of the file": (checkpoint, "save_file", half),
        "all of it, unnamed": (os, "replace", die),
        "named": (checkpoint, "_sync_folder", die),
    }[moment]
    pytest.MonkeyPatch().setattr(owner, name, place)
