"""What the app and a worker say to each other, whatever lies between them: a pipe, a cluster, or nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

End = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True)
class Begin:
    """Do the ``work`` of job ``number``, with sentences in ``language``; of a job that keeps its ``newest`` event only
    no two events share anything. ``urgent`` work is quick, and somebody waits for it."""

    number: int
    work: Callable[[], Iterator[Any]]
    language: str
    newest: bool = False
    urgent: bool = False


@dataclass(frozen=True)
class Stop:
    """Close the iterator of job ``number``."""

    number: int


@dataclass(frozen=True)
class Yielded:
    """Job ``number`` gave an ``event``; ``kept`` says whether it shares tensors with its events to come."""

    number: int
    event: Any
    kept: bool = True


@dataclass(frozen=True)
class Ended:
    """Job ``number`` is over, how, and the sentence ``error`` where it failed."""

    number: int
    state: End
    error: str = ""


Message = Begin | Stop | Yielded | Ended


class Gone(Exception):  # noqa: N818 - nothing failed: the other side has ended
    """The other side is no longer there."""


class Line(Protocol):
    """One end of the line between the app and a worker; each call raises ``Gone`` when the other has gone."""

    def send(self, message: Message) -> None:
        """Hand ``message`` over; it may stand still until the other side listens."""

    def recv(self) -> Message:
        """Wait for the next message."""

    def poll(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for a message; return whether there is one."""


class Worker(Line, Protocol):
    """The app's end of the line, and what else it can do with a worker."""

    def kill(self) -> None:
        """End it at once, whatever it is doing."""

    def memory(self) -> int:
        """Return the bytes that it holds, 0 where that is not known."""
