"""Photos with ground truth of the sets on the server: chosen on a page, labelled as the family's models are."""

import json
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.families import PHOTOS, Family
from core.scripts import detection
from tests.data.written_folders import thing, write
from tests.pages.opening import figures, opened

KIND = "Set"


@pytest.fixture
def animals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set of the owner's with four photos, the last two for validation."""
    root = tmp_path / "zoo"
    for name in ("a", "b"):
        write(root, name, thing("cow", 3, 3, 20, 20))
    write(root, "c", thing("dog", 11, 6, 50, 36), thing("kettle", 3, 3, 20, 20))
    write(root, "d", thing("sheep", 5, 5, 30, 30), thing("dog", 1, 1, 60, 40, difficult=1))
    (root / "ImageSets" / "Main").mkdir(parents=True)
    (root / "ImageSets" / "Main" / "val.txt").write_text("c\nd\n")
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    st.cache_data.clear()
    st.cache_resource.clear()
    return root


def sent(app: AppTest) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(figures(app)[0].proto.json)
    return data


def captions(app: AppTest) -> str:
    return " ".join(caption.value for caption in app.caption)


def test_truth_is_labelled_as_the_family_labels_and_the_rest_is_said(animals: Path, photographs: Family) -> None:
    app = opened("nms", image=KIND, detector="YOLO")
    assert app.button_group(key="family_set").value == "photos"
    assert sent(app)["truth"] == {"boxes": [[10, 5, 50, 36]], "labels": [PHOTOS.classes.index("dog")]}
    assert "know nothing of: kettle" in captions(app)
    app.number_input(key="number").set_value(1).run()
    assert sent(app)["truth"]["labels"] == [PHOTOS.classes.index("sheep")]
    assert "1 object marked as difficult is left out" in captions(app) and "kettle" not in captions(app)


def test_a_number_beyond_the_last_photo_begins_again(animals: Path, photographs: Family) -> None:
    app = opened("nms", image=KIND, detector="YOLO", number="3")
    assert sent(app)["truth"]["labels"] == [PHOTOS.classes.index("sheep")]
    assert app.number_input(key="number").value == 3


def test_what_compares_with_truth_works_as_on_a_scene(animals: Path, photographs: Family) -> None:
    loss = sent(opened("yolo", view="Loss", image=KIND))
    assert [one["label"] for one in loss["objects"]] == [PHOTOS.classes.index("dog")] and loss["parts"]
    drag = sent(opened("yolo", view="Drag a box", image=KIND))
    assert drag["answer"]["object"]["label"] == PHOTOS.classes.index("dog")
    compared = sent(opened("proposals", view="Compare", image=KIND, mode="Single"))
    assert compared["truth"]["names"] == ["dog"] and all(one["curves"]["abo"] for one in compared["methods"])
    anchors = sent(opened("proposals", view="RPN", image=KIND))
    assert anchors["reason"] and anchors["truth"]["names"] == ["dog"]


def test_selective_search_which_nobody_trained_covers_all_objects(animals: Path) -> None:
    app = opened("proposals", image=KIND)
    assert sent(app)["truth"]["names"] == ["dog", "kettle"] and "know" not in captions(app)


def test_models_of_drawn_shapes_know_none_of_it(animals: Path) -> None:
    app = opened("yolo", view="Loss", image=KIND, family_set="Drawn shapes")
    assert not figures(app) and "these models know none here" in app.info[0].value
    assert "know nothing of: dog, kettle" in captions(app)


def test_the_code_takes_the_same_photo(animals: Path, photographs: Family) -> None:
    names: dict[str, Any] = {}
    script = detection.yolo("set:zoo:0", "zoo", "photos", 0.2, 5, 0.5)
    exec(compile(script.text, "yolo.py", "exec"), names)
    loss = sent(opened("yolo", view="Loss", image=KIND))
    assert {name: part.item() for name, part in names["parts"].items()} == pytest.approx(loss["parts"])


def test_without_a_set_a_sentence_says_how_one_comes_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISIBLE_VISION_DATA", str(tmp_path))
    app = opened("nms", image=KIND)
    assert "VISIBLE_VISION_DATA" in app.info[0].value and not figures(app) and not app.error


def test_a_damaged_set_is_a_sentence_and_the_other_kinds_are_there(animals: Path) -> None:
    (animals / "Annotations" / "c.xml").write_text("no annotation")
    app = opened("nms", image=KIND)
    assert "c.xml is not an annotation" in app.error[0].value and str(animals) not in app.error[0].value
    app.button_group(key="image").set_value("scene").run()
    assert figures(app) and not app.error
