"""Trainings under tokens: snapshots, pauses, resumptions, what is kept and for how long, and what nobody is told."""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock

from core import jobs
from core.checkpoint import CheckpointError, save_tensors, update_card
from core.data import sources
from core.training import app_runs
from core.training.plan import Plan, plan_for
from core.training.runs import STATE, WEIGHTS, Run
from core.training.sample_history import read_looks
from tests.elsewhere.locks import another_process_holds
from tests.training.stepwise import StepwiseQueue

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(app_runs, "FOLDER", tmp_path / "runs")
    monkeypatch.setattr(app_runs, "SNAPSHOT_EVERY", 0.0)
    monkeypatch.setitem(sources.COUNTS, "train", 8)
    monkeypatch.setitem(sources.COUNTS, "val", 4)
    return tmp_path / "runs"


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> StepwiseQueue:
    """Take jobs and do none of them: the tests do."""
    line = StepwiseQueue(waits=True)
    monkeypatch.setattr(jobs, "submit", line.submit)
    return line


def plan(**others: Any) -> Plan:
    settings = {"steps": 4, "batch_size": 2, "score_steps": 2, "look_every": 0.0, **others}
    return plan_for("yolo", "scenes", **settings)


def begun(line: StepwiseQueue) -> tuple[Run, Any]:
    token, _job = app_runs.start(plan(), data="Scenes", start="Trunk")
    return again(token), line.jobs[-1].work


def again(token: str) -> Run:
    run = app_runs.find(token)
    assert run
    return run


def stepped(work: Any, step: int) -> Generator[app_runs.Snapshot, None, None]:
    """Do ``work`` until after ``step``, and leave it there."""
    snapshots: Generator[app_runs.Snapshot, None, None] = work()
    for snapshot in snapshots:
        if snapshot.step and snapshot.step.step == step:
            return snapshots
    raise AssertionError("it ended before")


def test_a_run_is_found_by_its_token_and_keeps_its_curves_looks_and_weights(line: StepwiseQueue) -> None:
    run, work = begun(line)
    assert app_runs.TOKEN.fullmatch(run.name) and app_runs.plan_of(run) == plan() and run.ended is None
    snapshots = list(work())
    last = snapshots[-1].step
    assert last and last.step == 4 and last.done == 1
    assert any(snapshot.measuring for snapshot in snapshots), "a score that takes a while is seen to be taken"
    run = again(run.name)
    assert run.ended == "finished" and run.weights.exists()
    assert run.card["on"]["images"] == 8 and run.card["titles"] == {"data": "Scenes", "start": "Trunk"}
    assert run.curves()["score/map50"].steps == (2, 4)
    kept = read_looks(run.folder)
    assert len(kept.samples) == 4 and kept.samples[0]["image"].shape == (3, 256, 256)
    assert kept.looks[0].step == 1 and kept.looks[-1].step == 4


def test_snapshots_are_far_between(line: StepwiseQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_runs, "SNAPSHOT_EVERY", 1e9)
    _run, work = begun(line)
    assert [snapshot.step.step if snapshot.step else 0 for snapshot in work()] == [0, 4], "the first and the last"


@pytest.mark.parametrize("token", ["", "..", "../app", "a" * 15, "A" * 16, "a" * 15 + "/", "a" * 16, "a" * 16 + "\n"])
def test_no_other_name_finds_anything(token: str, line: StepwiseQueue, folder: Path) -> None:
    begun(line)
    (folder / "a").mkdir()
    assert app_runs.find(token) is None


def test_a_pause_saves_the_state_and_a_resumption_goes_on_from_there(line: StepwiseQueue) -> None:
    run, work = begun(line)
    snapshots = stepped(work, 2)
    assert app_runs.is_held(run)
    snapshots.close()  # what a cancelled job's worker does
    assert not app_runs.is_held(run) and (run.folder / STATE).exists()
    run = again(run.name)
    assert run.ended == "stopped"
    line.jobs[-1].cancel()
    job = app_runs.go_on(run)
    assert app_runs.job_of(run) is job and len(line.jobs) == 2
    steps = [snapshot.step.step for snapshot in line.jobs[-1].work() if snapshot.step]
    assert steps[0] == 3 and steps[-1] == 4
    assert len(again(run.name).curves()["learning rate"].steps) == 4


def test_a_run_that_is_at_work_is_not_begun_twice(line: StepwiseQueue) -> None:
    run, work = begun(line)
    assert app_runs.go_on(run) is app_runs.job_of(run) and len(line.jobs) == 1, "its job waits"
    with closing(stepped(work, 1)):
        late = app_runs.watch(plan(), run.folder)
        assert next(late) == app_runs.Snapshot(), "another process waits until this one lets go"
        assert next(late) == app_runs.Snapshot()
        late.close()


def test_a_worker_that_is_killed_lets_go(line: StepwiseQueue) -> None:
    run, _work = begun(line)
    with another_process_holds(run.folder / "lock"):
        assert app_runs.is_held(run)
    assert not app_runs.is_held(run)


def test_what_is_cancelled_keeps_its_weights_and_cannot_go_on(line: StepwiseQueue) -> None:
    run, work = begun(line)
    snapshots = stepped(work, 3)
    app_runs.cancel(run)
    assert line.jobs[-1].poll().state == "cancelled"
    snapshots.close()
    assert not (run.folder / STATE).exists() and (run.folder / WEIGHTS).exists() and app_runs.is_cancelled(run)
    with pytest.raises(CheckpointError, match="was cancelled: start a new one"):
        app_runs.go_on(run)


def test_a_paused_run_is_cancelled_at_once(line: StepwiseQueue) -> None:
    run, work = begun(line)
    stepped(work, 1).close()
    app_runs.cancel(run)
    assert not (run.folder / STATE).exists()


def test_photos_that_have_gone_with_their_session_are_told(line: StepwiseQueue, tmp_path: Path) -> None:
    run, _work = begun(line)
    line.jobs[-1].cancel()
    update_card("card", run.folder, asked={**run.card["asked"], "data": str(tmp_path / "gone")})
    run = again(run.name)
    with pytest.raises(CheckpointError, match="no longer on the server: bring them along again"):
        app_runs.go_on(run)


def test_weights_that_were_given_go_with_the_run(line: StepwiseQueue, tmp_path: Path) -> None:
    given = tmp_path / "given.safetensors"
    save_tensors({"a": torch.zeros(1)}, given)
    token, _job = app_runs.start(plan(), given.read_bytes(), data="Scenes", start="given.safetensors")
    run = app_runs.find(token)
    assert run and app_runs.plan_of(run).start == str(run.folder / "start.safetensors")
    with pytest.raises(CheckpointError, match="of another model") as failed:
        list(line.jobs[-1].work())
    assert str(tmp_path) not in str(failed.value)


@pytest.mark.parametrize("data", ["Annotations", "nothing"])
def test_no_sentence_names_a_path(line: StepwiseQueue, tmp_path: Path, data: str) -> None:
    (tmp_path / "photos" / data).mkdir(parents=True)
    app_runs.start(replace(plan(), data=str(tmp_path / "photos")), data="Photos", start="Trunk")
    with pytest.raises(ValueError, match=r"\w+") as failed:
        list(line.jobs[-1].work())
    assert str(tmp_path) not in str(failed.value)


def test_a_damaged_state_and_a_full_disk_are_sentences(line: StepwiseQueue, monkeypatch: pytest.MonkeyPatch) -> None:
    run, work = begun(line)
    (run.folder / STATE).write_bytes(b"no state")
    with pytest.raises(CheckpointError, match="The state of this training is damaged: start a new one"):
        list(work())
    _run, work = begun(line)

    def full(*_arguments: Any, **_options: Any) -> Iterator[Any]:
        yield from ()
        raise OSError(28, "No space left on device", "/srv/secret")

    monkeypatch.setattr(app_runs, "tune", full)
    with pytest.raises(CheckpointError, match="could not write to") as failed:
        list(work())
    assert "/srv" not in str(failed.value)


def test_the_oldest_runs_make_room_but_none_that_is_at_work(line: StepwiseQueue, folder: Path) -> None:
    runs = [begun(line)[0] for _run in range(4)]
    for age, run in enumerate(runs):
        (run.folder / "weights.safetensors").write_bytes(bytes(10_000))
        for path in run.folder.iterdir():
            os.utime(path, (1000 + age, 1000 + age))
    for job in line.jobs[1:]:
        job.cancel()
    with FileLock(runs[1].folder / "lock"):
        os.utime(runs[1].folder / "lock", (1001, 1001))
        app_runs.make_room(35_000)
    left = [run for run in runs if run.folder.exists()]
    assert left == [runs[0], runs[1], runs[3]], "the first waits in the line, the second is held"


def test_the_card_is_plain_json(line: StepwiseQueue) -> None:
    run, _work = begun(line)
    assert json.loads((run.folder / "card.json").read_text())["asked"]["model"] == "yolo"
