"""The NMS page, driven by AppTest."""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import core.detectors
from core.training import checkpoint

APP = str(Path(__file__).parents[2] / "streamlit_app.py")


def open_page(**address: str) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page("pages/nms.py")
    app.run()
    assert not app.exception
    return app


def explorer(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the browser."""
    (component,) = app.get("bidi_component")
    sent: dict[str, Any] = json.loads(component.proto.json)
    return sent


def kept(data: dict[str, Any], row: int) -> int:
    return sum([run for run in runs if run[0] <= row][-1][1] < 0 for runs in data["runs"])


def test_opens_with_a_crowd_of_real_boxes_and_no_click() -> None:
    data = explorer(open_page())
    assert len(data["boxes"]) > 20 and data["truth"]["boxes"]
    assert kept(data, 30) < kept(data, 100) == len(data["boxes"])


def test_the_address_restores_the_choices() -> None:
    app = open_page(detector="YOLO", scene="7", soft="Gaussian")
    assert app.number_input(key="scene").value == 7
    assert explorer(app)["words"]["soft"].startswith("Soft-NMS, Gaussian")


def test_across_classes_suppresses_more() -> None:
    app = open_page(difficulty="Hard", scene="3")
    within = explorer(app)
    app.segmented_control(key="scope").set_value("all").run()
    across = explorer(app)
    assert kept(across, 30) < kept(within, 30)


def test_a_photo_has_no_truth() -> None:
    app = open_page(image="Photo", detector="YOLO")
    assert explorer(app)["truth"] is None


def test_own_boxes_replace_the_detectors() -> None:
    app = open_page(edit="true")
    (table,) = app.data_editor
    data = explorer(app)
    assert data["scores"] == table.value["score"].tolist() and len(data["boxes"]) == 12
    assert data["map"] is None, "the held-out mAP is the detector's"


def test_a_wrong_row_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # AppTest cannot edit a table, so the editor's return value stands in for the user.
    monkeypatch.setattr(st, "data_editor", lambda table, **_options: table.assign(x1=0.0))
    app = open_page(edit="true")
    assert app.error[0].value == "Row 1: x0 is to be less than x1: swap or move them."
    assert not app.get("bidi_component")


def test_a_wrong_upload_is_a_sentence() -> None:
    app = open_page(image="Upload")
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception
    assert "not an image" in app.error[0].value
    good = io.BytesIO()
    Image.new("RGB", (50, 40), "teal").save(good, "PNG")
    app.file_uploader(key="upload").upload("good.png", good.getvalue(), "image/png").run()
    assert not app.exception and not app.error


def test_a_missing_checkpoint_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(core.detectors, "load", partial(core.detectors.load, folder=tmp_path))
    st.cache_resource.clear()
    app = open_page(detector="YOLO")
    assert "python -m core train yolo" in app.error[0].value
    assert not app.get("bidi_component")


def test_map_on_held_out_scenes_comes_from_the_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checkpoint, "read_card", partial(checkpoint.read_card, folder=tmp_path))
    app = open_page()
    assert explorer(app)["map"] is None
    assert any("python -m core evaluate faster_rcnn" in caption.value for caption in app.caption)
    (tmp_path / "faster_rcnn.json").write_text('{"map50_by_nms_threshold": {"0.50": 0.91, "0.30": 0.93}}')
    app.run()
    assert explorer(app)["map"] == [[0.3, 0.93], [0.5, 0.91]]
    assert not any("evaluate" in caption.value for caption in app.caption)
