"""The app on a system without fork, fcntl and /proc: each part says in a line of JSON that it is done.

python -m tests.elsewhere.run_app PLATFORM FOLDER
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.elsewhere.locks import another_process_holds
from tests.elsewhere.system import become

PATIENCE = 60.0  # seconds


def wait_until(good: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not good():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def races(_folder: Path) -> None:
    """The start page opens; a race, on the page for comparison, runs to its end."""
    from tests.pages.opening import opened
    from tests.pages.test_detectors import QUICK, settled, viewer

    assert not opened("start").error
    app = settled(opened("detectors"))
    assert not app.error and [lane["name"] for lane in viewer(app)["lanes"]] == QUICK


def trains(folder: Path) -> None:
    """A training is paused, held by no one, resumed, replaces its files while they are read, and ends."""
    from core.data import sources
    from core.training import app_runs
    from core.training.initial_weights import read_weights
    from core.training.plan import plan_for

    app_runs.FOLDER = folder / "runs"
    app_runs.SNAPSHOT_EVERY = 0.0
    sources.COUNTS.update(train=4, val=2)
    plan = plan_for("yolo", "scenes", steps=6, batch_size=2, score_steps=3, look_every=0.0)
    token, job = app_runs.start(plan, data="Scenes", start="Trunk")

    def at(step: int, job: Any) -> bool:
        now = job.poll()
        assert now.state in ("queued", "running"), (now.state, now.error)
        return any(event.step and event.step.step >= step for event in now.events)

    wait_until(lambda: at(3, job))
    run = found(token)
    assert app_runs.is_held(run)
    job.cancel()
    wait_until(lambda: not app_runs.is_held(run))
    weights = read_weights(run.weights)
    with another_process_holds(run.folder / "lock"):
        assert app_runs.is_held(run)
        job = app_runs.go_on(run)
        time.sleep(0.3)
        assert not any(event.step for event in job.poll().events), "it waits for the other"
    with reading(run.weights):
        wait_until(lambda: ended(job))
    assert found(token).ended == "finished" and weights
    app_runs.make_room(0)
    assert app_runs.find(token) is None, "what is no longer in use can be removed"


def ended(job: Any) -> bool:
    now = job.poll()
    assert now.state != "failed", now.error
    return bool(now.state == "done")


def found(token: str) -> Any:
    from core.training import app_runs

    run = app_runs.find(token)
    assert run
    return run


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Read ``path`` over and over, as pages do."""
    over = threading.Event()

    def read() -> None:
        while not over.wait(0.15):
            with path.open("rb"):
                time.sleep(0.02)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:  # a process ends only with its last thread
        over.set()
        thread.join()


def loads(_folder: Path) -> None:
    """A DataLoader has workers, which do not run the app once more."""
    from core.data.epochs import epoch_order

    sys.modules["__main__"].__file__ = "/nowhere/streamlit_app.py"
    [epoch] = epoch_order(4, batch_size=2, num_workers=1)
    assert {batch.worker for batch in epoch.batches} == {0}


def keeps(folder: Path) -> None:
    """A server's folder outlives the start of another, and not its own end."""
    from ui.sources.work_folder import WorkFolders

    mine = WorkFolders(folder / "work")
    mine.enter("session")
    other = WorkFolders(folder / "work")
    assert (mine.root / "session").is_dir() and other.root != mine.root


# What is seen to work where. Spawned processes of Linux are not those of Windows, but are those of macOS.
PARTS: dict[str, tuple[Callable[[Path], None], ...]] = {"win32": (trains, races, keeps), "darwin": (loads,)}


def main() -> None:
    platform, folder = sys.argv[1], Path(sys.argv[2])
    become(platform)
    for part in PARTS[platform]:
        part(folder)
        print(json.dumps({"part": part.__name__}), flush=True)


if __name__ == "__main__":
    main()
