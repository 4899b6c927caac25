"""Work for workers in processes of their own: functions of a module, and gates and notes that are files."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from core.i18n import spoken

WAITING = 60.0  # seconds


def letters(word: str) -> Iterator[str]:
    yield from word


def held(gate: Path) -> Iterator[int]:
    """Give one event, then wait for ``gate`` before each of two more."""
    yield 0
    for number in (1, 2):
        wait_for_file(gate)
        yield number


def doubled(events: Iterator[int]) -> Iterator[int]:
    for event in events:
        yield 2 * event


def noted(notes: Path, name: str, gate: Path | None = None) -> Iterator[int]:
    """Write ``name`` into ``notes`` with every event."""
    for event in held(gate) if gate else iter([0]):
        note(notes, name)
        yield event


def closing_late(notes: Path) -> Iterator[int]:
    """Give events without end, and note the end."""
    try:
        while True:
            yield 0
            time.sleep(0.005)
    finally:
        note(notes, "closed")


def deaf(gate: Path) -> Iterator[int]:
    """Give one event, and compute for ever."""
    yield 0
    while True:
        time.sleep(0.01)
        gate.touch()


def pid_then(gate: Path) -> Iterator[int]:
    """Give the process id, then wait for ``gate``."""
    yield os.getpid()
    wait_for_file(gate)
    yield 1


def killed_once(notes: Path, times: int, events: int = 0) -> Iterator[str]:
    """Give ``events``, then be killed from outside, so to speak, the first ``times``."""
    for _number in range(events):
        yield "before"
    note(notes, "tried")
    if len(noted_in(notes)) <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    yield "after"


def eat(megabytes: int, gate: Path) -> Iterator[int]:
    """Take so much memory, then wait for ``gate``."""
    yield 0
    eaten = torch.ones(megabytes, 2**18)
    wait_for_file(gate)
    yield int(eaten[0, 0])


def failing(error: Exception) -> Iterator[int]:
    yield 1
    raise error


def thinking_alike() -> Iterator[Any]:
    """Give a tensor twice, in other company."""
    tensor = torch.arange(6.0).reshape(2, 3)
    yield tensor
    yield {"same": tensor, "half": tensor[:, :1]}


def whole(image: Tensor) -> Iterator[Tensor]:
    yield image


def language_of_sentences() -> Iterator[str]:
    yield spoken()


def state_of_the_worker() -> Iterator[dict[str, Any]]:
    import sys

    yield {
        "pid": os.getpid(),
        "streamlit": "streamlit" in sys.modules,
        "main": getattr(sys.modules["__main__"], "__file__", ""),
        "nice": os.nice(0),
    }


def note(notes: Path, line: str) -> None:
    with notes.open("a") as file:
        file.write(line + "\n")


def noted_in(notes: Path) -> list[str]:
    with suppress(FileNotFoundError):
        return notes.read_text().splitlines()
    return []


def wait_for_file(path: Path) -> None:
    end = time.monotonic() + WAITING
    while not path.exists():
        assert time.monotonic() < end, "the gate was not opened"
        time.sleep(0.005)


def memory_here() -> Iterator[int]:
    yield int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def unpicklable() -> Iterator[Any]:
    yield (number for number in range(3))


def node_then(gate: Path) -> Iterator[Any]:
    """Give the id of the node of a Ray cluster that this is on, then wait for ``gate``."""
    import ray

    yield ray.get_runtime_context().get_node_id()
    wait_for_file(gate)
