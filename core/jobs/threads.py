"""Workers that are threads of the app itself, for systems without a fork and for tests that change what is computed."""

import threading
from queue import Empty, SimpleQueue

from core.jobs.messages import Message
from core.jobs.serving import serve


class Thread:
    """A ``Worker`` in this process: it shares its memory and cannot be killed."""

    def __init__(self, inbox: "SimpleQueue[Message]", outbox: "SimpleQueue[Message]"):
        self._inbox, self._outbox = inbox, outbox
        self._next: Message | None = None

    def send(self, message: Message) -> None:
        self._outbox.put(message)

    def recv(self) -> Message:
        message, self._next = self._next, None
        return message or self._inbox.get()

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
    there: SimpleQueue[Message] = SimpleQueue()
    back: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=serve, args=(Thread(there, back),), daemon=True, name="jobs").start()
    return Thread(back, there)
