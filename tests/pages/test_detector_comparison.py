"""The detector comparison page, driven by AppTest."""

import io
import time
from pathlib import Path

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.detectors import load, race
from core.training import checkpoint

APP = str(Path(__file__).parents[2] / "streamlit_app.py")


def settled(app, seconds=60.0):
    """Rerun until the session's race has ended."""
    end = time.monotonic() + seconds
    while app.session_state["race"].job.poll().active:
        assert time.monotonic() < end, "the race did not end"
        time.sleep(0.1)
    return app.run()


@pytest.fixture
def app():
    opened = AppTest.from_file(APP, default_timeout=60).run()
    assert not opened.exception
    return opened


def test_a_race_is_there_without_a_click(app):
    app = settled(app)
    assert not app.exception
    race = app.session_state["race"]
    assert race.job.poll().state == "done"
    assert {event.event.name for event in race.job.poll().events} == {"faster_rcnn", "yolo"}
    assert len(app.dataframe) == 1


def test_race_enters_the_chosen_detectors():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["detectors"] = "YOLO"
    app = settled(app.run())
    app = settled(app.button(key="go").click().run())
    assert not app.exception
    assert app.session_state["race"].names == ("yolo",)


def test_new_image_ends_the_race_on_the_old_one(app):
    old = app.session_state["race"]
    app.number_input(key="scene").set_value(7).run()
    assert app.session_state["race"] is not old
    assert old.job.poll().state in ("cancelled", "done")
    assert "7" in app.session_state["race"].picked.title


def test_address_restores_the_scene():
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["scene"] = "12"
    app.query_params["difficulty"] = "Hard"
    app.run()
    assert app.number_input(key="scene").value == 12
    assert app.session_state["race"].picked.key == "scene:12:hard"


@pytest.mark.parametrize("view", ["Step through", "Replay", "Cost of proposals", "The papers"])
def test_every_view_of_a_race_opens(view):
    fresh = AppTest.from_file(APP, default_timeout=60)
    fresh.query_params["view"] = view
    fresh = settled(fresh.run())
    assert not fresh.exception
    assert not fresh.dataframe, "the default view is shown instead"


def test_missing_checkpoint_is_a_sentence_and_the_rest_works(monkeypatch, tmp_path):
    def missing(name):
        if name == "yolo":
            raise checkpoint.CheckpointError("The checkpoint of yolo is missing: run `python -m core train yolo`.")
        return original(name)

    original = load
    race._warm.cache_clear()
    monkeypatch.setattr(race, "load", missing)
    app = settled(AppTest.from_file(APP, default_timeout=60).run())
    race._warm.cache_clear()
    assert not app.exception
    assert any("python -m core train yolo" in warning.value for warning in app.warning)
    assert len(app.dataframe) == 1, "the other detector's figures are missing"


def test_upload():
    fresh = AppTest.from_file(APP, default_timeout=60)
    fresh.query_params["image"] = "Upload"
    fresh.run()
    uploader = fresh.file_uploader(key="upload")
    uploader.set_value(("bad.png", b"no image", "image/png")).run()
    assert not fresh.exception
    assert [error.value for error in fresh.error] and "Traceback" not in fresh.error[0].value

    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(buffer, "PNG")
    fresh.file_uploader(key="upload").set_value(("good.png", buffer.getvalue(), "image/png")).run()
    fresh = settled(fresh)
    assert not fresh.exception and not fresh.error
    assert fresh.session_state["race"].picked.title == "good.png"
