"""The start page: the lines of topics, their pictures, and where they lead."""

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.checkpoint import CheckpointError
from tests.pages.opening import APP
from ui.lessons import LESSONS
from ui.start.lines import lines

pytestmark = pytest.mark.usefixtures("fresh")


@pytest.fixture
def fresh() -> None:
    """Nobody has seen the start page on this server."""
    import streamlit as st

    st.cache_data.clear()
    st.cache_resource.clear()


def shown(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(one.proto.json) for one in app.get("bidi_component") if one.proto.component_name == "start_line"]


@pytest.mark.slow
def test_every_topic_has_a_picture_that_was_computed_and_leads_to_a_page() -> None:
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    drawn = shown(app)
    assert [line["title"] for line in drawn] == [line.title for line in lines()]
    for line in drawn:
        for topic in line["topics"]:
            assert topic["picture"].startswith("data:image/webp;base64,") and topic["words"], topic["title"]
            assert topic["href"].partition("?")[0] in LESSONS, topic["href"]


@pytest.mark.slow
def test_without_weights_the_lines_still_lead_to_their_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise CheckpointError("no weights")

    monkeypatch.setattr("core.figures.start.load_detector", missing)
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    detection = next(line for line in shown(app) if line["more"] and line["more"]["name"] == "race")
    assert [topic["picture"] for topic in detection["topics"]] == [None] * 6
