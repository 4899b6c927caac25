"""What tests of pages share."""

import pytest

from core import jobs
from core.jobs import threads


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in a page is an exception of the test's, not a sentence to the test's user."""
    monkeypatch.setattr("pages.parts.startup.say_failures", lambda: None)


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs run in threads of the test, so that what it puts in the place of a function is what they call."""
    queue = jobs.Queue(threads.start)
    monkeypatch.setattr(jobs, "_queue", lambda: queue)
