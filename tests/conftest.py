"""How the tests are spread over processes, and which of them are quick."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
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


@pytest.hookimpl(tryfirst=True)  # before the tests are handed out, and before those of a marker are chosen
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and all in the browser, which share a server; mark those that are quick.

    What takes long begins first, so that no process is left with it when the others are done.
    """
    slow = {group_of(item) for item in items if item.get_closest_marker("slow")} | {"browser"}
    items.sort(key=lambda item: (group_of(item) != "browser", group_of(item) not in slow))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
        if group_of(item) != "browser" and not any(map(item.get_closest_marker, ("slow", "linux"))):
            item.add_marker("quick")


def group_of(item: pytest.Item) -> str:
    """Return what names the tests that share a process with ``item``."""
    path = item.path.relative_to(TESTS)
    return "browser" if path.parts[0] == "browser" else path.as_posix()
