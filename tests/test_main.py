"""The command line, as a user types it."""

import json
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

import core.detectors
from core import __main__ as command_line
from core.data import ShapeScenes
from core.detectors import NAMES
from core.training.loop import TrainingStep

runner = CliRunner()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    Image.fromarray(ShapeScenes("validation", 1)[0][0].permute(1, 2, 0).numpy()).save(path)
    return path


def said(*words: object, code: int = 0) -> str:
    result = runner.invoke(command_line.app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_detect_writes_the_promised_json(scene: Path, tmp_path: Path) -> None:
    said("detect", scene, "--detectors", "yolo,faster_rcnn", "--json", tmp_path / "out.json")
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["image"] == {"source": str(scene), "width": 256, "height": 256}
    assert [run["detector"] for run in report["runs"]] == ["yolo", "faster_rcnn"]
    for run in report["runs"]:
        assert run["seconds"] == pytest.approx(sum(stage["seconds"] for stage in run["stages"]))
        best = run["detections"][0]
        assert best["label"] in ShapeScenes.classes[1:]
        assert 0 < best["score"] <= 1
        assert len(best["box"]) == 4


def test_detect_refuses_what_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no image")
    assert "not an image" in said("detect", tmp_path / "text.png", code=1)
    assert "no such file" in said("detect", tmp_path / "missing.png", code=1)


def test_unknown_names_are_refused_with_the_known_ones(scene: Path) -> None:
    output = said("detect", scene, "--detectors", "yolo9000", code=2)
    assert "yolo9000" in output
    assert all(name in output for name in NAMES)


def test_evaluate_writes_the_promised_json_and_leaves_the_card_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "update_card", lambda *_args, **_entries: pytest.fail("not the standard scenes"))
    said("evaluate", "yolo", "--images", 4, "--seed", 3, "--json", tmp_path / "out.json")
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["data"] == {"split": "test", "difficulty": "medium", "seed": 3, "images": 4}
    figures = report["detectors"]["yolo"]
    assert 0.5 < figures["map50"] <= 1
    assert {"map", "map75", "ap50_per_class", "seconds_per_image"} <= set(figures)


def test_the_standard_evaluation_goes_onto_the_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_line, "STANDARD_IMAGES", 4)
    noted: dict[str, dict[str, object]] = {}
    monkeypatch.setattr(command_line, "update_card", lambda name, **entries: noted.update({name: entries}))
    said("evaluate", "yolo", "--images", 4)
    assert noted["yolo"]["evaluation"]["data"] == {  # type: ignore[index]
        "split": "test",
        "difficulty": "medium",
        "seed": 0,
        "images": 4,
    }
    assert "0.40" in noted["yolo"]["map50_by_nms_threshold"]  # type: ignore[operator]


def test_evaluate_on_a_folder_that_is_none(tmp_path: Path) -> None:
    assert "Pascal VOC's layout" in said("evaluate", "yolo", "--data", tmp_path, code=1)


def test_a_missing_checkpoint_is_a_sentence_with_the_command(
    scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "load", partial(core.detectors.load, folder=tmp_path))
    assert "python -m core train yolo" in said("detect", scene, "--detectors", "yolo", code=1)
    assert "python -m core train yolo" in said("evaluate", "yolo", code=1)


def test_train_shows_the_loss_parts_and_a_stop_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object) -> object:
        yield TrainingStep(7, 0.1, {"confidence": 0.125}, 1e-3, 2.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "train_by_recipe", interrupted)
    output = said("train", "yolo", code=1)
    assert "yolo, gradient steps, 7: confidence 0.125" in output
    assert "python -m core train yolo --resume" in output
