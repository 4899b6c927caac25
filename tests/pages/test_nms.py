"""The NMS page, driven by AppTest."""

import io
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis.strategies as some
import pytest
import streamlit as st
from hypothesis import given
from PIL import Image
from streamlit.delta_generator import DeltaGenerator
from streamlit.testing.v1 import AppTest

from core.box_table import COLUMNS
from core.data.scenes import CLASSES
from core.families import FAMILIES, SHAPES, Family
from tests.pages.opening import figures, opened
from ui.nms.box_editor import read_address, write_address

open_page = partial(opened, "nms")


def explorer(app: AppTest) -> dict[str, Any]:
    """Return what the page sends to the browser."""
    (component,) = figures(app)
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


def test_a_photo_has_no_truth(photographs: Family) -> None:
    app = open_page(image="Photo", detector="YOLO")
    assert explorer(app)["truth"] is None


def test_own_boxes_replace_the_detectors() -> None:
    app = open_page(edit="true")
    (table,) = app.data_editor
    data = explorer(app)
    assert data["scores"] == table.value["score"].tolist() and len(data["boxes"]) == 12
    assert data["map"] is None, "the held-out mAP is the detector's"
    assert data["editing"] and not explorer(open_page())["editing"]
    assert "boxes" not in app.query_params, "the detector's own boxes need no place in the address"


def test_drawn_boxes_come_with_a_link_and_the_detector_s_come_back() -> None:
    app = open_page(edit="true", boxes="2_0.8_10_20.5_60_70~1_0.5_0_0_256_256")
    data = explorer(app)
    assert data["boxes"] == [[10, 20.5, 60, 70], [0, 0, 256, 256]]
    assert (data["labels"], data["scores"]) == ([2, 1], [0.8, 0.5])
    assert app.query_params["boxes"] == "2_0.8_10_20.5_60_70~1_0.5_0_0_256_256"
    app.button(key="no_boxes").click().run()
    assert explorer(app)["boxes"] == [] and app.query_params["boxes"] == "0"
    app.button(key="detected_boxes").click().run()
    assert len(explorer(app)["boxes"]) == 12 and "boxes" not in app.query_params
    app.toggle(key="edit").set_value(False).run()
    assert len(explorer(app)["boxes"]) > 12


@pytest.mark.parametrize("text", ["", "x", "1_0.5", "99_0.5_0_0_1_1", "inf_0.5_0_0_1_1", "1_0.5_0_0_1_1_1", "~~"])
def test_a_damaged_link_to_boxes_is_left_alone(text: str) -> None:
    assert read_address(text, CLASSES) is None


@given(
    some.lists(
        some.tuples(
            some.sampled_from(CLASSES[1:]),
            some.integers(0, 100).map(lambda hundredths: hundredths / 100),
            *[some.integers(0, 10_240).map(lambda tenths: tenths / 10)] * 4,
        )
    )
)
def test_a_link_holds_every_table(rows: list[tuple[Any, ...]]) -> None:
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    assert read_address(write_address(table, CLASSES), CLASSES) == table


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"x1": 0.0}, "Row 1: x0 is to be less than x1: swap or move them."),
        ({"y1": 999.0}, "Row 1: y1 is to lie between 0 and 256."),
        ({"score": 1.5}, "Row 1: score is to lie between 0 and 1."),
        ({"x0": None}, "Row 1: fill in x0 with a number."),
    ],
)
def test_a_wrong_row_is_a_sentence(change: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # AppTest cannot edit a table, so the editor's return value stands in for the user.
    monkeypatch.setattr(DeltaGenerator, "data_editor", lambda _place, table, **_options: table.assign(**change))
    app = open_page(edit="true")
    assert app.error[0].value == sentence
    assert not figures(app)


def test_a_wrong_upload_is_a_sentence(photographs: Family) -> None:
    app = open_page(image="Upload")
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception
    assert "not an image" in app.error[0].value
    good = io.BytesIO()
    Image.new("RGB", (50, 40), "teal").save(good, "PNG")
    app.file_uploader(key="upload").upload("good.png", good.getvalue(), "image/png").run()
    assert not app.exception and not app.error


def test_a_missing_checkpoint_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FAMILIES, SHAPES.name, replace(SHAPES, folder=tmp_path))
    st.cache_resource.clear()
    app = open_page(detector="YOLO")
    assert "python -m core train yolo" in app.error[0].value
    assert not figures(app)


def test_map_on_held_out_scenes_comes_from_the_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "faster_rcnn.safetensors").symlink_to(SHAPES.folder / "faster_rcnn.safetensors")
    monkeypatch.setitem(FAMILIES, SHAPES.name, replace(SHAPES, folder=tmp_path))
    app = open_page()
    assert explorer(app)["map"] is None
    assert any("python -m core evaluate faster_rcnn" in caption.value for caption in app.caption)
    (tmp_path / "faster_rcnn.json").write_text('{"map50_by_nms_threshold": {"0.50": 0.91, "0.30": 0.93}}')
    app.run()
    assert explorer(app)["map"] == [[0.3, 0.93], [0.5, 0.91]]
    assert not any("evaluate" in caption.value for caption in app.caption)
