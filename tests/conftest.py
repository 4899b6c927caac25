"""How the tests are spread over processes, and which of them are quick."""

import os

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

BROWSER = "tests/browser/"
MEMORY = 4 * 2**30  # bytes that a process may take with what it starts: a server, its workers, a browser

if "PYTEST_XDIST_WORKER" in os.environ:  # it has a core for itself; torch looks here when it is imported
    os.environ["OMP_NUM_THREADS"] = "1"

# The same examples each time, and no complaint of a machine that is busy.
settings.register_profile("tests", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


def pytest_xdist_auto_num_workers() -> int:
    """As many processes as there are cores, and memory for."""
    cores = os.cpu_count() or 1
    if not hasattr(os, "sysconf"):
        return cores
    return max(1, min(cores, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // MEMORY))


class OneBrowser(LoadFileScheduling):  # type: ignore[misc] # xdist says no types
    """Hands all tests of a file to one process, and all in the browser, which share a server, to one as well.

    The marks that xdist has for such groups are lost on pytest 9.2, which no longer asks for the name they are put in.
    """

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling:
    return OneBrowser(config, log)


@pytest.hookimpl(tryfirst=True)  # before those of a marker are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that are quick, and let the files that take long begin.

    So no process is left with one of them when the others are done.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (not item.nodeid.startswith(BROWSER), item.path not in slow))
    for item in items:
        if not item.nodeid.startswith(BROWSER) and not any(map(item.get_closest_marker, ("slow", "linux"))):
            item.add_marker("quick")
