"""A place for one worker: it is started there, fed, listened to, watched, and replaced when it is lost."""

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Protocol

from core.faults import logged
from core.i18n import speaking, spoken
from core.jobs.job import Job
from core.jobs.messages import Begin, Ended, Gone, Message, Stop, Worker

TICK = 0.25  # seconds between two looks at what a worker does
SHORT_LIFE = 1.0  # seconds; after two in a row that died sooner there is a pause, in case all will

logger = logging.getLogger(__name__)


class Keeper(Protocol):
    """Whom a slot reports to, from a thread of its own: the queue."""

    def take(self, slot: "Slot", message: Message) -> None: ...

    def check(self, slot: "Slot", memory: int) -> bool:
        """Return whether the worker may live on."""

    def lost(self, slot: "Slot") -> None: ...


class Slot:
    """One worker of ``start``, for quick jobs or ``long`` ones, with the jobs that it has: the last one is at work, the
    others stand still meanwhile."""

    def __init__(self, start: Callable[[], Worker], long: bool, keeper: Keeper):
        self.long = long
        self.jobs: list[Job[Any]] = []
        self.heard = 0.0  # when the worker last said something
        self._start = start
        self._keeper = keeper
        self._outbox: SimpleQueue[Message | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._live, daemon=True, name="worker")

    def begin(self, job: Job[Any]) -> None:
        """Let the worker do ``job`` now."""
        assert job.request
        self.jobs.append(job)
        self.heard = time.monotonic()
        self._outbox.put(Begin(job.number, job.request.work, job.language, job.request.newest, job.urgent))
        if self._thread.ident is None:
            self._thread.start()

    def stop(self, job: Job[Any]) -> None:
        """Tell the worker to stop ``job``."""
        self._outbox.put(Stop(job.number))

    def clear(self) -> list[Job[Any]]:
        """Forget and return the jobs of a worker that is lost, and what it was not told yet."""
        jobs, self.jobs = self.jobs, []
        self._outbox.put(None)
        self._outbox = SimpleQueue()
        return jobs

    def _live(self) -> None:
        short = 0
        while True:
            born = time.monotonic()
            try:
                self._follow(self._start())
            except Gone:
                if self.jobs:
                    logger.warning("A worker was lost, or left its work to the next")
            except Exception:
                logger.exception("A worker failed")
            self._keeper.lost(self)
            short = short + 1 if time.monotonic() - born < SHORT_LIFE else 0
            if short > 1:
                time.sleep(SHORT_LIFE)

    def _follow(self, worker: Worker) -> None:
        """Listen to ``worker`` until it has gone."""
        threading.Thread(target=self._deliver, args=(self._outbox, worker), daemon=True, name="to worker").start()
        while True:
            if worker.poll(TICK):
                self._keeper.take(self, worker.recv())
            if not self._keeper.check(self, worker.memory()):
                worker.kill()

    def _deliver(self, outbox: "SimpleQueue[Message | None]", worker: Worker) -> None:
        """Send what is put into ``outbox``: a worker at work does not listen, and nobody else is to wait for it."""
        while message := outbox.get():
            try:
                worker.send(message)
            except Gone:
                return
            except Exception as error:  # noqa: BLE001 - what cannot be pickled says so in many ways
                with speaking(message.language if isinstance(message, Begin) else spoken()):
                    self._keeper.take(self, Ended(message.number, "failed", logged(error)))
