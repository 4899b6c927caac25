"""A queue for tests: a job goes one event further each time somebody looks at it, in the test's own process."""

from collections.abc import Callable, Generator
from typing import Any

from core.jobs import Progressed


class StepwiseJob:
    """A job that works when it is polled, unless it ``waits``."""

    def __init__(self, work: Callable[[], Generator[Any, None, None]], waits: bool):
        self.work = work
        self._events: Generator[Any, None, None] | None = None
        self._progress: Progressed[Any] = Progressed("queued", (), place=1)
        self.waits = waits

    def poll(self) -> Progressed[Any]:
        if self._progress.active and not self.waits:
            self._events = self._events or self.work()
            try:
                self._progress = Progressed("running", (next(self._events),))
            except StopIteration:
                self._progress = Progressed("done", self._progress.events)
            except ValueError as error:
                self._progress = Progressed("failed", self._progress.events, error=str(error))
        return self._progress

    def cancel(self) -> None:
        if self._progress.active:
            self._progress = Progressed("cancelled", self._progress.events)
        if self._events:
            self._events.close()


class StepwiseQueue:
    """Lines up stepwise jobs; ``submit`` as ``core.jobs`` has it."""

    def __init__(self, waits: bool = False):
        self.waits = waits
        self.jobs: list[StepwiseJob] = []

    def submit(self, work: Callable[[], Generator[Any, None, None]], **_options: Any) -> StepwiseJob:
        self.jobs.append(StepwiseJob(work, self.waits))
        return self.jobs[-1]
