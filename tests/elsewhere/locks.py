"""A lock that another process holds."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOLDING = """
import os, sys
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
os._exit(1)
"""


@contextmanager
def another_process_holds(lock: Path) -> Iterator[None]:
    """Let one hold ``lock`` that dies with it: it ends when nothing more comes in."""
    words = [sys.executable, "-c", HOLDING, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        yield
