"""``python -m core train NAME --data FOLDER``, as it is typed, and by two processes under torchrun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from core.__main__ import app
from core.commands import training
from core.families import SHAPES
from core.training.runs import Run, read_metrics, runs_in
from core.training.team import Team
from core.training.trained_model import load_trained

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FEW = ("--steps", 2, "--batch-size", 2)
runner = CliRunner()


def said(*words: object, code: int = 0) -> str:
    result = runner.invoke(app, ["train", *map(str, words)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_a_folder_becomes_a_run_directory(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    output = said("yolo", "--data", folder / "voc", "--freeze", "trunk", "--out", out, *FEW)
    assert "4 images to learn from, 2 to validate; berry, leaf" in output
    assert "Taken over: 30 tensors; new: head.0.weight" in output
    assert "After step 2: mAP@0.5 0." in output and "The run is in" in output
    [run] = runs_in(tmp_path)
    assert run.plan["freeze"] == "trunk" and run.plan["start"] == "trunk" and run.plan["steps"] == 2
    assert load_trained(run.weights).classes == ("background", "berry", "leaf")
    output = said("yolo", "--data", folder / "voc", "--out", out, "--from", run.weights, *FEW, code=1)
    assert "holds a run already" in output
    second = tmp_path / "second"
    assert "new: none" in said("yolo", "--data", folder / "voc", "--from", run.weights, "--out", second, *FEW)
    third = tmp_path / "third"
    assert "Taken over" not in said("yolo", "--data", folder / "voc", "--from", "nothing", "--out", third, *FEW)
    assert runs_in(tmp_path)[0].plan["start"] is None


def test_a_classifier_learns_the_objects_of_a_folder(folder: Path, tmp_path: Path) -> None:
    output = said("classifier", "--data", folder / "voc", "--out", tmp_path / "run", *FEW)
    assert "8 images to learn from, 4 to validate; berry, leaf" in output
    assert "After step 2: Accuracy 0." in output or "After step 2: Accuracy 1." in output
    assert load_trained(tmp_path / "run" / "weights.safetensors").classes == ("berry", "leaf")


def test_ctrl_c_says_how_to_go_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "tune", interrupted)
    output = said("yolo", "--data", folder / "voc", "--out", tmp_path / "run", code=1)
    assert "Go on with the same command and --resume --out" in output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("yolo", "--data", "nowhere"), "There is no dataset in nowhere"),
        (("yolo", "--data", "VOC", "--from", "weights.pt"), "weights.pt is a pickle file"),
        (("yolo", "--data", "VOC", "--from", "resnet"), "no checkpoint resnet: choose among"),
        (("yolo", "--data", "VOC", "--resume", "--out", "none"), "none holds no run that could be resumed"),
        (("fcn8s", "--data", "VOC"), "voc has boxes, and FCN-8s learns from masks"),
    ],
)
def test_what_does_not_fit_is_a_sentence(words: tuple[str, ...], sentence: str, folder: Path, tmp_path: Path) -> None:
    given = [str(folder / "voc") if word == "VOC" else word for word in words]
    assert sentence in said("--folder", SHAPES.folder, *given, *FEW, code=1)


def test_models_without_a_training_on_folders_are_refused(folder: Path) -> None:
    assert "'upsamplers'" in said("upsamplers", "--data", folder / "voc", code=2)


@pytest.fixture(scope="module")
def together(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run by two processes, and what they said; the leader's scores are to wait for nobody."""
    out = tmp_path_factory.mktemp("together") / "run"
    started = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = ["-m", "core", "train", "yolo", "--data", folder / "voc", "--out", out, *FEW]
    ran = subprocess.run(
        [*started, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return out, ran.stdout + ran.stderr


def test_torchrun_trains_on_shared_batches_with_one_writer(
    together: tuple[Path, str], folder: Path, tmp_path: Path
) -> None:
    out, output = together
    assert output.count("The run is in") == 1, "one process tells"
    assert sorted(path.name for path in out.iterdir() if "events" not in path.name) == [
        "card.json",
        "metrics.jsonl",
        "state.safetensors",
        "weights.safetensors",
    ]
    assert len(list(out.glob("events*"))) == 1
    said("yolo", "--data", folder / "voc", "--out", tmp_path / "alone", *FEW)
    lines, expected = (
        [line["loss"] for line in read_metrics(place) if "loss" in line] for place in (out, tmp_path / "alone")
    )
    assert len(lines) == 2
    for part, value in expected[0].items():
        assert lines[0][part] == pytest.approx(value, rel=2e-2), "bfloat16 has a part in 256"
    assert Run(out, {}).curves().keys() == Run(tmp_path / "alone", {}).curves().keys()
    assert torch.equal(load_file(out / "state.safetensors")["step"], torch.tensor(2))


def test_one_process_goes_on_with_what_two_began(together: tuple[Path, str], folder: Path) -> None:
    said("yolo", "--data", folder / "voc", "--out", together[0], "--resume", "--steps", 3, "--batch-size", 2)
    assert [line["step"] for line in read_metrics(together[0]) if "loss" in line] == [1, 2, 3]


def test_several_processes_do_not_train_the_same_recipe_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "joined_team", _a_team_of_two)
    assert "Several processes train with --data FOLDER" in said("yolo", code=1)


class _a_team_of_two:  # noqa: N801 - it stands for a function
    def __init__(self, device: str):
        self.device = device

    def __enter__(self) -> tuple[Team, str]:
        return Team(0, 2), self.device

    def __exit__(self, *_error: object) -> None:
        pass
