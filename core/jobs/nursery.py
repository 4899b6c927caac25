"""A process that imports what jobs need once and then forks workers, each ready within milliseconds.

    python -m core.jobs.nursery FD

It gets a byte down the socket FD, with the worker's end of a line as a file descriptor, and answers with the process
id. ``multiprocessing``'s own fork server would run the ``__main__`` of the app in every worker, and Streamlit puts the
script of a page in that place.
"""

import gc
import importlib
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

LIBRARIES = (
    "core.jobs.wire",
    "core.figures.stages",
    "core.detectors.recall",
    "core.segmentation.sliding",
    "core.training.short_training",
)
PID = 4  # bytes
LONG = b"\1"
QUICK = b"\0"
LOWEST_PRIORITY = 19  # so that nothing else waits for a training


def main() -> None:
    """Import, then fork on demand until the app has gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    logging.basicConfig(format="%(asctime)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the app, which then hangs up
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a worker ended
    gc.disable()  # a collection writes to every page of memory that the workers would share otherwise
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    while True:
        kind, descriptors, _flags, _address = socket.recv_fds(control, 1, 1)
        if not kind:
            return
        pid = os.fork()
        if pid == 0:
            control.close()
            _work(Connection(descriptors[0]), kind == LONG)
        os.close(descriptors[0])
        control.send(pid.to_bytes(PID, "little"))


def _work(connection: "Connection[Any, Any]", long: bool) -> None:
    from core.jobs.serving import serve
    from core.jobs.wire import Wire

    gc.enable()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if long:
        os.nice(LOWEST_PRIORITY)
    try:
        with suppress(KeyboardInterrupt):
            serve(Wire(connection))
    finally:
        os._exit(0)  # what is to be done at the nursery's exit is not this process's business


if __name__ == "__main__":
    main()
