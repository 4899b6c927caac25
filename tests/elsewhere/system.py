"""Makes this process one of another system: what only Linux has is missing, and files are shared as on Windows.

``become`` is called before the app is imported, and after the libraries, which have long chosen what they use.
"""

import builtins
import io
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

LIBRARIES = (
    *("asyncio", "multiprocessing.popen_spawn_posix", "sqlite3", "filelock", "babel.dates", "segno", "typer", "rich"),
    *("torch", "torchvision.transforms.v2", "torch.utils.tensorboard", "torchmetrics.detection", "faster_coco_eval"),
    *("sklearn.svm", "skimage.data", "cv2", "pandas", "plotly.graph_objects", "streamlit.testing.v1", "pytest"),
)
MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "pty", "syslog", "posix_spawn")
NAMES = (
    *("fork", "forkpty", "register_at_fork", "sysconf", "sysconf_names", "nice", "getuid", "geteuid", "getgid"),
    *("getpgid", "killpg", "setsid", "sched_getaffinity", "statvfs", "mkfifo", "getloadavg", "chown", "sync"),
)
SIGNALS = ("SIGKILL", "SIGCHLD", "SIGHUP", "SIGALRM", "SIGUSR1")
READERS = ((builtins, "open"), (io, "open"), (os, "open"), (os, "stat"), (os, "listdir"), (os, "scandir"))
MAPS, FILES = Path("/proc/self/maps"), Path("/proc/self/fd")


def become(platform: str) -> None:
    """Import the libraries and turn this process into one of ``platform``, win32 or darwin.

    Where it is not one of Linux, it stays what it is: there the real thing is tried.
    """
    if sys.platform != "linux":
        return
    for name in LIBRARIES:
        import_module(name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment] # so that an import fails
    for owner, names in ((os, NAMES), (signal, SIGNALS if platform == "win32" else ())):
        for name in names:
            delattr(owner, name)
    in_use = _open_and_mapped()
    for owner, name in READERS:
        setattr(owner, name, _without_proc(getattr(owner, name)))
    if platform == "win32":
        for name in ("replace", "rename", "unlink", "remove"):
            setattr(os, name, _sharing_as_windows(getattr(os, name), in_use))
        os.kill = _never
    sys.platform = platform


def _without_proc(real: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(path: Any = ".", *args: Any, **more: Any) -> Any:
        if isinstance(path, str | os.PathLike) and os.fspath(path).startswith("/proc"):
            raise FileNotFoundError(2, "No such file or directory", path)
        return real(path, *args, **more)

    return guarded


def _open_and_mapped() -> Callable[[], set[str]]:
    """Return what tells the files that this process has open, or has tensors in."""
    opened, listed = open, os.listdir

    def files() -> set[str]:
        found = set()
        for one in listed(FILES):
            try:
                found.add(os.readlink(FILES / one))
            except FileNotFoundError:  # the one by which they are listed
                continue
        with opened(MAPS) as maps:
            return found | {line.rstrip().split(maxsplit=5)[-1] for line in maps}

    return files


def _sharing_as_windows(real: Callable[..., Any], in_use: Callable[[], set[str]]) -> Callable[..., Any]:
    """What removes or replaces a file refuses while it is in use."""

    def guarded(*paths: Any, dir_fd: int | None = None, **more: Any) -> Any:
        place = os.readlink(FILES / str(dir_fd)) if dir_fd is not None else ""
        for path in paths:
            if os.path.realpath(os.path.join(place, os.fspath(path))) in in_use():
                raise PermissionError(13, "The process cannot access the file because it is being used", path)
        return real(*paths, **({} if dir_fd is None else {"dir_fd": dir_fd}), **more)

    return guarded


def _never(*_given: Any) -> None:
    raise AssertionError("os.kill ends processes on Windows")
