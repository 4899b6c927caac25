"""The pooling page, driven by AppTest."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.detectors.one_map import EDGES
from core.families import FAMILIES, SHAPES, Family
from tests.pages.opening import figures, opened

open_page = partial(opened, "pooling")


def sent(app: AppTest) -> list[dict[str, Any]]:
    """Return what the page sends to the browser, the explorer's data first."""
    return [json.loads(component.proto.json) for component in figures(app)]


def region(app: AppTest) -> list[float]:
    explorer: dict[str, Any] = sent(app)[0]
    edges: list[float] = explorer["region"]
    return edges


def test_opens_on_the_largest_object_with_every_way_to_pool_it() -> None:
    app = open_page()
    explorer, cost = sent(app)
    assert explorer["region"] == [app.number_input(key=edge).value for edge in EDGES] == [91, 118, 157, 206]
    assert list(explorer["ways"]) == ["roi_pool", "roi_align", "spp"]
    assert explorer["image"].startswith("data:image/") and explorer["crop"].startswith("data:image/")
    assert cost["start"] == 2000
    assert any("| RoI pooling | 0." in text.value and "triangle" in text.value for text in app.markdown)
    assert app.get("plotly_chart")


def test_the_numbers_move_the_region_and_what_is_pooled() -> None:
    app = open_page()
    before = sent(app)[0]["ways"]
    app.number_input(key="x0").set_value(20).run()
    assert region(app) == [20, 118, 157, 206]
    assert sent(app)[0]["ways"] != before


def test_the_address_restores_the_region_and_the_choices() -> None:
    app = open_page(x0="10", y0="20", x1="90", y1="120", trunk="SPPNet", channel="7", scene="5")
    assert region(app) == [10, 20, 90, 120]
    assert sent(app)[0]["channel"] == 7
    assert app.number_input(key="scene").value == 5
    assert not any("Named" in text.value for text in app.markdown), "SPPNet has no head for 6 x 6 bins"


def test_another_image_begins_with_its_own_object() -> None:
    app = open_page(x0="10", y0="20", x1="90", y1="120")
    app.number_input(key="scene").set_value(5).run()
    assert not app.exception
    assert region(app) != [10, 20, 90, 120]
    assert region(app) == [app.number_input(key=edge).value for edge in EDGES]


def test_the_region_is_still_there_on_coming_back() -> None:
    app = open_page()
    app.number_input(key="x0").set_value(20).run()
    app.switch_page("pages/nms.py").run()
    app.switch_page("pages/pooling.py").run()
    assert not app.exception
    assert region(app) == [20, 118, 157, 206]


def test_the_strongest_channel_follows_the_region() -> None:
    app = open_page()
    explorer = sent(app)[0]
    before = explorer["channel"]
    assert explorer["offered"][0]["channel"] == before and len(explorer["offered"]) == 8
    for edge, value in zip(EDGES, (0, 0, 40, 40), strict=True):
        app.number_input(key=edge).set_value(value)
    app.run()
    assert sent(app)[0]["channel"] != before


def test_a_region_beyond_the_image_is_clipped_and_said() -> None:
    app = open_page(x0="-50", y0="20", x1="300", y1="120")
    assert region(app) == [0, 20, 256, 120]
    assert any("clipped to 0, 20, 256, 120" in caption.value for caption in app.caption)
    assert any("cannot move" in info.value for info in app.info)


def test_an_empty_region_is_a_sentence_with_a_way_back() -> None:
    app = open_page(x0="90", y0="20", x1="90", y1="120")
    assert "The region is empty: x0 is to be less than x1" in app.error[0].value
    assert len(sent(app)) == 1, "the costs do not depend on it"
    next(button for button in app.button if button.label == "Take a region inside").click().run()
    assert not app.error and not app.exception
    assert region(app) == [91, 118, 157, 206]


def test_a_region_outside_is_a_sentence() -> None:
    app = open_page(x0="400", y0="20", x1="500", y1="120")
    assert "outside the image, which is 256 x 256 pixels" in app.error[0].value


@pytest.mark.slow
@pytest.mark.parametrize("trunk", ["Faster R-CNN", "Fast R-CNN", "SPPNet"])
@pytest.mark.parametrize(("family", "channels"), [("Drawn shapes", 128), ("Photographs", 432)])
def test_every_trunk_and_a_photo(trunk: str, family: str, channels: int, photographs: Family) -> None:
    app = open_page(trunk=trunk, image="Photo", photo="Rocket", family_photo=family)
    explorer, cost = sent(app)
    assert not app.error
    assert explorer["scale"] < 1 / 16, "a photo is scaled down"
    assert len(app.selectbox(key="channel").options) == 1 + channels
    assert set(cost["sizes"]) == {"trained", "paper"}
    assert explorer["region"] == [160, 106, 480, 320], "its middle"


def test_a_missing_checkpoint_is_a_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(FAMILIES, SHAPES.name, replace(SHAPES, folder=tmp_path))
    st.cache_resource.clear()
    st.cache_data.clear()
    app = open_page()
    assert "python -m core train faster_rcnn" in app.error[0].value
    assert not sent(app)
