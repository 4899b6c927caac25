"""The page on region proposals, driven by AppTest."""

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.detectors.recall import COUNTS
from core.families import FAMILIES, SHAPES, Family
from tests.pages.opening import figures, opened
from ui.proposals import recall

open_page = partial(opened, "proposals")
PATIENCE = 60.0  # seconds


def sent(app: AppTest) -> list[dict[str, Any]]:
    """Return what the page sends to its components in the browser."""
    return [json.loads(component.proto.json) for component in figures(app)]


def explorer(app: AppTest) -> dict[str, Any]:
    (data,) = sent(app)
    return data


def test_opens_with_a_hierarchy_and_no_click() -> None:
    app = open_page()
    data = explorer(app)
    assert data["merges"] and data["truth"]["boxes"] and data["abo"]
    assert data["weights"] == [1, 1, 1, 1]
    assert not app.warning and not app.error


def test_a_preset_offers_each_of_its_hierarchies() -> None:
    app = open_page(preset="Fast")
    before = explorer(app)
    choice = app.selectbox(key="hierarchy_fast")
    assert len(choice.options) == 8
    choice.set_value(2).run()
    data = explorer(app)
    assert data["weights"] == [0, 1, 1, 1] and data["key"] != before["key"]
    assert data["labels"] == before["labels"], "the weights change the merges, not the segments"
    app.segmented_control(key="preset").set_value("quality").run()
    assert len(app.selectbox(key="hierarchy_quality").options) == 80


def test_own_sliders_choose_the_strategy() -> None:
    app = open_page(preset="My own", space="Lab", k="50", weight_texture="0.5")
    data = explorer(app)
    assert data["weights"] == [1, 0.5, 1, 1] and "'lab'" in data["key"] and "k=50" in data["key"]
    app.select_slider(key="k").set_value(1000).run()
    assert len(explorer(app)["merges"]) < len(data["merges"]), "a larger k gives fewer segments"
    for name in ("colour", "texture", "size", "fill"):
        app.slider(key=f"weight_{name}").set_value(0.0)
    app.run()
    assert "raise one of them" in app.warning[0].value
    assert not app.exception and explorer(app)["weights"] == [0, 0, 0, 0]


def test_the_rpn_is_shown_with_its_labels() -> None:
    data = explorer(open_page(view="RPN", scene="3"))
    assert (data["rows"], data["columns"], len(data["shapes"])) == (16, 16, 9)
    assert data["reason"] and data["suppressor"] and data["most"] == 300


def test_the_three_methods_are_compared_on_the_image() -> None:
    data = explorer(open_page(view="Compare", mode="Single"))
    assert [method["name"] for method in data["methods"]] == ["selective_search", "rpn", "sliding_window"]
    assert all(len(method["curves"]["abo"]) == len(COUNTS) and method["seconds"] > 0 for method in data["methods"])
    at_100 = {method["name"]: method["curves"]["abo"][COUNTS.index(100)] for method in data["methods"]}
    assert at_100["rpn"] > at_100["sliding_window"], "a trained RPN does better than a grid"


@pytest.mark.slow
@pytest.mark.parametrize("view", ["Selective search", "RPN", "Compare"])
@pytest.mark.parametrize("family", ["Drawn shapes", "Photographs"])
def test_an_image_without_truth_says_what_is_missing(view: str, family: str, photographs: Family) -> None:
    app = open_page(view=view, image="Photo", photo="Coffee", mode="Single", family_photo=family)
    said = [element.value for element in (*app.info, *app.caption)]
    assert any("no ground truth" in sentence for sentence in said)
    assert explorer(app)["truth"] is None


@pytest.mark.slow
@pytest.mark.parametrize("view", ["Selective search", "RPN", "Compare"])
def test_a_wrong_upload_is_a_sentence(view: str) -> None:
    app = open_page(view=view, image="Upload")
    assert not sent(app)
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception
    assert "not an image" in app.error[0].value and not sent(app)


@pytest.mark.parametrize("view", ["RPN", "Compare"])
def test_a_missing_checkpoint_is_a_sentence_with_the_command(
    view: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(FAMILIES, SHAPES.name, replace(SHAPES, folder=tmp_path))
    st.cache_resource.clear()
    app = open_page(view=view)
    assert "python -m core train faster_rcnn" in app.error[0].value
    assert not sent(app)


def finished(app: AppTest) -> AppTest:
    end = time.monotonic() + PATIENCE
    while app.session_state["measurement"]["job"].poll().active and time.monotonic() < end:
        time.sleep(0.05)
    return app.run()


@pytest.mark.slow
def test_held_out_scenes_are_measured_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "SCENES", 3)
    app = open_page(view="Compare", mode="Single")
    app.button(key="measure").click().run()
    finished(app)
    here, held_out = sent(app)
    assert here["scenes"] == 1 and held_out["scenes"] == 3 and held_out["image"] is None
    assert not app.get("progress") and not any(button.key == "cancel" for button in app.button)
    app.segmented_control(key="mode").set_value("fast").run()
    assert len(sent(app)) == 1, "what was measured with another mode is not shown under this one"


@pytest.mark.slow
def test_a_measurement_can_be_cancelled() -> None:
    app = open_page(view="Compare", mode="Quality", held_out="Hard")
    app.button(key="measure").click().run()
    app.button(key="cancel").click().run()
    finished(app)
    assert "Cancelled after" in app.warning[0].value
    assert not app.exception


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        {"view": "Nothing", "preset": "Nothing"},
        {"preset": "Fast", "hierarchy_fast": "99"},
        {"preset": "My own", "k": "77", "weight_colour": "7", "space": "CMYK"},
        {"view": "Compare", "mode": "Slow", "held_out": "Harder"},
    ],
)
def test_nonsense_in_the_address_falls_back_to_the_defaults(address: dict[str, str]) -> None:
    app = open_page(**address)
    data = explorer(app)
    assert data.get("weights", [1, 1, 1, 1]) == [1, 1, 1, 1]
    assert not app.error
