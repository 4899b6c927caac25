"""The upsampling page, driven by AppTest; a study with random weights stands in for the trained one."""

import io
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
import torch
from PIL import Image

import ui.upsampling.ways
from core.families import SHAPES
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy, load_study
from tests.pages.opening import figures, opened, sent

open_page = partial(opened, "upsampling")
STAMPS, BOARD = "Stamp by stamp", "Checkerboard"
GRID = "Draw your own"


@pytest.fixture(scope="module", autouse=True)
def stand_in() -> Iterator[None]:
    torch.manual_seed(0)
    study = UpsamplingStudy().eval()
    for weights in study.heads.parameters():
        torch.nn.init.normal_(weights, std=0.1)
    forget()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ui.upsampling.ways, "load_study", lambda _family: study)
        yield
    forget()


def forget() -> None:
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.mark.slow
def test_opens_with_a_scene_in_all_ten_ways() -> None:
    app = open_page()
    data = sent(app)
    assert [way["name"] for way in data["ways"]] == list(UPSAMPLERS)
    assert set(data["words"]["titles"]) == set(UPSAMPLERS)
    assert data["image"].startswith("data:image/") and data["truth"]
    assert all(len(way["levels"]) == 5 and way["labels"] for way in data["ways"])


@pytest.mark.slow
def test_the_class_and_the_weights_are_in_the_address_and_change_the_maps() -> None:
    app = open_page(score_class="star", weights_of="As they begin", scene="5")
    assert app.number_input(key="scene").value == 5
    first = sent(app)
    assert first["label"] == 4
    app.segmented_control(key="weights_of").set_value("trained").run()
    second = sent(app)
    assert first["ways"][6]["levels"] != second["ways"][6]["levels"]


def test_a_grid_needs_no_network_as_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_study(_family: str) -> UpsamplingStudy:
        raise AssertionError("the study was loaded")

    monkeypatch.setattr(ui.upsampling.ways, "load_study", no_study)
    forget()
    data = sent(open_page(source=GRID, weights_of="As they begin"))
    assert data["grid"] == data["grids"]["corner"] and data["side"] == 6
    assert data["ways"][0]["levels"][4]["rows"] == 96


def test_a_grid_goes_through_trained_ways_as_one_class() -> None:
    app = open_page(source=GRID)
    before = sent(app)
    app.selectbox(key="drawn_class").set_value("0").run()
    assert sent(app)["ways"][7]["levels"] != before["ways"][7]["levels"]
    assert "the scores of the chosen class" in app.caption[0].value


@pytest.mark.slow
def test_a_photo_and_an_upload_have_no_mask_but_every_way() -> None:
    app = open_page(image="Photo")
    assert sent(app)["truth"] is None
    assert any("scaled to 320 x 320" in caption.value for caption in app.caption)
    app = open_page(image="Upload")
    app.file_uploader(key="upload").upload("bad.png", b"no image", "image/png").run()
    assert not app.exception and "not an image" in app.error[0].value
    good = io.BytesIO()
    Image.new("RGB", (50, 40), "teal").save(good, "PNG")
    app.file_uploader(key="upload").upload("good.png", good.getvalue(), "image/png").run()
    assert not app.exception and not app.error
    assert (sent(app)["width"], sent(app)["height"]) == (400, 320)


def test_the_stamps_follow_the_settings_in_the_address() -> None:
    app = open_page(upsampling=STAMPS, kernel="4", stride="3", padding="1", output_padding="2", weights="Bilinear")
    data = sent(app)
    assert data["formula"].endswith("= 13") and data["kernel"][0][0] == pytest.approx(0.0625)
    app.number_input(key="stride").set_value(2).run()
    assert "smaller than the stride" in app.error[0].value and not figures(app)
    app.number_input(key="output_padding").set_value(1).run()
    assert not app.error and sent(app)["formula"].endswith("= 9")


def test_padding_that_leaves_nothing_is_a_sentence() -> None:
    app = open_page(upsampling=STAMPS, kernel="1", stride="1", padding="4")
    assert "leaves nothing: (4 − 1) × 1 − 2 × 4 + 1 + 0 = −4" in app.error[0].value


@pytest.mark.slow
def test_the_checkerboards_come_with_two_charts() -> None:
    app = open_page(upsampling=BOARD)
    assert len(sent(app)["boards"]) == 24
    assert len(app.get("plotly_chart")) == 2


@pytest.mark.slow
def test_every_view_opens_after_every_other() -> None:
    app = open_page()
    for view in ("stamps", "ways", "board", "stamps", "board", "ways"):
        app.segmented_control(key="upsampling").set_value(view).run()
        assert not app.exception and not app.error
        assert len(figures(app)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("address", [{}, {"source": GRID}, {"upsampling": BOARD}])
def test_a_missing_checkpoint_is_a_sentence_with_the_command(
    address: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ui.upsampling.ways, "load_study", lambda _family: load_study(replace(SHAPES, folder=tmp_path)))
    forget()
    app = open_page(**address)
    assert "python -m core train upsamplers" in app.error[0].value
