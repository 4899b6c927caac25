"""A folder on the server's disk for what a session brings along or has made: it goes with the session."""

import atexit
import os
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import gettempdir
from uuid import uuid4

import streamlit as st
from filelock import FileLock

from core.faults import UserError
from core.i18n import _

MOST = 4 * 10**9  # bytes of all sessions together
MOST_EACH = 16 * 10**8  # bytes of one session, enough for the largest archive and its cleaned copy with its zip file
LOCK = ".lock"
GRACE = 120.0  # seconds after which a session that was cut off does not come back; Streamlit's own measure


class RoomError(UserError):
    """There is no room on the server; the message is a sentence for the user."""


class WorkFolders:
    """The work folders of all sessions of one server, in ``root``, with ``most`` bytes in all and ``most_each``.

    They lie in a folder of this process's own, beside a lock that it holds for as long as it lives; what processes
    that have died left in ``root`` is removed.
    """

    def __init__(self, root: Path, most: int = MOST, most_each: int = MOST_EACH, grace: float = GRACE):
        self.root = root / uuid4().hex
        self._most, self._most_each, self._grace = most, most_each, grace
        self._held: Counter[str] = Counter()
        self._leaving: dict[str, threading.Timer] = {}
        self._lock = threading.Lock()
        for left in root.glob(f"*{LOCK}"):
            _remove_of_dead(left)
        self._living = _locked_by(self.root.with_suffix(LOCK))
        self._living.acquire()
        atexit.register(shutil.rmtree, self.root, ignore_errors=True)

    def enter(self, session: str) -> Path:
        """Return the folder of ``session``, which is kept from now on."""
        with self._lock:
            if session in self._leaving:
                self._leaving.pop(session).cancel()
        folder = self.root / session
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def leave(self, session: str) -> None:
        """Remove the folder of ``session`` unless it enters again before long: a connection may only be cut off."""
        with self._lock:
            timer = threading.Timer(self._grace, self._remove, (session,))
            timer.daemon = True
            self._leaving[session] = timer
            timer.start()

    def _remove(self, session: str) -> None:
        with self._lock:
            if self._leaving.pop(session, None) is None:
                return
            shutil.rmtree(self.root / session, ignore_errors=True)
            del self._held[session]

    @contextmanager
    def reserved(self, session: str, size: int, keep: Path | None = None) -> Iterator[Path]:
        """Lend the folder of ``session`` with room for ``size`` bytes more; what is oldest in it goes where it must.

        What ``keep`` lies in stays.

        Raises:
            RoomError: it is more than a session may have, or the other sessions leave too little.
        """
        folder = self.enter(session)
        with self._lock:
            kept = next((path for path in folder.iterdir() if keep and keep.is_relative_to(path)), None)
            if size + (_size(kept) if kept else 0) > self._most_each:
                sentence = _("That takes {needed:,} MB, more than one session may have here: take a smaller data set.")
                raise RoomError(sentence.format(needed=size // 10**6))
            for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime):
                if self._held[session] + size <= self._most_each:
                    break
                if old != kept:
                    shutil.rmtree(old, ignore_errors=True)
                    self._held[session] = _size(folder)
            if self._held.total() + size > self._most:
                raise RoomError(_("The server has no room for more data at the moment: try again later, or with less."))
            self._held[session] += size
        try:
            yield folder
        finally:
            with self._lock:
                self._held[session] = _size(folder)


def _locked_by(path: Path) -> FileLock:
    return FileLock(path, timeout=0, thread_local=False)


def _remove_of_dead(lock: Path) -> None:
    """Remove the folder beside ``lock`` unless its process lives."""
    with suppress(OSError):  # Timeout among them
        with _locked_by(lock):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
        lock.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    """Return the bytes of all files in ``folder``."""
    total = 0
    for path, _folders, files in os.walk(folder):
        for file in files:
            with suppress(FileNotFoundError):
                total += os.lstat(os.path.join(path, file)).st_size
    return total


@lru_cache
def _folders() -> WorkFolders:
    return WorkFolders(Path(gettempdir()) / "visible-vision")


def _session() -> str:
    """Return a name for the session that is the same when it comes back after it was cut off."""
    name: str = st.session_state.setdefault("work_folder", uuid4().hex)
    return name


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda session: _folders().leave(session))
def _entered(session: str) -> str:
    _folders().enter(session)
    return session


def work_folder() -> Path:
    """Return the folder of this session; what is in it goes when the session ends."""
    return _folders().enter(_entered(_session()))


@contextmanager
def room_for(size: int, keep: Path | None = None) -> Iterator[Path]:
    """Lend the folder of this session, with room for ``size`` bytes more, as ``WorkFolders.reserved`` does.

    Raises:
        RoomError: there is no such room.
    """
    with _folders().reserved(_entered(_session()), size, keep) as folder:
        yield folder
