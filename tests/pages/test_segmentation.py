"""The segmentation page, driven by AppTest."""

import io
import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

import core.segmentation
from core.families import SHAPES
from core.segmentation import NAMES, build
from tests.pages.opening import figures, opened

open_page = partial(opened, "segmentation")
VIEWS = {"explore": 1, "compared": 2, "connected": 2, "instances": 1}  # components


@pytest.fixture(autouse=True)
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page shows whatever the weights say: random ones are loaded at once."""
    monkeypatch.setattr(core.segmentation, "load", build)
    st.cache_resource.clear()
    st.cache_data.clear()


def sent(app: AppTest) -> list[dict[str, Any]]:
    """Return what the page sends to the browser."""
    return [json.loads(component.proto.json) for component in figures(app)]


def test_opens_with_a_label_map_its_figures_and_layers() -> None:
    (data,) = sent(open_page())
    assert (data["width"], data["height"], len(data["classes"])) == (256, 256, 7)
    assert data["labels"] and data["truth"] and 0 <= data["figures"]["mean_iou"] <= 1
    assert [one["name"] for one in data["layers"]][-1] == "score"


@pytest.mark.slow
def test_the_address_holds_the_view_the_model_and_the_image() -> None:
    app = open_page(view="Explore", model="Patch CNN", scene="7")
    assert app.pills(key="model").value == "patch_cnn" and app.number_input(key="scene").value == 7
    assert [one["name"] for one in sent(app)[0]["layers"]][-3:] == ["fc6", "fc7", "score"]
    app = open_page(view="Fully connected", shuffle="5")
    assert app.segmented_control(key="view").value == "connected" and app.number_input(key="shuffle").value == 5


@pytest.mark.slow
def test_every_view_opens_after_every_other_on_any_image() -> None:
    app = open_page()
    for image in ("scene", "photo"):
        app.segmented_control(key="image").set_value(image).run()
        for view, components in (*VIEWS.items(), ("explore", 1), ("instances", 1)):
            app.segmented_control(key="view").set_value(view).run()
            assert not app.exception and not app.error, view
            assert len(figures(app)) == components, view


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_model_segments(name: str) -> None:
    app = open_page()
    app.pills(key="model").set_value(name).run()
    (data,) = sent(app)
    assert not app.exception and data["figures"] and data["instances"] == (name == "mask_rcnn")


@pytest.mark.slow
def test_side_by_side_has_every_model_and_how_scores_are_fused() -> None:
    compared, fusion = sent(open_page(view="Side by side"))
    assert [one["name"] for one in compared["models"]] == list(NAMES)
    assert compared["papers"] == {"fcn32s": "59.4 %", "fcn16s": "62.4 %", "fcn8s": "62.7 %"}
    assert [one["stride"] for one in fusion["stages"]] == [32, 16, 8]
    assert any("no significant difference" in words for words in fusion["words"]["explained"])


def test_another_shuffle_leaves_the_scores() -> None:
    app = open_page(view="Fully connected")
    before = sent(app)[0]
    app.number_input(key="shuffle").set_value(1).run()
    after = sent(app)[0]
    assert after["order"] != before["order"] and after["scores"]["plain"] == before["scores"]["plain"]
    assert after["differences"]["together"] < 1e-4 < after["differences"]["alone"]


@pytest.mark.slow
def test_the_next_scene_where_components_fail_is_chosen() -> None:
    app = open_page(view="Instances", scene="0")
    app.button(key="next_merging").click().run()
    assert not app.exception and app.number_input(key="scene").value == 2
    (data,) = sent(app)
    assert data["fates"]["perfect"]["merged"] == 2
    app.button(key="next_merging").click().run()
    assert app.number_input(key="scene").value != 2


@pytest.mark.slow
def test_a_photo_leads_to_a_scene_where_components_fail() -> None:
    app = open_page(view="Instances", image="Photo")
    assert "choose a drawn scene" in app.info[0].value
    app.button(key="next_merging").click().run()
    assert app.segmented_control(key="image").value == "scene" and sent(app)[0]["fates"]["perfect"]["merged"] >= 2


@pytest.mark.slow
def test_where_no_scene_is_found_a_sentence_says_so() -> None:
    """Shapes of easy scenes do not overlap."""
    app = open_page(view="Instances", difficulty="Easy", scene="9999")
    app.button(key="next_merging").click().run()
    assert not app.exception and "choose a harder level" in app.warning[0].value
    assert app.number_input(key="scene").value == 9999


def wait_for(app: AppTest, events: int) -> Any:
    job = app.session_state["segmentation_sliding_job"].job
    end = time.monotonic() + 60
    while len(job.poll().events) < events and job.poll().active and time.monotonic() < end:
        time.sleep(0.05)
    return job


@pytest.mark.slow
def test_the_patch_slides_and_can_be_cancelled() -> None:
    app = open_page(view="Fully connected", image="Photo", family_photo="Drawn shapes")
    assert {name: way["done"] for name, way in sent(app)[1]["ways"].items()} == {
        "convolution": 1024,
        "batches": 0,
        "singly": 0,
    }
    app.button(key="slide").click().run()
    job = wait_for(app, 3)
    app.run()
    assert sent(app)[1]["ways"]["batches"]["done"] >= 32
    app.button(key="cancel_sliding").click().run()
    assert not app.exception and "Cancelled" in app.warning[0].value and job.poll().state == "cancelled"
    assert sent(app)[1]["ways"]["convolution"]["done"] == 1024, "what was labelled stays"


@pytest.mark.slow
def test_a_patch_that_has_slid_shows_every_way() -> None:
    app = open_page(view="Fully connected", image="Upload", family_upload="Drawn shapes")
    small = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(small, "PNG")
    app.file_uploader(key="upload").upload("small.png", small.getvalue(), "image/png").run()
    app.button(key="slide").click().run()
    wait_for(app, 99)
    app.run()
    assert {way["done"] for way in sent(app)[1]["ways"].values()} == {6}
    app.segmented_control(key="image").set_value("scene").run()
    assert sent(app)[1]["ways"]["singly"]["done"] == 0, "it slid over another image"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "size", "shown"),
    [
        ("Drawn shapes", (2, 2), (2, 2)),
        ("Drawn shapes", (1024, 700), (1024, 700)),
        ("Photographs", (2, 2), (320, 320)),
        ("Photographs", (1024, 700), (468, 320)),
    ],
)
@pytest.mark.parametrize("view", ["Explore", "Side by side", "Fully connected", "Instances"])
def test_an_upload_of_any_size_is_shown(view: str, family: str, size: tuple[int, int], shown: tuple[int, int]) -> None:
    app = open_page(image="Upload", view=view, family_upload=family)
    file = io.BytesIO()
    Image.effect_noise(size, 50).convert("RGB").save(file, "PNG")
    app.file_uploader(key="upload").upload("image.png", file.getvalue(), "image/png").run()
    assert not app.exception and not app.error
    assert (sent(app)[0]["width"], sent(app)[0]["height"]) == shown


def test_a_wrong_upload_is_a_sentence() -> None:
    app = open_page(image="Upload")
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception and "not an image" in app.error[0].value and not sent(app)


@pytest.mark.parametrize(("view", "name"), [("Explore", "fcn8s"), ("Fully connected", "patch_cnn")])
def test_a_missing_checkpoint_is_a_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, view: str, name: str
) -> None:
    monkeypatch.undo()
    load, empty = core.segmentation.load, replace(SHAPES, folder=tmp_path)
    monkeypatch.setattr(core.segmentation, "load", lambda name, _family: load(name, empty))
    app = open_page(view=view)
    assert f"python -m core train {name}" in app.error[0].value
    assert not figures(app)
