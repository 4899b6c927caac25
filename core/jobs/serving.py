"""The worker's side: it does one job after the other, and urgent ones between two events of another."""

import errno
import logging
from collections.abc import Iterator
from contextlib import suppress
from contextvars import copy_context
from typing import Any

from core.i18n import _, language
from core.jobs.messages import Begin, Ended, Gone, Line, Stop, Yielded

NEXT_URGENT = 0.05  # seconds that a job waits for another urgent one after it let one pass

logger = logging.getLogger(__name__)


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
        except ValueError as error:  # by the project's convention its message is a sentence for the user
            return Ended(begin.number, "failed", str(error))
        except Exception as error:
            logger.exception("A job failed")
            return Ended(begin.number, "failed", failure(error))
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


def failure(error: Exception | None = None) -> str:
    """Return the sentence for an ``error`` that has none of its own."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _("The server's disk is full. Its owner has to make room; try it again then.")
    return _("The computation failed; the server's log says why. Try it again.")
