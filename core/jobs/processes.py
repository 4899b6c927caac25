"""Workers that are processes: one that is killed or crashes takes no page with it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from core.jobs.messages import Gone
from core.jobs.nursery import LONG, PID, QUICK

if TYPE_CHECKING:
    from core.jobs.wire import Wire

ROOT = Path(__file__).parents[2]


class Process:
    """The ``Worker`` with process id ``pid`` at the other end of ``wire``."""

    def __init__(self, wire: "Wire", pid: int):
        self.send, self.recv, self.poll = wire.send, wire.recv, wire.poll
        self.pid = pid

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def memory(self) -> int:
        """Return the bytes that it has in memory, shared ones included."""
        with suppress(OSError):  # it has just ended
            return int(Path(f"/proc/{self.pid}/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return 0


class Nursery:
    """The app's end of ``core.jobs.nursery``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def fork(self, long: bool) -> Process:
        """Return a new worker, for ``long`` jobs or for quick ones.

        Raises:
            Gone: the nursery could not start.
        """
        ours, theirs = socket.socketpair()
        with self._lock, ours, theirs:
            for _try in range(2):  # it may have been killed, too
                control = self._prepared()
                with suppress(OSError):
                    socket.send_fds(control, [LONG if long else QUICK], [theirs.fileno()])
                    if pid := control.recv(PID):
                        return _process(ours.detach(), int.from_bytes(pid, "little"))
                control.close()
                self._control = None
        raise Gone

    def _prepared(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "core.jobs.nursery", str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": path},
                )
        return self._control


def _process(descriptor: int, pid: int) -> Process:
    from core.jobs.wire import Wire  # torch takes seconds to import, and the nursery is to start before

    return Process(Wire(Connection(descriptor)), pid)


_nursery = Nursery()
start = _nursery.fork
