"""Queues with workers in processes of their own, or in threads."""

import time
from pathlib import Path
from typing import Any

import pytest

from core.jobs import Job, Progressed, Queue, processes, threads

PATIENCE = 120.0  # seconds: a busy machine takes long to import torch


def wait_for(job: Job[Any], state: str) -> Progressed[Any]:
    """Poll ``job`` until it is in ``state``."""
    return wait_until(lambda: job.poll(), lambda now: now.state == state)


def wait_until(look: Any, good: Any) -> Any:
    """Look again and again until what is seen is ``good``, and return it."""
    end = time.monotonic() + PATIENCE
    while not good(seen := look()):
        assert time.monotonic() < end, f"still {seen} after {PATIENCE:.0f} s"
        time.sleep(0.005)
    return seen


@pytest.fixture(params=[pytest.param("process", marks=pytest.mark.linux), "thread"])
def queue(request: pytest.FixtureRequest) -> Queue:
    """One worker for quick jobs and one for long ones, of either kind."""
    return Queue(processes.start if request.param == "process" else threads.start)


@pytest.fixture
def process_queue() -> Queue:
    return Queue(processes.start)


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return tmp_path / "gate"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return tmp_path / "notes"
