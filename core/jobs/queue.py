"""The queue: who does what when, and what happens to those that do too much or are lost."""

import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any
from uuid import uuid4

from core.i18n import _, speaking, spoken
from core.jobs.job import Event, Job, Progressed, Request, State, Verdict, Work
from core.jobs.messages import Ended, Message, Worker, Yielded
from core.jobs.order import Turns, seconds_until
from core.jobs.slot import Slot

MOST_WAITING = 3  # jobs of one owner
NEWEST_WEIGHT = 0.3  # of a job's seconds in what jobs of its kind are expected to take
LONGEST = {False: 300.0, True: 4 * 3600.0}  # seconds that a quick and a long job may take
PATIENCE = {False: 5.0, True: 30.0}  # seconds that one may take to stop: a training writes its state
MOST_MEMORY = 2 * 2**30  # bytes of a worker


class Queue:
    """Jobs in line for ``quick`` workers and for ``long`` ones, each from ``start``, which is told which it is."""

    def __init__(self, start: Callable[[bool], Worker], quick: int = 1, long: int = 1):
        self._lock = threading.RLock()
        self._numbers = count(1)
        self._waiting: list[Job[Any]] = []
        self._turns = {False: Turns(), True: Turns()}  # of quick jobs and of long ones
        self._expected: dict[str, float] = {}  # seconds, for each kind
        kinds = [False] * quick + [True] * long
        self._slots = [Slot(partial(start, is_long), is_long, self) for is_long in kinds]

    def submit(
        self,
        work: Work[Event],
        urgent: bool = False,
        *,
        owner: str = "",
        long: bool = False,
        newest: bool = False,
        kind: str = "",
    ) -> Job[Event]:
        """Line up ``work`` and return its job at once.

        ``urgent`` work, which is to be quick, goes before other, also into the midst of a running job. ``owner`` names
        who asked for it: the turns go round among the owners, and one who has ``MOST_WAITING`` in line already gets a
        job that has failed. ``long`` work, such as a training, gets a worker of its own and what processor time is
        left. Of a job that keeps its ``newest`` event only, the others are forgotten. How long jobs of a ``kind``, by
        default those of one function, take tells the others how long they will wait.
        """
        request = Request(work, owner or uuid4().hex, kind or _name_of(work), spoken(), urgent, long, newest)
        with self._lock:
            job = Job(next(self._numbers), request, self)
            if sum(other.owner == job.owner for other in self._waiting) < MOST_WAITING:
                self._turns[long].enter(job)
                self._waiting.append(job)
                self._dispatch()
            else:
                words = _("{count} of your jobs are in line already: cancel one, or wait for it.")
                self._end(job, "failed", words.format(count=MOST_WAITING))
        return job

    # ---- for the jobs ----

    def look(self, job: Job[Event]) -> Progressed[Event]:
        """Return how far ``job`` is."""
        with self._lock:
            state, error = (job.verdict.state, job.verdict.error) if job.verdict else (job.state, job.error)
            place, wait = self._place(job) if state == "queued" else (0, None)
            return Progressed(state, tuple(job.events), place, wait, error)

    def cancel(self, job: Job[Any]) -> None:
        """End ``job``, whether it waits or runs."""
        with self._lock:
            if job in self._waiting:
                self._waiting.remove(job)
                self._end(job, "cancelled")
            for slot in self._slots:
                if job in slot.jobs:
                    self._condemn(slot, job, "cancelled")

    # ---- for the slots, in their threads ----

    def take(self, slot: Slot, message: Message) -> None:
        """Note what the worker of ``slot`` says."""
        with self._lock:
            slot.heard = time.monotonic()
            job = next((job for job in slot.jobs if job.number == message.number), None)
            if job is None:
                return
            if isinstance(message, Yielded) and not job.verdict:
                job.note(message.event)
            elif isinstance(message, Ended):
                slot.jobs.remove(job)
                self._end(job, message.state, message.error)
                self._dispatch()

    def check(self, slot: Slot, memory: int) -> bool:
        """Stop what nobody wants or what takes too much; return whether the worker of ``slot`` may live on."""
        now = time.monotonic()
        with self._lock:
            for job in [job for job in self._waiting if job.left_alone()]:
                self.cancel(job)
            for job in slot.jobs:
                if job.left_alone():
                    self._condemn(slot, job, "cancelled")
                elif now - job.started > LONGEST[slot.long]:
                    with speaking(job.language):
                        words = _("This took longer than the {minutes} minutes that a job may take, and was stopped.")
                    self._condemn(slot, job, "failed", words.format(minutes=round(LONGEST[slot.long] / 60)))
            return self._is_within_memory(slot, memory) and self._is_obedient(slot, now)

    def lost(self, slot: Slot) -> None:
        """Let those jobs of a lost worker that had shown nothing yet try once more, and end the others."""
        with self._lock:
            for job in slot.clear():
                if job.verdict or job.events or job.retried:
                    with speaking(job.language):
                        words = _("The computation was lost: its process ended. Try it again.")
                    self._end(job, "failed", words)
                else:
                    job.retried, job.state = True, "queued"
                    self._waiting.append(job)
            self._dispatch()

    # ---- with the lock held ----

    def _is_within_memory(self, slot: Slot, memory: int) -> bool:
        if memory <= MOST_MEMORY:
            return True
        for job in slot.jobs[-1:]:
            with speaking(job.language):
                words = _("This needed more than the {gigabytes} GB of memory that a job may take, and was stopped.")
            self._condemn(slot, job, "failed", words.format(gigabytes=round(MOST_MEMORY / 2**30, 1)))
        return False

    def _is_obedient(self, slot: Slot, now: float) -> bool:
        """Whether the job at work is not one that was told to stop and has said nothing for too long."""
        verdict = slot.jobs[-1].verdict if slot.jobs else None
        return verdict is None or now - max(verdict.at, slot.heard) <= PATIENCE[slot.long]

    def _condemn(self, slot: Slot, job: Job[Any], state: State, error: str = "") -> None:
        if job.verdict is None:
            job.verdict = Verdict(state, error, time.monotonic())
            slot.stop(job)

    def _end(self, job: Job[Any], state: State, error: str = "") -> None:
        if job.verdict:
            state, error = job.verdict.state, job.verdict.error
        elif state == "done":
            seconds = time.monotonic() - job.started
            before = self._expected.get(job.kind, seconds)
            self._expected[job.kind] = before + NEWEST_WEIGHT * (seconds - before)
        job.state, job.error, job.verdict, job.request = state, error, None, None

    def _dispatch(self) -> None:
        for slot in self._slots:
            while (job := self._next_for(slot)) is not None:
                self._turns[slot.long].leave(job, self._of_kind(slot.long))
                self._waiting.remove(job)
                job.state, job.started = "running", time.monotonic()
                slot.begin(job)

    def _next_for(self, slot: Slot) -> Job[Any] | None:
        """Return the job that ``slot`` can begin now: any while it has none, an urgent one in the midst of another."""
        first = next(iter(self._line(slot.long)), None)
        if first is None or not slot.jobs:
            return first
        at_work = slot.jobs[-1]
        return first if first.urgent and not at_work.urgent and not at_work.verdict else None

    def _line(self, long: bool) -> list[Job[Any]]:
        return self._turns[long].line_up(self._of_kind(long))

    def _of_kind(self, long: bool) -> list[Job[Any]]:
        return [job for job in self._waiting if job.long == long]

    def _place(self, job: Job[Any]) -> tuple[int, float | None]:
        line, slots = self._line(job.long), [slot for slot in self._slots if slot.long == job.long]
        place = line.index(job)
        running = [other for slot in slots for other in slot.jobs]
        return place + 1, seconds_until(line[:place], running, len(slots), self._expected, time.monotonic())


def _name_of(work: Work[Any]) -> str:
    function = work.func if isinstance(work, partial) else work
    return f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
