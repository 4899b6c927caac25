"""The worker's side: it does one job after the other, and urgent ones between two events of another."""

from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from core.faults import logged
from core.i18n import language
from core.jobs.messages import Begin, Ended, Gone, Line, Stop, Yielded

NEXT_URGENT = 0.05  # seconds that a job waits for another urgent one after it let one pass


def serve(line: Line) -> None:
    """Do what comes down the ``line`` until the app has gone; an iterator that is not through is closed then."""
    server = _Server(line)
    with suppress(Gone):
        while True:
            server.take()


def serve_first_urgent(line: Line) -> None:
    """Do the first job if it is urgent, and go; all else is left to the next worker."""
    message = line.recv()
    if isinstance(message, Begin) and message.urgent:
        _Server(line).do(message)


class _Server:
    def __init__(self, line: Line):
        self._line = line
        self._stopped: set[int] = set()

    def take(self) -> bool:
        """Do what the next message says; return whether that was a job."""
        message = self._line.recv()
        if isinstance(message, Stop):
            self._stopped.add(message.number)
        elif isinstance(message, Begin):
            self.do(message)
            return True
        return False

    def do(self, begin: Begin) -> None:
        """Do a job and say how it ended."""
        self._line.send(copy_context().run(self._run, begin))

    def _run(self, begin: Begin) -> Ended:
        language.set(begin.language)
        try:
            events = iter(begin.work())
            try:
                return self._follow(begin, events)
            finally:
                if close := getattr(events, "close", None):
                    close()
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - of whatever kind: bugs go to the log
            return Ended(begin.number, "failed", logged(error))
        finally:
            self._stopped.discard(begin.number)

    def _follow(self, begin: Begin, events: Iterator[Any]) -> Ended:
        while True:
            self._listen()
            if begin.number in self._stopped:
                return Ended(begin.number, "cancelled")
            try:
                event = next(events)
            except StopIteration:
                return Ended(begin.number, "done")
            self._line.send(Yielded(begin.number, event, not begin.newest))

    def _listen(self) -> None:
        patience = 0.0
        while self._line.poll(patience):
            patience = NEXT_URGENT if self.take() else 0.0
