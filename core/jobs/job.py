"""A job, and how far it is."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

Event = TypeVar("Event")
Source = TypeVar("Source")
State = Literal["queued", "running", "done", "failed", "cancelled"]
Work = Callable[[], Iterator[Event]]

ABANDONED_AFTER = 20.0  # seconds; a page polls several times a second, a tab in the background once


def piped(work: Work[Source], through: Callable[[Iterator[Source]], Iterator[Event]]) -> Iterator[Event]:
    """Do ``work`` and let its events go ``through`` another step as they come, so that both are one piece of work."""
    return through(work())


@dataclass(frozen=True)
class Progressed(Generic[Event]):
    """How far a job is: its ``state``, its ``events`` so far, its ``place`` in the queue counted from 1 (0 when it is
    not waiting) with the seconds that the ``wait`` will take (None where nobody can tell), and the sentence ``error``
    when it failed."""

    state: State
    events: tuple[Event, ...]
    place: int = 0
    wait: float | None = None
    error: str = ""

    @property
    def active(self) -> bool:
        """Whether more is to come."""
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Request(Generic[Event]):
    """What is to be done, for whom and how; see ``Queue.submit``. Sentences are made in ``language``."""

    work: Work[Event]
    owner: str
    kind: str
    language: str
    urgent: bool = False
    long: bool = False
    newest: bool = False


@dataclass(frozen=True)
class Verdict:
    """How a job ends that was told to stop: since ``at`` a second of the clock."""

    state: State
    error: str
    at: float


class Keeper(Protocol):
    """Who looks after jobs: their queue."""

    def look(self, job: "Job[Any]") -> Progressed[Any]: ...

    def cancel(self, job: "Job[Any]") -> None: ...


class Job(Generic[Event]):
    """One piece of work in a queue; ``poll`` it to see its events and to keep it alive.

    Everything else about it belongs to its queue.
    """

    def __init__(self, number: int, request: Request[Event], keeper: Keeper):
        self.number = number
        self.request: Request[Event] | None = request
        self.owner, self.kind, self.language = request.owner, request.kind, request.language
        self.urgent, self.long = request.urgent, request.long
        self.events: list[Event] = []
        self.state: State = "queued"
        self.error = ""
        self.verdict: Verdict | None = None
        self.earliest = 0  # of the rounds that it takes part in
        self.started = 0.0
        self.retried = False
        self._newest = request.newest
        self._keeper = keeper
        self._polled = time.monotonic()

    def poll(self) -> Progressed[Event]:
        """Return how far the job is, and tell it that somebody is still waiting."""
        self._polled = time.monotonic()
        return self._keeper.look(self)

    def cancel(self) -> None:
        """Ask for no further event; one that is being computed is finished first, and dropped."""
        self._keeper.cancel(self)

    def note(self, event: Event) -> None:
        """Add an ``event``, or put it in the place of the last."""
        if self._newest:
            self.events.clear()
        self.events.append(event)

    def left_alone(self) -> bool:
        """Whether nobody has polled it for ``ABANDONED_AFTER`` seconds."""
        return time.monotonic() - self._polled > ABANDONED_AFTER
