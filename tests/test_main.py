"""The command line, as a user types it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import core.detectors
from core import segmentation
from core.__main__ import app, bench, checking, evaluating, images, training
from core.data import ShapeScenes
from core.detectors import NAMES
from core.families import SHAPES
from core.faults import sentence_of
from core.i18n import speaking
from core.images import read_image
from core.segmentation.study import UPSAMPLERS, head_of
from core.training.loop import TrainingStep
from core.training.recipes import AT_ONCE, RECIPES

runner = CliRunner()


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    path = tmp_path / "scene.png"
    Image.fromarray(ShapeScenes("validation", 1)[0][0].permute(1, 2, 0).numpy()).save(path)
    return path


def said(*words: object, code: int = 0) -> str:
    result = runner.invoke(app, [str(word) for word in words])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return " ".join(result.output.split())


def test_detect_writes_the_promised_json(scene: Path, tmp_path: Path) -> None:
    said("detect", scene, "--family", "shapes", "--detectors", "yolo,faster_rcnn", "--json", tmp_path / "out.json")
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
    output = said("detect", scene, "--family", "shapes", "--detectors", "yolo9000", code=2)
    assert "yolo9000" in output
    assert all(name in output for name in NAMES)


def test_evaluate_writes_the_promised_json_and_leaves_the_card_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "update_card", lambda *_args, **_entries: pytest.fail("not the standard scenes"))
    said("evaluate", "yolo", "--images", 4, "--seed", 3, "--json", tmp_path / "out.json")
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["data"] == {"split": "test", "difficulty": "medium", "seed": 3, "images": 4}
    figures = report["detectors"]["yolo"]
    assert 0.5 < figures["map50"] <= 1
    assert {"map", "map75", "ap50_per_class", "seconds_per_image"} <= set(figures)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, object]]:
    """What goes onto the cards, by their names, instead of being written there."""
    cards: dict[str, dict[str, object]] = {}

    def note(name: str, folder: Path, **entries: object) -> None:
        assert folder == SHAPES.folder
        cards[name] = entries

    monkeypatch.setattr(evaluating, "update_card", note)
    return cards


def test_the_standard_evaluation_goes_onto_the_card(
    noted: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "STANDARD_IMAGES", 4)
    said("evaluate", "yolo", "--images", 4)
    assert noted["yolo"]["evaluation"]["data"] == {  # type: ignore[index]
        "split": "test",
        "difficulty": "medium",
        "seed": 0,
        "images": 4,
    }
    assert "0.40" in noted["yolo"]["map50_by_nms_threshold"]  # type: ignore[operator]


def test_segment_writes_the_class_of_every_pixel(scene: Path, tmp_path: Path) -> None:
    output = said("segment", scene, "--model", "fcn8s", "--out", tmp_path / "labels.png")
    assert "Deconvolution" in output and "background" in output
    with Image.open(tmp_path / "labels.png") as picture:
        assert picture.mode == "P"
        written = torch.from_numpy(np.asarray(picture).astype(np.int64))
        assert picture.convert("RGB").getpixel((0, 0)) == (0, 0, 0)
    predicted = segmentation.load("fcn8s").predict(read_image(scene))
    assert torch.equal(written, predicted) and predicted.any()


def test_segment_refuses_what_it_cannot_read_write_or_find(scene: Path, tmp_path: Path) -> None:
    assert "cannot be written" in said("segment", scene, "--out", tmp_path / "missing" / "labels.png", code=1)
    assert "no such file" in said("segment", tmp_path / "missing.png", "--out", tmp_path / "labels.png", code=1)
    output = said("segment", scene, "--model", "unet", "--out", tmp_path / "labels.png", code=2)
    assert all(name in output for name in segmentation.NAMES)


@pytest.mark.slow
def test_evaluate_knows_segmenters_and_the_study_of_upsamplers(
    tmp_path: Path, noted: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "STANDARD_IMAGES", 2)
    said("evaluate", "fcn8s,mask_rcnn,upsamplers", "--images", 2, "--json", tmp_path / "out.json")
    report = json.loads((tmp_path / "out.json").read_text())
    assert set(report["segmenters"]) == {"fcn8s", "mask_rcnn", *UPSAMPLERS}
    for figures in report["segmenters"].values():
        assert 0 < figures["mean_iou"] <= figures["pixel_accuracy"] <= 1
        assert {"mean_accuracy", "frequency_weighted_iou", "boundary_f", "seconds_per_image"} <= set(figures)
    assert 0 < report["segmenters"]["mask_rcnn"]["mask_ap50"] <= 1
    evaluation = {name: entries["evaluation"] for name, entries in noted.items()}
    cards = {name: head_of(name) if name in UPSAMPLERS else name for name in report["segmenters"]}
    assert set(evaluation) == set(cards.values())
    for name, card in cards.items():
        assert evaluation[card] == {"data": report["data"]} | report["segmenters"][name], name


def test_evaluate_knows_each_way_of_upsampling_by_itself(
    tmp_path: Path, noted: dict[str, dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluating, "STANDARD_IMAGES", 2)
    said("evaluate", "bilinear", "--images", 2, "--json", tmp_path / "out.json")
    segmenters = json.loads((tmp_path / "out.json").read_text())["segmenters"]
    assert list(segmenters) == ["bilinear"] and 0 < segmenters["bilinear"]["mean_iou"] < 1
    assert list(noted) == ["upsamplers/bilinear"]


def test_evaluate_measures_every_upsampling_once_where_it_measures_all(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def note(name: str, *_others: object) -> dict[str, object]:
        measured.append(name)
        return {}

    monkeypatch.setattr(evaluating, "_measured", note)
    monkeypatch.setattr(evaluating, "_measured_segmenters", note)
    said("evaluate", "all", "--seed", 1)
    assert measured == [*NAMES, *segmentation.NAMES, "upsamplers"]


def test_segmenters_are_measured_on_a_folder_of_masks_too(scene: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    scene.rename(folder / "images" / "scene.png")
    said("segment", folder / "images" / "scene.png", "--model", "fcn32s", "--out", folder / "labels" / "scene.png")
    said("evaluate", "fcn32s", "--data", folder, "--json", tmp_path / "out.json")
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["data"] == {"folder": str(folder), "images": 1}
    assert report["segmenters"]["fcn32s"]["mean_iou"] == 1  # against its own answer


def test_evaluate_on_a_folder_that_is_none(tmp_path: Path) -> None:
    assert "Pascal VOC's layout" in said("evaluate", "yolo", "--data", tmp_path, code=1)


def test_a_missing_checkpoint_is_a_sentence_with_the_command(
    scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = replace(SHAPES, folder=tmp_path)
    for module in (images, evaluating):
        monkeypatch.setattr(module, "load", lambda name, family: core.detectors.load(name, empty))
    assert "python -m core train yolo" in said("detect", scene, "--family", "shapes", "--detectors", "yolo", code=1)
    assert "python -m core train yolo" in said("evaluate", "yolo", code=1)


@pytest.mark.parametrize(
    ("words", "module", "broken"),
    [
        (("detect", "SCENE", "--family", "shapes", "--detectors", "yolo"), images, "run"),
        (("segment", "SCENE", "--out", "labels.png"), images, "run"),
        (("train", "yolo"), training, "train_by_recipe"),
        (("evaluate", "yolo", "--images", "1", "--seed", "1"), evaluating, "evaluate"),
        (("check", "FOLDER"), checking, "check_folder"),
        (("bench",), bench, "import_module"),
    ],
)
def test_a_bug_in_a_command_is_a_general_sentence_and_the_log_has_its_traceback(
    words: tuple[str, ...],
    module: ModuleType,
    broken: str,
    scene: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_given: object, **_more: object) -> None:
        raise ValueError("zip() argument 2 is longer than argument 1")

    monkeypatch.setattr(module, broken, fail)
    places = {"SCENE": scene, "FOLDER": tmp_path}
    with speaking("ko"):
        output = said(*(places.get(word, word) for word in words), code=1)
        assert sentence_of(ValueError()) in output and "zip()" not in output
    assert "zip() argument 2" in caplog.text and "Traceback" in caplog.text


def test_what_cannot_be_chosen_is_said_with_the_usage() -> None:
    assert "easy, medium, hard" in said("evaluate", "yolo", "--difficulty", "silly", code=2)
    assert "4294967295" in said("evaluate", "yolo", "--seed", 2**32, code=2)


def test_a_device_that_is_not_there_is_a_sentence() -> None:
    assert "There is no device 'abacus' here" in said("train", "yolo", "--device", "abacus", code=1)


def test_a_report_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    words = ("evaluate", "yolo", "--images", 1, "--seed", 1, "--json", tmp_path / "missing" / "out.json")
    assert "cannot be written: choose another place" in said(*words, code=1)


def test_train_shows_the_loss_parts_and_a_stop_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_arguments: object) -> object:
        yield TrainingStep(7, 0.1, {"confidence": 0.125}, 1e-3, 2.0)
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_by_recipe", interrupted)
    output = said("train", "yolo", code=1)
    assert "yolo, gradient steps, 7: confidence 0.125" in output
    assert "python -m core train yolo --resume" in output


def test_train_all_leaves_the_upsamplings_to_their_study(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trained: list[str] = []

    def noting(name: str, *others: object) -> Iterator[TrainingStep]:
        trained.append(name)
        assert replace(SHAPES, folder=tmp_path) in others
        return iter(())

    monkeypatch.setattr(training, "train_by_recipe", noting)
    said("train", "all", "--folder", tmp_path)
    assert tuple(trained) == AT_ONCE and "upsamplers" in trained and not set(trained) & set(UPSAMPLERS)
    said("train", "nearest", "--folder", tmp_path)
    assert trained[-1] == "nearest" and set(RECIPES) == {*AT_ONCE, *UPSAMPLERS}
