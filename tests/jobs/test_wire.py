"""The pipe to a worker: tensors arrive as they were, and those that events share arrive once."""

import multiprocessing
import weakref
from functools import partial
from typing import Any

import pytest
import torch

from core.jobs.messages import Begin, Ended, Gone, Yielded
from core.jobs.wire import Wire, dumps, loads
from core.values import Detections
from tests.jobs import works

TENSORS = {
    "numbers": torch.arange(6.0).reshape(2, 3),
    "a view": torch.arange(1000.0)[2:4],
    "not contiguous": torch.arange(6).reshape(2, 3).T,
    "nothing": torch.zeros(0, 4),
    "a single number": torch.tensor(3),
    "booleans": torch.tensor([True, False]),
    "bfloat16": torch.tensor([1.5, -2], dtype=torch.bfloat16),
    "with a gradient": torch.ones(2, requires_grad=True),
}


@pytest.fixture
def wires() -> tuple[Wire, Wire]:
    ours, theirs = multiprocessing.Pipe()
    return Wire(ours), Wire(theirs)


def received(side: Wire) -> Any:
    """Return the next event that arrives."""
    message = side.recv()
    assert isinstance(message, Yielded)
    return message.event


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_arrives_as_it_was(name: str) -> None:
    tensor = TENSORS[name]
    again = loads(dumps(tensor))
    assert torch.equal(again, tensor) and again.dtype == tensor.dtype and again.shape == tensor.shape
    assert again.requires_grad == tensor.requires_grad


def test_only_what_is_seen_of_a_tensor_is_sent() -> None:
    assert len(dumps(torch.zeros(1_000_000)[:10])) < 1000


def test_a_tensor_that_arrived_can_be_written_to() -> None:
    again = loads(dumps(torch.zeros(3)))
    again += 1
    assert again.tolist() == [1, 1, 1]


def test_values_with_tensors_arrive(wires: tuple[Wire, Wire]) -> None:
    app, worker = wires
    found = Detections(torch.rand(5, 4), torch.rand(5), torch.arange(5))
    worker.send(Yielded(1, found))
    message = app.recv()
    assert isinstance(message, Yielded) and torch.equal(message.event.boxes, found.boxes)


def test_what_two_events_share_is_sent_once(wires: tuple[Wire, Wire]) -> None:
    app, worker = wires
    large = torch.rand(10_000)
    worker.send(Yielded(1, large))
    worker.send(Yielded(1, [large, 2]))
    worker.send(Yielded(2, large))
    first, second, other = app.recv(), app.recv(), app.recv()
    assert isinstance(first, Yielded) and isinstance(second, Yielded) and isinstance(other, Yielded)
    assert second.event[0] is first.event
    assert other.event is not first.event and torch.equal(other.event, large), "jobs share nothing"


def test_neither_side_holds_a_finished_job_s_tensors(wires: tuple[Wire, Wire]) -> None:
    app, worker = wires
    shared, passing = torch.rand(10), torch.rand(10)
    for event in (Yielded(1, shared), Yielded(2, passing, kept=False)):
        worker.send(event)
    held = [weakref.ref(one) for one in (shared, received(app))]
    dropped = [weakref.ref(one) for one in (passing, received(app))]
    del event, shared, passing
    assert all(one() is not None for one in held), "another event of the job may share it"
    assert all(one() is None for one in dropped)
    worker.send(Ended(1, "done"))
    app.recv()
    assert all(one() is None for one in held)


def test_work_is_opened_where_it_begins(wires: tuple[Wire, Wire]) -> None:
    app, worker = wires
    app.send(Begin(1, partial(works.letters, "abc"), "en"))
    message = worker.recv()
    assert isinstance(message, Begin) and list(message.work()) == ["a", "b", "c"]


def test_the_end_of_the_other_side_is_noticed() -> None:
    ours, theirs = multiprocessing.Pipe()
    app = Wire(ours)
    theirs.close()
    for use in (app.recv, partial(app.send, Ended(1, "done"))):
        with pytest.raises(Gone):
            use()
