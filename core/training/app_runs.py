"""Trainings that the app runs for its visitors: each is a job, and a run directory under a name that nobody guesses.

Whoever has the name, the run's token, can look at the run, pause it and go on with it. A pause ends the job, so that
others get its place in the line, and leaves the state on the disk, as any other end does.
"""

import re
import secrets
import shutil
import string
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from filelock import FileLock, Timeout

from core import jobs
from core.checkpoint import CheckpointError, read_card, update_card
from core.data.folders import FolderError
from core.data.sources import DRAWN
from core.i18n import _
from core.training.batches import Augmentation
from core.training.events import Begun, Event, Looked, Preparing
from core.training.loop import TrainingError, TrainingStep
from core.training.plan import Plan
from core.training.recipes import RUNS
from core.training.runs import STATE, Run, step_of
from core.training.sample_history import keep
from core.training.tuning import tune
from core.training.validation import Measuring

FOLDER = RUNS / "app"
START = "start.safetensors"  # weights that somebody gave for a run to start from
TOKEN = re.compile(r"[a-z0-9]{16}")
MOST_BYTES = 2 * 10**9  # of all runs
SNAPSHOT_EVERY = 0.5  # seconds
_LOCK = "lock"  # held by the process that trains
_CANCELLED = "cancelled"  # an empty file that says that no one wants to go on with the run
_WAIT = 0.1  # seconds


@dataclass(frozen=True)
class Snapshot:
    """How far a training is: its last ``step``, None before any, and of its ``preparing``, or of a score that it is
    ``measuring``, the part that is done, None where it does neither."""

    step: TrainingStep | None = None
    preparing: float | None = None
    measuring: float | None = None


_jobs: WeakValueDictionary[str, "jobs.Job[Snapshot]"] = WeakValueDictionary()
_guard = threading.Lock()


# ---- runs by their tokens ----


def find(token: str) -> Run | None:
    """Return the run called ``token``, None where there is no such, or none any more."""
    folder = FOLDER / token
    if not TOKEN.fullmatch(token) or not folder.is_dir():
        return None
    run = Run(folder, read_card("card", folder))
    return run if "asked" in run.card else None


def plan_of(run: Run) -> Plan:
    """Return what was asked for when ``run`` was started."""
    asked: dict[str, Any] = run.card["asked"]
    return Plan(**{**asked, "augmentation": Augmentation(**asked["augmentation"])})


def starts_from_own(run: Run) -> bool:
    """Whether ``run`` started from weights that somebody gave for it."""
    return (run.folder / START).exists()


def is_held(run: Run) -> bool:
    """Whether a process is at work on ``run``: it trains, or still writes down where it stopped."""
    if not run.folder.is_dir():  # which the lock would make
        return False
    try:
        with _lock_of(run.folder):
            return False
    except Timeout:
        return True
    except OSError:
        return False


def is_cancelled(run: Run) -> bool:
    """Whether ``run`` was cancelled, so that nobody can go on with it."""
    return (run.folder / _CANCELLED).exists()


def job_of(run: Run) -> "jobs.Job[Snapshot] | None":
    """Return the job of ``run``, None where this server has none."""
    return _jobs.get(run.name)


# ---- what can be done with them ----


def start(plan: Plan, weights: bytes | None = None, owner: str = "", **titles: str) -> tuple[str, "jobs.Job[Snapshot]"]:
    """Line up a training by ``plan``; return its token and its job, which the caller has to hold and to poll.

    ``weights``, the bytes of a safetensors file, take the place of ``plan.start``. ``owner`` names who asks, so that
    turns can go round. ``titles`` are what the run calls its data and its start, in place of their paths.

    Raises:
        CheckpointError: the disk has no room for it.
    """
    make_room()
    token = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _letter in range(16))
    folder = FOLDER / token
    try:
        folder.mkdir(parents=True)
        if weights is not None:
            (folder / START).write_bytes(weights)
            plan = replace(plan, start=str(folder / START))
        update_card("card", folder, asked=asdict(plan), titles=titles)
    except (OSError, CheckpointError):
        shutil.rmtree(folder, ignore_errors=True)
        sentence = _("The server's disk has no room for a training: try again later, or ask its owner.")
        raise CheckpointError(sentence) from None
    return token, _submitted(plan, folder, owner)


def _submitted(plan: Plan, folder: Path, owner: str) -> "jobs.Job[Snapshot]":
    kind = f"training for {plan.minutes} minutes, {plan.steps} steps"
    job = jobs.submit(partial(watch, plan, folder), owner=owner, long=True, newest=True, kind=kind)
    _jobs[folder.name] = job
    return job


def go_on(run: Run, owner: str = "") -> "jobs.Job[Snapshot]":
    """Line up the rest of ``run``; return its job, which is the one that it has where that still works.

    Raises:
        CheckpointError: it was cancelled, or what it learns from is no longer there.
    """
    with _guard:
        job = job_of(run)
        if job and job.poll().active:
            return job
        plan = plan_of(run)
        if is_cancelled(run):
            raise CheckpointError(_("This training was cancelled: start a new one."))
        if plan.data not in DRAWN and not Path(plan.data).is_dir():
            sentence = _(
                "The photos that this training learns from are no longer on the server: bring them along again, and "
                "start a new training from the weights of this one, which can be downloaded."
            )
            raise CheckpointError(sentence)
        return _submitted(plan, run.folder, owner)


def cancel(run: Run) -> None:
    """End ``run`` for good: what it has learnt and its curves stay, the state that it could go on from goes."""
    with suppress(OSError):
        (run.folder / _CANCELLED).touch()
    job = job_of(run)
    if job:
        job.cancel()
    if not is_held(run):
        (run.folder / STATE).unlink(missing_ok=True)


def make_room(most: int | None = None) -> None:
    """Remove the runs that nothing was written to for longest, until all take less than ``most`` bytes.

    Those that are at work, or wait in the line, stay.
    """
    sizes = {path: _size(path) for path in FOLDER.glob("*") if path.is_dir()}
    total = sum(sizes.values())
    for path in sorted(sizes, key=_written):
        if total <= (MOST_BYTES if most is None else most):
            return
        run = Run(path, {})
        job = job_of(run)
        if not is_held(run) and not (job and job.poll().active):
            shutil.rmtree(path, ignore_errors=True)
            total -= sizes[path]


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.lstat().st_size
    return total


def _written(folder: Path) -> float:
    try:
        return max((path.lstat().st_mtime for path in folder.iterdir()), default=0.0)
    except OSError:
        return 0.0


# ---- the work itself ----


def watch(plan: Plan, folder: Path) -> Generator[Snapshot, None, None]:
    """Train by ``plan`` in the run directory ``folder``, yielding snapshots, at most two a second; where it was begun
    before, it goes on.

    One process at a time is at work in a folder: another waits until it has written down where it stopped.

    Raises:
        CheckpointError, FolderError, TrainingError: the plan cannot be followed; no path of this machine is named.
    """
    lock = _lock_of(folder)
    while not _taken(lock):
        yield Snapshot()
        time.sleep(_WAIT)
    try:
        yield from _followed(plan, folder)
    finally:
        lock.release()


def _followed(plan: Plan, folder: Path) -> Iterator[Snapshot]:
    _check_state(folder)
    begun = bool(read_card("card", folder).get("plan"))
    try:
        yield from _snapshots(tune(plan, folder, resume=begun), folder)
    except (CheckpointError, FolderError, TrainingError) as error:
        raise type(error)(without_paths(str(error), _names(plan, folder))) from None
    except OSError:
        sentence = _("The server could not write to, or read from, its disk. Ask its owner to make room, then resume.")
        raise CheckpointError(sentence) from None
    finally:
        if (folder / _CANCELLED).exists():
            (folder / STATE).unlink(missing_ok=True)


def _check_state(folder: Path) -> None:
    try:
        step_of(folder)
    except CheckpointError:
        raise CheckpointError(_("The state of this training is damaged: start a new one.")) from None


def _lock_of(folder: Path) -> FileLock:
    """Return the lock of a run directory, which a process loses when it dies; who finds it taken does not wait."""
    return FileLock(folder / _LOCK, timeout=0, thread_local=False)


def _taken(lock: FileLock) -> bool:
    """Take ``lock``; return whether it was free."""
    try:
        lock.acquire()
    except Timeout:
        return False
    return True


def _snapshots(events: Generator[Event, None, None], folder: Path) -> Iterator[Snapshot]:
    now, due = Snapshot(), 0.0
    with closing(events):
        for event in events:
            if isinstance(event, Looked):
                keep(event, folder)
            elif isinstance(event, Begun):
                update_card("card", folder, on=_noted(event))
            elif isinstance(event, Preparing):
                now = Snapshot(preparing=event.done)
            elif isinstance(event, Measuring):
                now = replace(now, measuring=event.done)
            elif isinstance(event, TrainingStep):
                now = Snapshot(step=event)
            if time.monotonic() >= due:
                yield now
                due = time.monotonic() + SNAPSHOT_EVERY
    yield now


def _noted(begun: Begun) -> dict[str, Any]:
    """Return what a run's card says of what it was begun with."""
    taken = begun.taken
    return {
        "images": begun.images,
        "validation_images": begun.validation_images,
        "notes": list(begun.notes),
        "parameters": begun.parameters,
        "learning": begun.learning,
        "tensors_taken": len(taken.taken) if taken else 0,
        "tensors_new": len(taken.new) if taken else None,
    }


def without_paths(sentence: str, names: Mapping[str, str]) -> str:
    """Return ``sentence`` with the ``names`` of the paths in it: those are the server's own business."""
    for path, name in names.items():
        sentence = sentence.replace(path, name)
    return sentence[:1].upper() + sentence[1:]


def _names(plan: Plan, folder: Path) -> dict[str, str]:
    data = {} if plan.data in DRAWN else {plan.data: _("the data")}
    return {str(folder / START): _("the uploaded file"), str(folder): _("the run"), **data}
