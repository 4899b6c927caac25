"""A tiny training that is killed again and again: ``python -m tests.training.killed FOLDER KILLS`` says how it went.

It runs in a process of its own that imports torch once and forks: a fork of a test run that has used threads may hang.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file

from core.training.loop import Schedule, train
from tests.training.test_loop import Tiny, batch

SCHEDULE = Schedule(steps=60, learning_rate=1e-2, warmup=3, save_every=1)
SIZE = 200_000  # numbers beside the model's own, so that writing takes a while and is hit too


def main(folder: Path, kills: int) -> None:
    """Print as JSON what lay on the disk after every kill; the logs of the trainings are in ``folder``."""
    torch.set_num_threads(1)
    start = time.perf_counter()
    _ended(_started(folder / "unbroken", seed=0))
    a_step = (time.perf_counter() - start) / SCHEDULE.steps

    rng = random.Random(0)
    found: list[dict[str, object]] = []
    while len(found) < kills:
        child = _started(folder / "killed", seed=len(found) + 1)
        _wait_for(child, rng.randrange(12), folder / "killed" / "log")
        time.sleep(rng.uniform(0, a_step))
        os.kill(child, signal.SIGKILL)
        if _ended(child) == -signal.SIGKILL:
            found.append(_left(folder / "killed"))
        else:  # it was done before: begin anew
            (folder / "killed" / "state.safetensors").unlink()
    _ended(_started(folder / "killed", seed=99))
    json.dump(found, sys.stdout)


def _started(folder: Path, seed: int) -> int:
    """Fork a training in ``folder`` that goes on from what is there, and return its process id."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        folder.mkdir(exist_ok=True)
        state = folder / "state.safetensors"
        model = Tiny(seed if state.exists() else 0)  # what a state does not bring back is to show
        model.register_buffer("ballast", torch.ones(SIZE))
        log = os.open(folder / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for step in train(model, batch, SCHEDULE, state, resume=True):
            os.write(log, f"{json.dumps([step.step, step.losses])}\n".encode())
        code = 0
    finally:
        os._exit(code)


def _wait_for(child: int, steps: int, log: Path) -> None:
    """Wait until the process ``child`` has added ``steps`` steps to ``log``, however slow it is, or has ended."""
    before = _lines(log)
    while _lines(log) < before + steps and not os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        time.sleep(1e-4)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _ended(child: int) -> int:
    """Wait for the process ``child``; 0 when it was done, -9 when it was killed before."""
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), "the training went wrong"
    return code


def _left(folder: Path) -> dict[str, object]:
    """Say what a kill left in ``folder``; a checkpoint that cannot be read whole is an error."""
    state = folder / "state.safetensors"
    tensors = load_file(state) if state.exists() else {}
    return {
        "step": int(tensors.get("step", 0)),
        "losses": {name.removeprefix("loss."): float(value) for name, value in tensors.items() if "loss." in name},
        "files": sorted(path.name for path in folder.iterdir()),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
