"""Whose models look at an image: what each page starts with, what the chooser changes, and what is said of it."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.photos import FOLDER
from core.families import ANIMALS, FAMILIES, PHOTOS, Family
from tests.pages.opening import figures, opened

SHAPES_ONLY = "six drawn shapes only"
LEARNED = "learned from photographs and know only: person, dog, cat, horse, cow, sheep"
LEFT_OUT = "left out of the ground truth"
# What each page sends to the browser says by how many classes it knows, or how its map is wide.
PAGES: dict[str, dict[str, str]] = {
    "nms": {"detector": "YOLO"},
    "proposals": {"view": "RPN"},
    "pooling": {},
    "yolo": {},
}


def raced(app: AppTest) -> str:
    """Return whose detectors the session's race is between, when it has ended."""
    end = time.monotonic() + 60
    while app.session_state["race"].job.poll().active:
        assert time.monotonic() < end, "the race did not end"
        time.sleep(0.05)
    family: Family = app.session_state["race"].family
    return family.name


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def chosen(app: AppTest, kind: str, family: str) -> AppTest:
    app.button_group(key=f"family_{kind}").set_value(family).run()
    assert not app.exception
    return app


def upload(app: AppTest) -> AppTest:
    app.file_uploader(key="upload").upload("cat.png", (FOLDER / "chelsea.png").read_bytes(), "image/png").run()
    assert not app.exception
    return app


def test_a_scene_is_for_the_shapes_and_a_photo_for_the_photographs(in_threads: None, photographs: Family) -> None:
    app = opened("detectors")
    assert raced(app) == "shapes" and "know" not in captions(app)
    app.button_group(key="image").set_value("photo").run()
    assert raced(app) == "photos" and "know" not in captions(app)
    assert app.session_state["race"].family == photographs
    app.button_group(key="image").set_value("upload").run()
    assert raced(upload(app)) == "photos"


def test_the_chooser_changes_it_and_one_line_says_what_the_models_know(in_threads: None, photographs: Family) -> None:
    app = chosen(opened("detectors", image="Photo"), "photo", "shapes")
    assert raced(app) == "shapes" and SHAPES_ONLY in captions(app)
    app = chosen(opened("detectors"), "scene", "photos")
    assert raced(app) == "photos" and LEARNED in captions(app)


def test_another_kind_of_image_starts_with_its_own_family_again(in_threads: None, photographs: Family) -> None:
    app = chosen(opened("detectors", image="Photo"), "photo", "shapes")
    app.button_group(key="image").set_value("scene").run()
    assert raced(app) == "shapes"
    app.button_group(key="image").set_value("photo").run()
    assert raced(app) == "photos", "it is what somebody chose for another image, before"


def test_a_link_names_the_family_and_another_page_keeps_it(in_threads: None, photographs: Family) -> None:
    app = opened("detectors", image="Photo", family_photo="Drawn shapes")
    assert raced(app) == "shapes"
    app.switch_page("pages/start.py").run()
    app.switch_page("pages/detectors.py").run()
    assert raced(app) == "shapes" and app.query_params["family_photo"] == "Drawn shapes"


def test_names_are_those_of_the_family(in_threads: None, photographs: Family) -> None:
    app = opened("detectors", image="Photo")
    raced(app)
    finished = [drawn for drawn in app.session_state["race"].job.poll().events if drawn.picture]
    words = " ".join(drawn.picture.words for drawn in finished)
    assert f"scored for {len(ANIMALS) - 1} classes" in words


def test_a_missing_checkpoint_is_a_sentence_for_each_detector_that_lacks_it(
    in_threads: None, stand_ins: Family, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("trunk", "faster_rcnn"):
        (tmp_path / f"{name}.safetensors").symlink_to(stand_ins.folder / f"{name}.safetensors")
    monkeypatch.setitem(FAMILIES, PHOTOS.name, replace(stand_ins, folder=tmp_path))
    app = opened("detectors", image="Photo")
    raced(app)
    app.run()
    (warning,) = app.warning
    assert "The checkpoint of yolo is missing" in warning.value
    assert [one["name"] for one in json.loads(figures(app)[0].proto.json)["lanes"]] == ["faster_rcnn"]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_detectors_starts_with_what_fits_the_image(page: str, photographs: Family) -> None:
    app = opened(page, **PAGES[page])
    shapes = figures(app)[0].proto.json
    assert app.button_group(key="family_scene").value == "shapes" and "know" not in captions(app)
    app.button_group(key="image").set_value("upload").run()
    app = upload(app)
    assert app.button_group(key="family_upload").value == "photos" and SHAPES_ONLY not in captions(app)
    photos = figures(app)[0].proto.json
    app = chosen(app, "upload", "shapes")
    assert SHAPES_ONLY in captions(app)
    assert len({shapes, photos, figures(app)[0].proto.json}) == 3, "the other family's answer is shown"


def test_where_nothing_was_found_the_page_says_what_the_models_know(photographs: Family) -> None:
    app = opened("nms", image="Photo", detector="Faster R-CNN")
    assert "Nothing that these models know was found" in app.info[0].value and "cat, horse" in app.info[0].value
    assert not opened("nms", image="Photo", detector="YOLO").info, "random weights are sure of what they say"
    assert not opened("nms").info


def test_a_classifier_names_the_whole_picture_and_a_region(in_threads: None, photographs: Family) -> None:
    app = opened("detectors", image="Photo", photo="Chelsea")
    raced(app)
    app.run()
    (named,) = [one.value for one in app.markdown if "to a classifier" in one.value]
    assert "whole picture" in named and "Egyptian cat 0." in named
    assert "1.3 million photos of ImageNet" in captions(app)
    app = opened("pooling", image="Photo", photo="Coffee")
    (named,) = [one.value for one in app.markdown if "to a classifier" in one.value]
    assert "The region" in named and "espresso 0." in named
    assert not [one for one in opened("pooling").markdown if "to a classifier" in one.value], (
        "shapes have no name there"
    )


@pytest.mark.parametrize("page", PAGES)
def test_what_the_models_do_not_know_is_no_ground_truth_of_theirs(page: str, photographs: Family) -> None:
    app = opened(page, family_scene="Photographs", **PAGES[page])
    assert LEARNED in captions(app) and LEFT_OUT in captions(app)
    assert '"truth": {' not in figures(app)[0].proto.json and '"circle"' not in figures(app)[0].proto.json


def test_on_a_scene_the_own_family_s_truth_stays_whole(photographs: Family) -> None:
    app = opened("nms")
    assert LEFT_OUT not in captions(app) and '"truth": {' in figures(app)[0].proto.json
