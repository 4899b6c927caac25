"""The lessons, and the tools that show them: every page has one, and every try is a state that the page knows."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import APP, opened
from ui.lessons import LESSONS
from ui.lessons.lesson import State

ROOT = Path(APP).parent
STARTS_WORK = ("race",)  # in the address: it would begin a job, which is not what is held here
SCRIPTS = "\n".join(path.read_text("utf-8") for path in (ROOT / "ui").rglob("*.js"))
STATES = [(page, state) for page, lesson in LESSONS.items() for state in lesson().states if state.address]


def told(app: AppTest) -> dict[str, Any] | None:
    """Return what the lesson's component is given; None where it is not shown."""
    shown = [one for one in app.get("bidi_component") if one.proto.component_name == "frame_lesson"]
    return json.loads(shown[0].proto.json) if shown else None


def test_every_page_has_a_lesson() -> None:
    app = (ROOT / "streamlit_app.py").read_text()
    paths = re.findall(r'url_path="(\w+)"', app)
    assert "nms" in paths and {*paths, ""} == {*LESSONS}


@pytest.mark.parametrize("page", LESSONS)
def test_a_lesson_has_something_to_try_and_a_question(page: str) -> None:
    lesson = LESSONS[page]()
    assert lesson.states and lesson.question.endswith("?") and lesson.answer
    for state in lesson.states:
        assert state.do and state.notice


@pytest.mark.slow
@pytest.mark.parametrize(("page", "state"), STATES, ids=[f"{page}: {state.do[:40]}" for page, state in STATES])
def test_a_try_is_a_state_that_the_page_knows(page: str, state: State) -> None:
    """Streamlit drops from the address what a widget cannot take; what no widget takes is a script's."""
    address = {name: value for name, value in state.address.items() if name not in STARTS_WORK}
    app = opened(page, **address)
    assert not app.error
    for name, value in address.items():
        assert app.query_params.get(name) in (value, [value], [*value]), f"{name}={value} was refused"
        if name not in app.session_state:
            assert re.search(rf"\b{name}: |\"{name}\"", SCRIPTS), f"nobody takes {name}"


def test_the_lesson_stands_beside_the_page_and_leads_into_its_states() -> None:
    app = opened("nms", guide="true", scene="23", iou="0.05", truth="true", lang="en")
    lesson = told(app)
    states = LESSONS["nms"]().states
    assert lesson and [state["sentence"] for state in lesson["states"]] == [state.do for state in states]
    link = parse_qs(lesson["states"][1]["link"].removeprefix("?"))
    assert link == {"guide": ["true"], "lang": ["en"], "scene": ["23"], "iou": ["0.05"], "truth": ["true"]}
    assert lesson["here"] == 1 and lesson["question"]


def test_without_being_asked_for_it_is_not_there() -> None:
    assert told(opened("nms")) is None
