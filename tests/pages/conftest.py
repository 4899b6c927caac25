"""What tests of pages share."""

from collections.abc import Iterator

import pytest
import streamlit as st

from core import jobs
from core.families import FAMILIES, PHOTOS, Family
from core.jobs import threads
from tests.jobs.conftest import wait_until
from tests.stand_ins import write_stand_ins


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong in a page is an exception of the test's, not a sentence to the test's user."""
    monkeypatch.setattr("ui.kit.faults.get_script_run_ctx", lambda: None)


@pytest.fixture
def in_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Jobs run in threads of the test, so that what it puts in the place of a function is what they call.

    They end with the test: Python must not end while a thread is within torch.
    """
    queue = jobs.Queue(threads.start)
    monkeypatch.setattr(jobs, "_queue", lambda: queue)
    yield
    for job in [*queue._waiting, *(job for slot in queue._slots for job in slot.jobs)]:
        job.cancel()
    wait_until(lambda: [slot.jobs for slot in queue._slots], lambda found: not any(found))


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Family:
    """The family of photographs with detectors that nobody trained."""
    return write_stand_ins(tmp_path_factory.mktemp("stand_ins"))


@pytest.fixture
def photographs(stand_ins: Family, monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    """Let the pages take those for the family of photographs."""
    monkeypatch.setitem(FAMILIES, PHOTOS.name, stand_ins)
    yield stand_ins
    st.cache_resource.clear()
    st.cache_data.clear()
