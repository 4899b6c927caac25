"""The YOLO page, driven by AppTest."""

import io
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from PIL import Image

from core.data.scenes import CLASSES
from core.families import FAMILIES, SHAPES, Family
from tests.pages.opening import figures, opened, sent

open_page = partial(opened, "yolo")


def test_opens_with_the_grid_of_a_scene_and_detections_in_it() -> None:
    data = sent(open_page())
    assert data["side"] == 16 and len(data["boxes"]) == 512
    assert any(one["score"] > 0.3 for one in data["detections"]), "there is nothing worth seeing"


def test_the_address_holds_the_view_and_the_image() -> None:
    app = open_page(view="Loss", scene="7")
    assert app.segmented_control(key="view").value == "loss" and app.number_input(key="scene").value == 7
    data = sent(app)
    assert sum(map(sum, data["terms"].values())) > 0 and data["objects"]


def test_every_view_opens_after_every_other() -> None:
    app = open_page()
    for view in ("loss", "drag", "train", "grid", "drag"):
        app.segmented_control(key="view").set_value(view).run()
        assert not app.exception and not app.error
        assert len(figures(app)) == 1


@pytest.mark.parametrize("view", ["Loss", "Drag a box"])
@pytest.mark.parametrize(
    "address", [{"image": "Photo", "family_photo": "Drawn shapes"}, {"family_scene": "Photographs"}], ids=str
)
def test_without_ground_truth_that_the_models_know_the_loss_says_what_to_do(
    view: str, address: dict[str, str], photographs: Family
) -> None:
    app = open_page(view=view, **address)
    assert "choose a drawn scene for models of drawn shapes" in app.info[0].value
    assert not figures(app)


@pytest.mark.parametrize(("family", "first"), [("Drawn shapes", CLASSES[1]), ("Photographs", "person")])
def test_a_photo_has_a_grid(family: str, first: str, photographs: Family) -> None:
    data = sent(open_page(image="Photo", family_photo=family))
    assert data["truth"] is None and len(data["boxes"]) == 2 * data["side"] ** 2
    assert data["classes"][1]["name"] == first


def test_a_box_to_drag_comes_with_its_gradient() -> None:
    data = sent(open_page(view="Drag a box"))
    assert data["error"] == "" and len(data["answer"]["byBox"]) == 4 and data["answer"]["object"]
    assert data["answer"]["cell"] in [one["cell"] for one in data["objects"]]


def test_a_wrong_upload_is_a_sentence_and_a_good_one_has_a_grid(photographs: Family) -> None:
    app = open_page(image="Upload")
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception and "not an image" in app.error[0].value
    good = io.BytesIO()
    Image.new("RGB", (50, 40), "teal").save(good, "PNG")
    app.file_uploader(key="upload").upload("good.png", good.getvalue(), "image/png").run()
    assert not app.exception and not app.error
    assert (sent(app)["width"], sent(app)["height"]) == (50, 40)


def test_a_missing_checkpoint_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FAMILIES, SHAPES.name, replace(SHAPES, folder=tmp_path))
    st.cache_resource.clear()
    st.cache_data.clear()
    app = open_page()
    assert "python -m core train yolo" in app.error[0].value
    assert not figures(app)


@pytest.mark.slow
def test_a_training_streams_its_loss_and_can_be_cancelled() -> None:
    app = open_page(view="Train it")
    before = sent(app)
    assert before["looks"] == [] and before["image"], "the image that it will be watched on is there before"
    app.button(key="train").click().run()
    job = app.session_state["yolo_training_job"].job
    end = time.monotonic() + 60
    while len(job.poll().events) < 2 and time.monotonic() < end:
        time.sleep(0.1)
    app.run()
    data = sent(app)
    assert len(data["losses"]) == 3 and len(data["seconds"]) >= 2 and data["looks"]
    app.button(key="cancel_training").click().run()
    assert not app.exception and "Cancelled" in app.warning[0].value
    assert job.poll().state == "cancelled" and sent(app)["looks"], "what it had learnt stays"


def test_a_new_training_ends_the_last_one() -> None:
    app = open_page(view="Train it")
    app.button(key="train").click().run()
    first = app.session_state["yolo_training_job"].job
    app.button(key="train").click().run()
    second = app.session_state["yolo_training_job"].job
    assert first.poll().state == "cancelled" and second is not first
    second.cancel()
