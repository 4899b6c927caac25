"""Long work off the page's thread: a queue in front of a bounded number of workers, with progress and cancel.

Work is a callable without arguments that returns an iterator of events. A worker asks for one event after the other
and stops asking when the job is cancelled, or when nobody has polled it for a while: then its browser has gone.
Between two events of a long job the urgent ones that wait are done, so that nobody's first screen waits for it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from core.i18n import _

Event = TypeVar("Event")
State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[], Iterator[Event]]

WORKERS = 1  # two at once would disturb each other's timings
ABANDONED_AFTER = 20.0  # seconds; a page polls several times a second, a tab in the background once

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progressed(Generic[Event]):
    """How far a job is: its ``state``, its ``events`` so far, its ``place`` in the queue counted from 1 (0 when it is
    not waiting), and the sentence ``error`` when it failed."""

    state: State
    events: tuple[Event, ...]
    place: int = 0
    error: str = ""

    @property
    def active(self) -> bool:
        """Whether more is to come."""
        return self.state in ("queued", "running")


class Job(Generic[Event]):
    """One piece of work in a ``Queue``; ``poll`` it to see its events and to keep it alive."""

    def __init__(self, work: Work[Event], queue: "Queue", urgent: bool = False):
        self._work = work
        self._queue = queue
        self._urgent = urgent
        self._events: list[Event] = []
        self._state: State = "queued"
        self._error = ""
        self._cancelled = False
        self._polled = time.monotonic()

    def poll(self) -> Progressed[Event]:
        """Return how far the job is, and tell it that somebody is still waiting."""
        self._polled = time.monotonic()
        state, place = self._state, self._queue.place(self)
        if self._cancelled and state in ("queued", "running"):
            state = "cancelled"
        return Progressed(state, tuple(self._events), place, self._error)

    def cancel(self) -> None:
        """Ask for no further event; one that is being computed is finished first, and dropped."""
        self._cancelled = True
        if self._queue.drop(self):
            self._state = "cancelled"

    def unwanted(self) -> bool:
        """Whether it was cancelled, or nobody has polled it for ``ABANDONED_AFTER`` seconds."""
        return self._cancelled or time.monotonic() - self._polled > ABANDONED_AFTER

    def run(self) -> None:
        """Do the work in the caller's thread; what goes wrong ends up in the ``error`` of ``poll``."""
        self._state = "running"
        try:
            self._state = self._collect()
        except ValueError as error:  # by the project's convention its message is a sentence for the user
            self._error, self._state = str(error), "failed"
        except Exception:
            logger.exception("A job failed")
            self._error, self._state = _("The computation failed; the server's log says why. Try it again."), "failed"

    def _collect(self) -> State:
        if self.unwanted():
            return "cancelled"
        for event in self._work():
            if self.unwanted():
                return "cancelled"
            self._events.append(event)
            if not self._urgent:
                self._queue.let_urgent_pass()
        return "done"


class Queue:
    """First come, first served, by ``workers`` threads that start with the first job."""

    def __init__(self, workers: int = WORKERS):
        self._waiting: deque[Job] = deque()  # type: ignore[type-arg]
        self._urgent: deque[Job] = deque()  # type: ignore[type-arg]
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _worker in range(workers)]

    def submit(self, work: Work[Event], urgent: bool = False) -> Job[Event]:
        """Line up ``work`` and return its job at once; ``urgent`` work, which is to be quick, goes before other."""
        job = Job(work, self, urgent)
        with self._changed:
            (self._urgent if urgent else self._waiting).append(job)
            self._changed.notify()
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()
        return job

    def place(self, job: Job[Event]) -> int:
        """Return the place of ``job`` among those that wait, from 1; 0 when it does not wait."""
        with self._changed:
            line = [*self._urgent, *self._waiting]
            return line.index(job) + 1 if job in line else 0

    def drop(self, job: Job[Event]) -> bool:
        """Take ``job`` out of the line; return whether it stood there."""
        with self._changed:
            for line in (self._urgent, self._waiting):
                if job in line:
                    line.remove(job)
                    return True
            return False

    def let_urgent_pass(self) -> None:
        """Do, in the caller's thread, all urgent jobs that wait."""
        while True:
            with self._changed:
                if not self._urgent:
                    return
                job = self._urgent.popleft()
            job.run()

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._urgent or self._waiting)
                job = (self._urgent or self._waiting).popleft()
            job.run()
            del job  # a waiting worker must not hold the last job's tensors


_queue = Queue()
submit = _queue.submit
