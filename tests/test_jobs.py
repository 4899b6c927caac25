"""Jobs: their order, progress, cancel, failures, and their end when nobody asks for them any more."""

import threading
import time
from collections.abc import Iterator

import pytest

from core import jobs


def wait_for(job, state, seconds=5.0):
    end = time.monotonic() + seconds
    while (now := job.poll()).state != state:
        assert time.monotonic() < end, f"job is {now.state}, not {state}, after {seconds} s"
        time.sleep(0.005)
    return now


@pytest.fixture
def queue():
    return jobs.Queue(workers=1)


def held(gate):
    """Work that gives one event, then waits for ``gate`` before each of two more."""
    yield 0
    for number in (1, 2):
        assert gate.wait(5)
        yield number


def test_events_arrive_in_order(queue):
    assert wait_for(queue.submit(lambda: iter("abc")), "done").events == ("a", "b", "c")


def test_events_are_seen_while_the_job_runs(queue):
    gate = threading.Event()
    job = queue.submit(lambda: held(gate))
    wait_for(job, "running")
    while not job.poll().events:
        time.sleep(0.005)
    assert job.poll().events == (0,)
    gate.set()
    assert wait_for(job, "done").events == (0, 1, 2)


def test_place_in_line_moves_up(queue):
    gate = threading.Event()
    first = queue.submit(lambda: held(gate))
    wait_for(first, "running")
    second, third = queue.submit(lambda: iter("b")), queue.submit(lambda: iter("c"))
    assert (first.poll().place, second.poll().place, third.poll().place) == (0, 1, 2)
    second.cancel()
    assert second.poll().state == "cancelled"
    assert third.poll().place == 1
    gate.set()
    assert wait_for(third, "done").events == ("c",)
    assert second.poll().events == ()


def test_cancelled_job_stops_and_lets_the_next_one_in(queue):
    gate = threading.Event()
    job, closed = None, threading.Event()

    def work():
        try:
            yield from held(gate)
        finally:
            closed.set()

    job = queue.submit(work)
    wait_for(job, "running")
    job.cancel()
    assert job.poll().state == "cancelled"
    gate.set()
    assert wait_for(queue.submit(lambda: iter("n")), "done").events == ("n",)
    assert closed.wait(5)
    assert 2 not in job.poll().events


def test_urgent_jobs_go_before_others_and_between_two_events_of_a_running_one(queue):
    gate = threading.Event()
    done: list[str] = []

    def noted(name: str, events: Iterator[int]) -> Iterator[int]:
        for event in events:
            done.append(name)
            yield event

    running = queue.submit(lambda: noted("running", held(gate)))
    wait_for(running, "running")
    waiting = queue.submit(lambda: noted("waiting", iter([0])))
    urgent = queue.submit(lambda: noted("urgent", iter([0])), urgent=True)
    dropped = queue.submit(lambda: noted("dropped", iter([0])), urgent=True)
    assert [job.poll().place for job in (urgent, dropped, waiting)] == [1, 2, 3]
    dropped.cancel()
    assert [job.poll().place for job in (urgent, waiting)] == [1, 2]
    gate.set()
    wait_for(waiting, "done")
    assert done == ["running", "running", "urgent", "running", "waiting"]
    assert wait_for(urgent, "done").events == (0,)


def test_an_idle_worker_takes_an_urgent_job(queue):
    assert wait_for(queue.submit(lambda: iter("u"), urgent=True), "done").events == ("u",)


def test_job_nobody_polls_is_abandoned(queue, monkeypatch):
    monkeypatch.setattr(jobs, "ABANDONED_AFTER", 0.05)
    gate = threading.Event()
    blocker = queue.submit(lambda: held(gate))
    started: list[int] = []

    def start() -> Iterator[int]:
        started.append(1)
        yield 1

    forgotten = queue.submit(start)
    time.sleep(0.1)
    gate.set()
    assert wait_for(queue.submit(lambda: iter("n")), "done").events == ("n",)
    assert not started, "an abandoned job was started"
    assert forgotten.poll().state == "cancelled"
    assert blocker.poll().state == "cancelled"


@pytest.mark.parametrize(
    ("error", "said"), [(ValueError("Do this."), "Do this."), (KeyError("/secret"), "Try it again")]
)
def test_failure_is_a_sentence_and_the_worker_lives_on(queue, error, said):
    def work():
        yield 1
        raise error

    failed = wait_for(queue.submit(work), "failed")
    assert said in failed.error
    assert "secret" not in failed.error
    assert failed.events == (1,)
    assert wait_for(queue.submit(lambda: iter("n")), "done").events == ("n",)
