"""Whose segmenters look at an image, and what is shown of a photo whose pixels are not all labelled."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.families import FAMILIES, PHOTOS, SHAPES, Family
from core.scripts import segmentation as scripts
from tests.data.written_folders import thing, write, write_voc_masks
from tests.pages.opening import figures, opened

KIND = "Set"
VIEWS = {"Explore": 1, "Side by side": 2, "Fully connected": 2, "Instances": 1}  # components


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of the owner's: a dog in an outline of void, a kettle beside it, and a photo that has no mask."""
    root = tmp_path / "zoo"
    write(root, "a", thing("dog", 11, 6, 50, 36), thing("kettle", 1, 1, 9, 9))
    write_voc_masks(root, "a", [(8, 3, 52, 38, 255, 255), (10, 5, 50, 36, 2, 1), (0, 0, 9, 9, 5, 2)])
    write(root, "b", thing("dog", 11, 6, 50, 36))
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "val.txt").write_text("a\nb\n")
    write(tmp_path / "boxes", "c", thing("dog", 11, 6, 50, 36))
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    st.cache_data.clear()
    st.cache_resource.clear()
    return root


def sent_all(app: AppTest) -> list[dict[str, Any]]:
    """What the page sends to the browser."""
    return [json.loads(component.proto.json) for component in figures(app)]


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def class_names(data: dict[str, Any]) -> list[str]:
    return [one["name"] for one in data["classes"]]


def test_a_scene_is_for_the_shapes_and_a_photo_for_the_photographs(photographs: Family) -> None:
    app = opened("segmentation")
    assert class_names(sent_all(app)[0]) == list(SHAPES.classes)
    app.button_group(key="image").set_value("photo").run()
    (data,) = sent_all(app)
    assert class_names(data) == list(PHOTOS.classes) and data["layer"] == "block7"
    assert min(data["width"], data["height"]) == 320 and "Scaled to" in captions(app)
    app.button_group(key="family_photo").set_value("shapes").run()
    (data,) = sent_all(app)
    assert class_names(data) == list(SHAPES.classes) and "six drawn shapes only" in captions(app)


@pytest.mark.slow
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_a_photo_of_a_set_with_what_is_not_known_as_void(
    view: str, zoo: Path, photographs: Family
) -> None:
    app = opened("segmentation", image=KIND, view=view)
    assert not app.exception and not [one.value for one in app.error] and len(figures(app)) == VIEWS[view]
    assert app.selectbox(key="set").options == ["zoo"], "the other set has boxes alone"
    first = sent_all(app)[0]
    assert class_names(first) == list(PHOTOS.classes) and "know nothing of: kettle" in captions(app)
    if "void" in first:
        assert first["void"]["name"] == "not known"
    if view == "Explore":
        known = sum(map(sum, first["figures"]["confusion"]))
        assert 0.75 < known / (first["width"] * first["height"]) < 0.85, "the outline and the kettle are not scored"


@pytest.mark.slow
def test_upsampling_enlarges_the_scores_of_a_photo(zoo: Path, photographs: Family) -> None:
    app = opened("upsampling", image=KIND)
    (data,) = sent_all(app)
    assert not app.exception and class_names(data) == list(PHOTOS.classes)
    assert (data["height"], data["width"]) == (320, 480) and data["void"]["name"] == "not known"
    assert all(0 <= way["here"] <= 1 for way in data["ways"])
    assert app.selectbox(key="score_class").options[1:] == list(PHOTOS.classes)
    app.button_group(key="image").set_value("scene").run()
    assert class_names(sent_all(app)[0]) == list(SHAPES.classes)


def test_the_code_makes_the_same_of_a_photo_of_a_set(zoo: Path, photographs: Family) -> None:
    (data,) = sent_all(opened("segmentation", image=KIND))
    names: dict[str, Any] = {}
    script = scripts.segmented("set:zoo:0", "zoo", "photos", ("fcn8s",))
    exec(compile(script.text, "segmentation.py", "exec"), names)
    assert names["report"]["confusion"] == data["figures"]["confusion"]
    photo = "set:zoo:0", "zoo", "photos"
    for again in (scripts.connected(*photo, 3), scripts.instances(*photo)):
        exec(compile(again.text, "again.py", "exec"), {})
    exec(compile(scripts.ways(*photo, True).text, "ways.py", "exec"), names)
    assert tuple(names["scores"].shape) == (7, 320, 480)


@pytest.mark.parametrize(("page", "name"), [("segmentation", "fcn8s"), ("upsampling", "upsamplers")])
def test_what_was_not_trained_says_how_it_is(page: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FAMILIES, PHOTOS.name, replace(PHOTOS, folder=Path("nowhere")))
    st.cache_resource.clear()
    app = opened(page, image="Photo")
    assert not app.exception and f"The checkpoint of {name} is missing" in app.error[0].value


def test_where_no_set_has_masks_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "boxes", "c", thing("dog", 11, 6, 50, 36))
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    st.cache_data.clear()
    app = opened("segmentation", image=KIND)
    assert not app.exception and "no set of photos with masks" in app.info[0].value
