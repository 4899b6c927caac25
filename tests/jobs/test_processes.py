"""Jobs in processes: workers that are killed, deaf or greedy are replaced, and only what was theirs is lost."""

import os
import threading
from functools import partial
from pathlib import Path

import pytest
import torch

from core import jobs
from core.jobs import Queue
from core.jobs import queue as rules
from tests.jobs import works
from tests.jobs.conftest import wait_for, wait_until
from tests.jobs.works import letters, noted_in

pytestmark = pytest.mark.linux  # elsewhere jobs run in threads alone


def test_a_deaf_job_is_killed_and_the_next_one_gets_a_new_worker(
    process_queue: Queue, monkeypatch: pytest.MonkeyPatch, gate: Path
) -> None:
    monkeypatch.setitem(rules.PATIENCE, False, 0.2)
    deaf = process_queue.submit(partial(works.deaf, gate))
    wait_until(gate.exists, bool)
    deaf.cancel()
    assert wait_for(process_queue.submit(partial(letters, "n")), "done").events == ("n",)
    assert deaf.poll().state == "cancelled" and deaf.poll().events == (0,)


def test_a_job_that_takes_too_much_memory_is_stopped_and_others_go_on(
    process_queue: Queue, monkeypatch: pytest.MonkeyPatch, gate: Path
) -> None:
    small = process_queue.submit(partial(works.eat, 1, gate), long=True)
    wait_until(lambda: small.poll().events, bool)
    held = max(slot_memory(process_queue))
    monkeypatch.setattr(rules, "MOST_MEMORY", held + 200 * 2**20)
    greedy = process_queue.submit(partial(works.eat, 500, gate))
    assert "GB of memory" in wait_for(greedy, "failed").error
    assert wait_for(process_queue.submit(partial(letters, "n")), "done").events == ("n",)
    gate.touch()
    assert wait_for(small, "done").events == (0, 1)


def slot_memory(queue: Queue) -> list[int]:
    """Return the memory of all workers of ``queue``, seen from within."""
    jobs = [queue.submit(partial(works.memory_here), long=long) for long in (False,)]
    return [wait_for(job, "done").events[0] for job in jobs]


def test_a_worker_killed_from_outside_is_replaced_and_its_job_says_so(process_queue: Queue, notes: Path) -> None:
    other = process_queue.submit(partial(works.closing_late, notes.with_name("other")), long=True)
    lost = process_queue.submit(partial(works.killed_once, notes, 1, events=2), owner="Ada")
    next_one = process_queue.submit(partial(letters, "n"), owner="Bob")
    failed = wait_for(lost, "failed")
    assert "was lost" in failed.error and failed.events == ("before", "before")
    assert wait_for(next_one, "done").events == ("n",)
    assert other.poll().state == "running", "another worker's job was touched"
    assert noted_in(notes) == ["tried"], "it was tried again although its first events were on the page"
    other.cancel()


def test_a_lost_job_that_had_shown_nothing_is_tried_once_more(process_queue: Queue, notes: Path) -> None:
    assert wait_for(process_queue.submit(partial(works.killed_once, notes, 1)), "done").events == ("after",)
    assert noted_in(notes) == ["tried", "tried"]


def test_a_job_that_kills_its_worker_each_time_is_given_up(process_queue: Queue, notes: Path) -> None:
    assert "was lost" in wait_for(process_queue.submit(partial(works.killed_once, notes, 9)), "failed").error
    assert noted_in(notes) == ["tried", "tried"]


def test_workers_know_nothing_of_the_app_around_them(process_queue: Queue) -> None:
    quick, long = (
        wait_for(process_queue.submit(works.state_of_the_worker, long=long), "done").events[0] for long in (False, True)
    )
    assert quick["pid"] != long["pid"]
    assert not quick["streamlit"] and not long["streamlit"]
    assert quick["main"].endswith("nursery.py")
    assert long["nice"] == 19 > quick["nice"], "a training takes a race's time"


def test_the_first_urgent_job_of_a_server_is_done_in_the_app_and_the_next_by_a_process() -> None:
    fresh = jobs._queue.__wrapped__()
    first, second = (fresh.submit(works.state_of_the_worker, urgent=urgent) for urgent in (True, False))
    assert wait_for(first, "done").events[0]["pid"] == os.getpid()
    assert wait_for(second, "done").events[0]["pid"] != os.getpid()


def test_a_first_job_that_is_not_urgent_is_left_to_a_process() -> None:
    first = jobs._queue.__wrapped__().submit(works.state_of_the_worker)
    assert wait_for(first, "done").events[0]["pid"] != os.getpid()


def test_work_that_cannot_be_pickled_fails_alone(process_queue: Queue) -> None:
    lock = threading.Lock()
    assert wait_for(process_queue.submit(partial(works.failing, lock)), "failed").error  # type: ignore[arg-type]
    assert wait_for(process_queue.submit(partial(letters, "n")), "done").events == ("n",)


def test_an_event_that_cannot_be_pickled_fails_alone(process_queue: Queue) -> None:
    assert "log says why" in wait_for(process_queue.submit(works.unpicklable), "failed").error
    assert wait_for(process_queue.submit(partial(letters, "n")), "done").events == ("n",)


def test_many_owners_get_their_own_results(process_queue: Queue) -> None:
    images = [torch.full((3, 32, 32), number, dtype=torch.uint8) for number in range(40)]
    jobs = [process_queue.submit(partial(works.whole, image), owner=str(at)) for at, image in enumerate(images)]
    for image, asked in zip(images, jobs, strict=True):
        (got,) = wait_for(asked, "done").events
        assert torch.equal(got, image)


def test_events_of_a_job_share_their_tensors_as_in_one_process(process_queue: Queue) -> None:
    alone, company = wait_for(process_queue.submit(works.thinking_alike), "done").events
    assert company["same"] is alone
    assert torch.equal(company["half"], alone[:, :1])
