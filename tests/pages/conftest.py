"""What tests of pages share."""

import pytest

from core import jobs
from core.jobs import threads


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in threads of the test, so that what it puts in the place of a function is what they call."""
    queue = jobs.Queue(threads.start)
    monkeypatch.setattr(jobs, "_queue", lambda: queue)
