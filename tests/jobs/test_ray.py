"""The same jobs on a Ray cluster of two nodes on this machine."""

import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from core import jobs
from core.jobs import Queue
from tests.jobs import works
from tests.jobs.conftest import wait_for, wait_until
from tests.jobs.works import noted_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes; without Ray the tests fail, in CI as anywhere, and say how to install it."""
    if importlib.util.find_spec("ray") is None:
        pytest.fail("Ray is not installed: pip install -r requirements-ray.txt")
    importlib.import_module("core.jobs.ray")  # first: it keeps Ray from starting a cluster of its own later
    import ray
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
    two = Cluster(initialize_head=True, head_node_args=node)
    two.add_node(**{name: value for name, value in node.items() if name != "include_dashboard"})
    yield two
    ray.shutdown()
    two.shutdown()


@pytest.fixture(scope="module")
def queue(cluster: Any) -> Iterator[Queue]:
    """The queue that the app takes where the environment names a cluster."""
    patch = pytest.MonkeyPatch()
    patch.setenv(jobs.CLUSTER, cluster.address)
    jobs._queue.cache_clear()
    made = jobs._queue()
    jobs._queue.cache_clear()
    patch.undo()
    yield made
    # No thread may talk to the cluster when it goes: Ray ends the whole process then.
    patch.setattr(made, "check", lambda *_arguments: False)
    for slot in made._slots:
        patch.setattr(slot, "_start", sys.exit)
        if slot._thread.ident:
            slot._thread.join(60)
            assert not slot._thread.is_alive()


def test_jobs_run_on_both_nodes_and_each_gets_its_own_result(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    held = [queue.submit(partial(works.node_then, gate), owner=str(owner)) for owner in range(2)]
    nodes = {wait_until(lambda job=job: job.poll().events, bool)[0] for job in held}
    assert len(nodes) == 2
    gate.touch()
    images = [torch.full((3, 64, 64), number, dtype=torch.uint8) for number in range(10)]
    asked = [queue.submit(partial(works.whole, image), owner=str(at)) for at, image in enumerate(images)]
    for image, job in zip(images, asked, strict=True):
        assert torch.equal(wait_for(job, "done").events[0], image)


def test_a_cancelled_job_s_iterator_is_closed_there(queue: Queue, tmp_path: Path) -> None:
    job = queue.submit(partial(works.closing_late, tmp_path / "notes"), long=True)
    wait_until(lambda: job.poll().events, bool)
    job.cancel()
    wait_until(lambda: noted_in(tmp_path / "notes"), lambda lines: lines == ["closed"])


def test_a_lost_worker_is_replaced(queue: Queue, tmp_path: Path) -> None:
    lost = queue.submit(partial(works.pid_then, tmp_path / "gate"))
    os.kill(wait_until(lambda: lost.poll().events, bool)[0], signal.SIGKILL)
    assert "was lost" in wait_for(lost, "failed").error
    assert wait_for(queue.submit(partial(works.killed_once, tmp_path / "again", 1)), "done").events == ("after",)
