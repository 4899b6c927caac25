"""Jobs: their order, progress, cancel, failures and limits, and their end when nobody asks for them any more."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from core import jobs
from core.faults import UserError, sentence_of
from core.i18n import language, speaking
from core.jobs import Queue, threads
from core.jobs import job as one_job
from core.jobs import queue as rules
from tests.jobs import works
from tests.jobs.conftest import wait_for, wait_until
from tests.jobs.works import letters, noted_in


def test_events_arrive_in_order(queue: Queue) -> None:
    assert wait_for(queue.submit(partial(letters, "abc")), "done").events == ("a", "b", "c")


def test_events_are_seen_while_the_job_runs(queue: Queue, gate: Path) -> None:
    job = queue.submit(partial(works.held, gate))
    assert wait_until(lambda: job.poll().events, bool) == (0,)
    gate.touch()
    assert wait_for(job, "done").events == (0, 1, 2)


def test_events_go_through_another_step_as_they_come(queue: Queue, gate: Path) -> None:
    job = queue.submit(partial(jobs.piped, partial(works.held, gate), works.doubled))
    assert wait_until(lambda: job.poll().events, bool) == (0,)
    gate.touch()
    assert wait_for(job, "done").events == (0, 2, 4)


def test_only_the_newest_event_is_kept_where_that_is_asked_for(queue: Queue) -> None:
    assert wait_for(queue.submit(partial(letters, "abc"), newest=True), "done").events == ("c",)


def test_place_in_line_moves_up(queue: Queue, gate: Path) -> None:
    first = queue.submit(partial(works.held, gate))
    second, third = queue.submit(partial(letters, "b")), queue.submit(partial(letters, "c"))
    assert (first.poll().place, second.poll().place, third.poll().place) == (0, 1, 2)
    second.cancel()
    assert second.poll().state == "cancelled"
    assert third.poll().place == 1
    gate.touch()
    assert wait_for(third, "done").events == ("c",)
    assert second.poll().events == ()


def test_turns_go_round_among_the_owners(queue: Queue, gate: Path, notes: Path) -> None:
    first = queue.submit(partial(works.held, gate), owner="Ada")
    jobs = [
        queue.submit(partial(works.noted, notes, name), owner=owner)
        for owner, name in [("Ada", "A2"), ("Ada", "A3"), ("Bob", "B1"), ("Bob", "B2"), ("Cy", "C1")]
    ]
    assert [job.poll().place for job in jobs] == [3, 5, 1, 4, 2]
    gate.touch()
    for job in [first, *jobs]:
        wait_for(job, "done")
    assert noted_in(notes) == ["B1", "C1", "A2", "B2", "A3"]


def test_one_owner_cannot_fill_the_line(queue: Queue, gate: Path) -> None:
    queue.submit(partial(works.held, gate), owner="Ada")
    for _job in range(rules.MOST_WAITING):
        assert queue.submit(partial(letters, "a"), owner="Ada").poll().state == "queued"
    refused = queue.submit(partial(letters, "a"), owner="Ada").poll()
    assert refused.state == "failed" and "in line already" in refused.error
    bob = queue.submit(partial(letters, "b"), owner="Bob")
    assert bob.poll().place == 1
    gate.touch()
    wait_for(bob, "done")


def test_the_wait_is_told_from_what_jobs_of_that_kind_took(queue: Queue, gate: Path) -> None:
    quick, slow = partial(letters, "a"), partial(works.held, gate)
    queue.submit(slow, kind="slow")
    waiting = queue.submit(quick, kind="quick")
    assert waiting.poll().place == 1 and waiting.poll().wait is None, "nobody knows yet how long the slow ones take"
    gate.touch()
    wait_for(waiting, "done")
    queue._expected |= {"slow": 20.0, "quick": 4.0}
    gate.unlink()
    queue.submit(slow, kind="slow")
    first, second = queue.submit(quick, kind="quick"), queue.submit(quick, kind="quick")
    assert first.poll().wait == pytest.approx(20, abs=2)
    assert second.poll().wait == pytest.approx(24, abs=2)
    gate.touch()
    wait_for(second, "done")


def test_a_long_job_does_not_block_quick_ones(queue: Queue, gate: Path) -> None:
    training = queue.submit(partial(works.held, gate), long=True)
    wait_until(lambda: training.poll().events, bool)
    other = queue.submit(partial(works.held, gate), long=True)
    assert wait_for(queue.submit(partial(letters, "q")), "done").events == ("q",)
    assert other.poll().place == 1
    gate.touch()
    wait_for(other, "done")


def test_cancelled_job_stops_and_lets_the_next_one_in(queue: Queue, notes: Path) -> None:
    job = queue.submit(partial(works.closing_late, notes))
    wait_until(lambda: job.poll().events, bool)
    job.cancel()
    assert job.poll().state == "cancelled"
    seen = len(job.poll().events)
    assert wait_for(queue.submit(partial(letters, "n")), "done").events == ("n",)
    assert noted_in(notes) == ["closed"], "its iterator was not closed"
    assert job.poll().state == "cancelled" and len(job.poll().events) == seen


def test_urgent_jobs_go_before_others_and_between_two_events_of_a_running_one(
    queue: Queue, gate: Path, notes: Path
) -> None:
    running = queue.submit(partial(works.closing_late, notes))
    wait_until(lambda: running.poll().events, bool)
    waiting = queue.submit(partial(works.noted, notes, "waiting"))
    urgent = queue.submit(partial(works.noted, notes, "urgent", gate), urgent=True)
    second = queue.submit(partial(works.noted, notes, "second"), urgent=True)
    dropped = queue.submit(partial(works.noted, notes, "dropped"), urgent=True)
    assert [job.poll().place for job in (urgent, second, dropped, waiting)] == [0, 1, 2, 3]
    dropped.cancel()
    assert [job.poll().place for job in (second, waiting)] == [1, 2]
    gate.touch()
    wait_for(second, "done")
    assert noted_in(notes) == ["urgent", "urgent", "urgent", "second"]
    assert running.poll().state == "running" and waiting.poll().place == 1
    running.cancel()
    wait_for(waiting, "done")
    assert noted_in(notes)[4:] == ["closed", "waiting"]


def test_an_idle_worker_takes_an_urgent_job(queue: Queue) -> None:
    assert wait_for(queue.submit(partial(letters, "u"), urgent=True), "done").events == ("u",)


def test_job_nobody_polls_is_abandoned(queue: Queue, monkeypatch: pytest.MonkeyPatch, gate: Path, notes: Path) -> None:
    blocker = queue.submit(partial(works.closing_late, notes))
    wait_until(lambda: blocker.poll().events, bool)
    forgotten = queue.submit(partial(works.noted, notes, "started"))
    monkeypatch.setattr(one_job, "ABANDONED_AFTER", 0.05)
    wait_until(lambda: noted_in(notes), lambda lines: "closed" in lines)
    monkeypatch.setattr(one_job, "ABANDONED_AFTER", 20.0)
    assert wait_for(queue.submit(partial(letters, "n")), "done").events == ("n",)
    assert noted_in(notes) == ["closed"], "an abandoned job was started"
    assert forgotten.poll().state == blocker.poll().state == "cancelled"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("Do this."), "Do this."),
        (ValueError("zip() argument 2 is longer than argument 1, says /secret"), "Try it again"),
        (KeyError("/secret"), "Try it again"),
        (OSError(28, "No space left on device", "/secret"), "disk is full"),
    ],
)
def test_failure_is_a_sentence_and_the_worker_lives_on(queue: Queue, error: Exception, said: str) -> None:
    failed = wait_for(queue.submit(partial(works.failing, error)), "failed")
    assert said in failed.error
    assert "secret" not in failed.error
    assert failed.events == (1,)
    assert wait_for(queue.submit(partial(letters, "n")), "done").events == ("n",)


def test_a_bug_is_logged_with_its_traceback_and_told_in_the_language_of_who_asked(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bug = ValueError("zip() argument 2 is longer than argument 1")
    with speaking("ko"):
        asked = Queue(threads.start).submit(partial(works.failing, bug))
        expected = sentence_of(bug)
    assert wait_for(asked, "failed").error == expected != sentence_of(bug)
    assert "zip() argument 2" in caplog.text and "works.py" in caplog.text


def test_sentences_are_in_the_language_of_who_asked(queue: Queue) -> None:
    token = language.set("ko")
    try:
        asked = queue.submit(partial(works.language_of_sentences))
    finally:
        language.reset(token)
    assert wait_for(asked, "done").events == ("ko",)
    assert wait_for(queue.submit(partial(works.language_of_sentences)), "done").events == ("en",)


def test_a_job_that_is_over_holds_its_work_no_longer(queue: Queue) -> None:
    job = queue.submit(partial(works.whole, torch.zeros(3, 8, 8)))
    wait_for(job, "done")
    assert job.request is None


def test_too_long_a_job_is_stopped_with_a_sentence(queue: Queue, monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.setitem(rules.LONGEST, False, 0.1)
    failed = wait_for(queue.submit(partial(works.closing_late, notes)), "failed")
    assert "took longer than" in failed.error
    wait_until(lambda: noted_in(notes), lambda lines: lines == ["closed"])


def test_a_worker_that_cannot_start_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[Exception] = [OSError("no more processes")] * 5

    def broken(_long: bool) -> Any:
        raise failures.pop() if failures else SystemExit  # which ends the slot's thread

    monkeypatch.setattr("core.jobs.slot.SHORT_LIFE", 0.05)
    assert "was lost" in wait_for(Queue(broken).submit(partial(letters, "n")), "failed").error
