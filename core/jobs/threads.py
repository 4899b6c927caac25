"""Workers that are threads of the app itself: for systems without a fork, for tests that change what is computed, and
for the first screen of a server whose processes are not there yet."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from core.jobs.messages import Gone, Line, Message
from core.jobs.serving import serve, serve_first_urgent

Box = SimpleQueue[Message | Gone]


class Thread:
    """A ``Worker`` in this process: it shares its memory and cannot be killed."""

    def __init__(self, inbox: Box, outbox: Box):
        self._inbox, self._outbox = inbox, outbox
        self._next: Message | Gone | None = None

    def send(self, message: Message) -> None:
        self._outbox.put(message)

    def recv(self) -> Message:
        message, self._next = self._next or self._inbox.get(), None
        if isinstance(message, Gone):
            raise message
        return message

    def poll(self, seconds: float) -> bool:
        if self._next is None:
            try:
                self._next = self._inbox.get(seconds > 0, seconds)
            except Empty:
                return False
        return True

    def kill(self) -> None:
        """Do nothing: it goes on, and those behind it wait."""

    def memory(self) -> int:
        return 0


def start(long: bool) -> Thread:
    """Return a new worker; ``long`` jobs get no other than quick ones."""
    return _started(serve)


def stand_in(long: bool) -> Thread:
    """Return a worker that does its first job if that is urgent, and then leaves."""
    return _started(serve_first_urgent)


def _started(serving: Callable[[Line], None]) -> Thread:
    there, back = Box(), Box()

    def live() -> None:
        serving(Thread(there, back))
        back.put(Gone())

    threading.Thread(target=live, daemon=True, name="jobs").start()
    return Thread(back, there)
