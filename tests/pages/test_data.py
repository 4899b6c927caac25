"""The data page, driven by AppTest: its views, sources, flaws, and what cannot be used."""

import json
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.data.checking import check_folder
from core.data.flaws import KINDS
from core.data.sources import VARIABLE
from tests.data.flawed_folders import photo
from tests.data.written_folders import thing, write
from tests.pages.opening import opened
from tests.pages.test_sources import upload, zipped

open_page = partial(opened, "data", lang="en")
FIRST = ["crop", "flip", "jitter", "to_float", "normalise"]
MANY = 60.0  # seconds that a job may take on a busy machine


def sent(app: AppTest) -> dict[str, dict[str, Any]]:
    """Return what the page's components are given, by what each has of its own."""
    found: dict[str, dict[str, Any]] = {}
    for component in app.get("bidi_component"):
        data = json.loads(component.proto.json)
        names = {"parts": "pipeline", "run": "transforms", "epochs": "loader", "flaws": "cleaning"}
        found |= {name: data for key, name in names.items() if key in data}
    return found


def settled(app: AppTest, name: str) -> AppTest:
    """Run the page until the component ``name`` is on it."""
    end = time.monotonic() + MANY
    while name not in sent(app):
        assert time.monotonic() < end and not app.error, [error.value for error in app.error]
        time.sleep(0.2)
        app.run()
        assert not app.exception
    return app


def lines(app: AppTest) -> dict[str, list[str]]:
    return {part["name"]: part["lines"] for part in sent(app)["pipeline"]["parts"]}


def test_opens_on_a_sample_through_its_transforms() -> None:
    app = open_page()
    data = sent(app)["transforms"]
    assert [step["name"] for step in data["steps"]] == FIRST
    assert [stage["name"] for stage in data["run"]["stages"]] == ["", *FIRST] and not data["run"]["error"]
    assert [swap["place"] for swap in data["swaps"]] == [0, 1, 2, 3]
    assert not data["swaps"][0]["same"] and data["swaps"][1]["same"] and data["swaps"][3]["error"]
    assert "v2.Compose" in app.code[0].value and "RandomCrop" in app.code[0].value
    parts = lines(app)
    assert parts["source"][0] == "Drawn scenes" and parts["loader"] == ["batches of 4", "500 an epoch"]
    assert parts["transforms"] == ["5 steps, for each sample anew"] and "6 classes" in parts["dataset"]


def test_the_address_names_steps_sample_and_seed() -> None:
    app = open_page(steps="rotate:degrees=60,tighten", sample="7", seed="3", source="Handwritten digits")
    data = sent(app)["transforms"]
    assert [stage["name"] for stage in data["run"]["stages"]] == ["", "rotate", "tighten"]
    assert data["steps"][0]["values"] == {"degrees": 60}
    before = data["run"]["stages"][1]["image"]
    app.number_input(key="seed").set_value(4).run()
    assert sent(app)["transforms"]["run"]["stages"][1]["image"] != before
    assert lines(app)["source"][0] == "Handwritten digits" and "10 classes" in lines(app)["dataset"]


def test_an_order_that_cannot_be_is_a_sentence_with_what_came_before() -> None:
    data = sent(open_page(steps="resize,normalise,to_float"))["transforms"]
    assert [stage["name"] for stage in data["run"]["stages"]] == ["", "resize"]
    assert "Normalise" in data["run"]["error"]
    assert data["swaps"][1]["error"] == "", "exchanged, it would work"


@pytest.mark.slow
@pytest.mark.parametrize("steps", ["dance", "crop:side=9999", "crop(160)", ",".join(["flip"] * 99)])
def test_steps_that_are_none_are_a_sentence_with_a_way_back(steps: str) -> None:
    app = open_page(steps=steps)
    (error,) = app.error
    assert error.value.endswith(".") and "transforms" not in sent(app)
    next(button for button in app.button if button.label == "Begin with other steps").click().run()
    assert not app.exception and not app.error
    assert [step["name"] for step in sent(app)["transforms"]["steps"]] == FIRST


@pytest.mark.slow
def test_epochs_follow_the_controls() -> None:
    app = open_page(view="DataLoader")
    first, second = sent(app)["loader"]["epochs"]
    assert [len(batch["indices"]) for batch in first["batches"]] == [4] * 6 and len(first["dropped"]) == 2
    assert [batch["worker"] for batch in first["batches"]] == [0, 1, 0, 1, 0, 1]
    assert first != second, "each epoch is shuffled anew"
    assert any("the same sample at 24 of 24 places" in text.value for text in app.markdown)
    assert any("equal size" in code.value for code in app.code)
    assert any("targets[0]" in code.value for code in app.code)
    app.toggle(key="drop_last").set_value(False)
    app.toggle(key="shuffle").set_value(False)
    app.number_input(key="workers").set_value(0)
    app.number_input(key="batch_size").set_value(10).run()
    assert not app.exception
    first, second = sent(app)["loader"]["epochs"]
    assert first == second and first["dropped"] == []
    assert first["batches"][2] == {"indices": list(range(20, 26)), "worker": None}
    assert lines(app)["loader"] == ["batches of 10", "200 an epoch"]


@pytest.mark.slow
def test_images_a_second_are_measured_for_each_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.data.batches.IMAGES", 8)
    monkeypatch.setattr("ui.data.batches.MEASURED", (0, 1))
    app = open_page(view="DataLoader")
    app.button(key="measure").click().run()
    end = time.monotonic() + MANY
    while not app.get("plotly_chart") or any("Running" in text.value for text in app.markdown):
        assert time.monotonic() < end and not app.exception and not app.error
        time.sleep(0.2)
        app.run()
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert chart["data"][0]["x"] == ["0", "1"] and len(chart["data"][0]["text"]) == 2


@pytest.mark.slow
def test_drawn_sources_show_the_practice_sets_flaws_and_a_cleaned_copy_is_a_source() -> None:
    app = settled(open_page(view="Sources and cleaning"), "cleaning")
    data = sent(app)["cleaning"]
    assert {flaw["kind"] for flaw in data["flaws"]} == set(KINDS) - {"mismatch", "no_photos"}
    assert all(flaw["title"] and flaw["cleaned"] for flaw in data["flaws"])
    assert data["objects"][0]["name"] == "star"
    app.button(key="clean").click().run()
    end = time.monotonic() + MANY
    while not any(button.label == "Use it as the source" for button in app.button):
        assert time.monotonic() < end and not app.exception and not app.error
        time.sleep(0.2)
        app.run()
    assert app.get("download_button")
    next(button for button in app.button if button.label == "Use it as the source").click().run()
    assert app.segmented_control(key="source").value == "upload"
    assert app.selectbox(key="source_own").value == "Flawed set, cleaned"
    app = settled(app, "cleaning")
    assert {flaw["kind"] for flaw in sent(app)["cleaning"]["flaws"]} <= {
        *("declared", "no_objects", "overlap", "near", "leak", "imbalance")
    }
    app.segmented_control(key="view").set_value("transforms").run()
    assert not app.exception and not app.error
    assert sent(app)["transforms"]["run"]["stages"], "it can be read now"


@pytest.mark.slow
def test_the_flawed_set_itself_is_a_sentence_that_leads_to_its_flaws() -> None:
    app = open_page(source="Flawed set")
    (error,) = app.error
    assert "is not an annotation in Pascal VOC's form" in error.value and "/tmp" not in error.value
    next(button for button in app.button if button.label == "See all that is wrong with it").click().run()
    assert app.segmented_control(key="view").value == "cleaning"


@pytest.mark.slow
def test_an_upload_goes_through_all_views(tmp_path: Path) -> None:
    for number in range(12):
        write(tmp_path / "pets", f"{number}", thing("dog", 1, 2, 10, 12), thing("cat", 3, 3, 3, 3))
    app = upload(open_page(source="Upload"), zipped(tmp_path / "pets"), "pets.zip")
    assert [one["name"] for one in sent(app)["transforms"]["run"]["stages"][0]["objects"]] == ["dog"]
    app.segmented_control(key="view").set_value("loader").run()
    assert not app.exception and not app.error
    assert sent(app)["loader"]["samples"] > 5
    app.segmented_control(key="view").set_value("cleaning").run()
    flaws = {flaw["kind"]: flaw["count"] for flaw in sent(settled(app, "cleaning"))["cleaning"]["flaws"]}
    assert flaws["no_area"] == 12 and flaws["duplicate"] == 1
    assert any("flaws of" in line for line in lines(app)["cleaning"])
    assert set(check_folder(tmp_path / "pets").flaws) == set(flaws), "nothing in it was changed"


@pytest.mark.slow
def test_a_set_with_fewer_photos_than_the_sample_of_the_last_source_shows_its_last(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path / "few", f"{number}", thing("dog", 1, 2, 10, 12))
    for address in ({}, {"sample": "40"}):
        app = opened("data", **address)
        app.segmented_control(key="source").set_value("upload").run()
        app = upload(app, zipped(tmp_path / "few"))
        assert int(app.number_input(key="sample").value or 0) < 4 and not app.error


def test_folders_of_classes_have_labels_instead_of_boxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number in range(24):
        folder = tmp_path / "animals" / ("cat", "dog")[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photo(number).save(folder / f"{number}.png")
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    st.cache_data.clear()
    app = open_page(source="On this server", sample="0")
    stage = sent(app)["transforms"]["run"]["stages"][0]
    assert stage["label"] in ("cat", "dog") and stage["objects"] == []
    app.segmented_control(key="view").set_value("loader").run()
    assert not app.exception and not app.error


def test_a_set_by_download_says_its_size_and_comes_from_the_servers_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    app = open_page(source="Download")
    assert any("460 MB are loaded from thor.robots.ox.ac.uk" in text.value for text in app.markdown)
    assert not app.exception and app.button(key="download").label == "Load it"
    for number in range(10):
        write(tmp_path / "voc2007", f"{number}", thing("dog", 1, 2, 10, 12))
    app.run()
    assert lines(app)["source"][0] == "voc2007"
