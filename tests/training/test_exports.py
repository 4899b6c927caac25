"""The logs of runs, taken away."""

import io
import zipfile
from pathlib import Path

from core.training.exports import event_files, metrics_csv
from core.training.runs import Run


def test_metrics_are_one_long_table(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(
        '{"step": 1, "seconds": 0.5, "loss": {"a, b": 2.0}, "learning rate": 0.1}\n'
        '{"step": 1, "seconds": 0.5, "score": {"map50": 0.25}}\n'
    )
    lines = metrics_csv({"one": Run(tmp_path, {})}).decode().splitlines()
    assert lines[0] == "run,figure,step,seconds,value"
    assert 'one,"loss/a, b",1,0.5,2.0' in lines and "one,score/map50,1,0.5,0.25" in lines and len(lines) == 4


def test_event_files_are_packed_by_run_and_nothing_else_is(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "events.out.tfevents.1").write_bytes(name.encode())
        (tmp_path / name / "state.safetensors").write_bytes(b"large")
    packed = event_files([Run(tmp_path / name, {}) for name in ("one", "two")])
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == ["events/one/events.out.tfevents.1", "events/two/events.out.tfevents.1"]
        assert archive.read("events/two/events.out.tfevents.1") == b"two"
