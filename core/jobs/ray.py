"""Workers on a Ray cluster, for more people than one machine can serve.

Every machine of the cluster has this repository at the same path, on a common file system where trainings are to write
what the app then shows. A worker there is an actor: a thread of it serves as a worker process does here, and what the
two sides say travels as the same bytes, through two of the actor's methods.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")  # a lost cluster is not to be replaced by one of this machine

import ray
from ray.exceptions import GetTimeoutError, RayError

from core.jobs.messages import Gone
from core.jobs.nursery import LOWEST_PRIORITY
from core.jobs.queue import Queue
from core.jobs.serving import serve
from core.jobs.wire import Wire

ROOT = Path(__file__).parents[2]
PATIENCE = 5.0  # seconds for an answer about memory


class _Ends:
    """The connection of a wire that ends in two queues of bytes."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[bytes] = SimpleQueue()
        self.outbox: SimpleQueue[bytes] = SimpleQueue()
        self._next: bytes | None = None

    def send_bytes(self, data: bytes) -> None:
        self.outbox.put(data)

    def recv_bytes(self) -> bytes:
        data, self._next = self._next, None
        return data if data is not None else self.inbox.get()

    def poll(self, seconds: float) -> bool:
        if self._next is None:
            with suppress(Empty):
                self._next = self.inbox.get(seconds > 0, seconds)
        return self._next is not None


class _Server:
    """A worker's process on the cluster."""

    def __init__(self, long: bool):
        if long:
            os.nice(LOWEST_PRIORITY)
        self._ends = _Ends()
        threading.Thread(target=serve, args=(Wire(self._ends),), daemon=True, name="jobs").start()

    def tell(self, data: bytes) -> None:
        self._ends.inbox.put(data)

    def hear(self) -> Iterator[bytes]:
        while True:
            yield self._ends.outbox.get()

    def memory(self) -> int:
        return int(Path("/proc/self/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


class _Telephone:
    """The app's end of the connection to a ``_Server``."""

    def __init__(self, server: Any):
        self._server = server
        self._heard = server.hear.options(concurrency_group="hear", num_returns="streaming").remote()

    def send_bytes(self, data: bytes) -> None:
        try:
            self._server.tell.options(concurrency_group="tell").remote(data)
        except RayError as error:
            raise Gone from error

    def recv_bytes(self) -> bytes:
        try:
            data: bytes = ray.get(next(self._heard))
        except (RayError, StopIteration) as error:
            raise Gone from error
        return data

    def poll(self, seconds: float) -> bool:
        try:
            ready, _waiting = ray.wait([self._heard], timeout=seconds, fetch_local=False)
        except RayError as error:
            raise Gone from error
        return bool(ready)


class Remote:
    """The ``Worker`` behind a ``_Server``."""

    def __init__(self, server: Any):
        self._server = server
        wire = Wire(_Telephone(server))
        self.send, self.recv, self.poll = wire.send, wire.recv, wire.poll

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        ray.kill(self._server)

    def memory(self) -> int:
        """Return the bytes that it has in memory.

        Raises:
            Gone: it has ended; the stream of what it says does not always tell.
        """
        try:
            return int(ray.get(self._server.memory.remote(), timeout=PATIENCE))
        except GetTimeoutError:  # the network is slow
            return 0
        except RayError as error:
            raise Gone from error


def start(long: bool) -> Remote:
    """Return a new worker somewhere on the cluster, for ``long`` jobs or, with a processor of its own, for quick ones.

    Raises:
        RayError: the cluster has none to give.
    """
    actor: Any = ray.remote(
        num_cpus=0 if long else 1, concurrency_groups={"tell": 1, "hear": 1}, scheduling_strategy="SPREAD"
    )(_Server)
    server = actor.remote(long)
    ray.get(server.memory.remote())  # so that it is there
    return Remote(server)


def on_cluster(address: str) -> Queue:
    """Join the cluster at ``address`` and return a queue for it: on each machine one worker for quick jobs, whose times
    are shown, and one for long ones."""
    ray.init(
        address,
        ignore_reinit_error=True,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    machines = sum(node["Alive"] for node in ray.nodes())
    return Queue(start, quick=machines, long=machines)
