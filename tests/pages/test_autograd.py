"""The autograd page, driven by AppTest."""

import json
import math
from functools import partial
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.autograd.tracing import examples
from tests.pages.opening import figures, opened
from ui.autograd.lessons import FIRST, lessons

open_page = partial(opened, "autograd")


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check every gradient, however slow the first call of torch's operators is in this process."""
    monkeypatch.setattr("core.autograd.checking.MOST_SECONDS", math.inf)
    monkeypatch.setattr("core.autograd.walkthrough.MOST_SECONDS", math.inf)


def sent(app: AppTest) -> list[dict[str, Any]]:
    """Return what the page sends to the browser."""
    return [json.loads(component.proto.json) for component in figures(app)]


def test_opens_on_a_graph_with_every_number() -> None:
    (data,) = sent(open_page())
    assert data["source"] == FIRST == data["lessons"][0]["source"] and data["error"] is None
    assert [node["title"] for node in data["graph"]["nodes"]] == [
        "accumulate grad",
        "accumulate grad",
        "mul",
        "sin",
        "pow",
    ]
    assert all(node["gradients"][0] for node in data["graph"]["nodes"])
    assert [leaf["verdict"] for leaf in data["graph"]["leaves"]] == ["agrees", "agrees"]


def test_the_address_holds_the_source() -> None:
    source = "x = tensor(3., requires_grad=True)\ny = x * x"
    (data,) = sent(open_page(code=source))
    assert data["source"] == source and data["graph"]["result"] == "y"


@pytest.mark.slow
def test_the_source_is_still_there_on_coming_back() -> None:
    source = "x = tensor(3., requires_grad=True)\nx ** 3"
    app = open_page(code=source)
    app.switch_page("pages/nms.py").run()
    app.switch_page("pages/autograd.py").run()
    assert not app.exception
    assert sent(app)[0]["source"] == source


@pytest.mark.slow
@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson["title"])
def test_every_lesson_shows_what_it_says(lesson: dict[str, Any]) -> None:
    (data,) = sent(open_page(code=lesson["source"]))
    graph = data["graph"]
    verdicts = {leaf["verdict"] for leaf in graph["leaves"]}
    hidden = {constant["hidden"] for constant in graph["constants"]}
    match lesson["title"]:
        case "detach":
            assert "detach" in hidden and verdicts == {"hidden"}
        case "no_grad":
            assert "no_grad" in hidden and verdicts == {"hidden"}
        case "In-place: value gone":
            assert "inplace operation" in graph["refusal"] and graph["help"]
        case "In-place on a leaf":
            assert data["partial"] and "leaf Variable" in data["error"]["message"] and data["error"]["line"] == 3
        case "Accumulation":
            assert lesson["settings"] == {"calls": 3} and len(graph["leaves"][0]["accumulated"]) == 4
        case "Kink":
            assert verdicts == {"kink"}
        case _:
            assert verdicts == {"agrees"} and data["error"] is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = tensr(1.)", "not defined"),
        ("x = 1", "No line makes a tensor"),
        ("x = ones(2)", "requires no gradient"),
        ("__import__('os')", "_"),
        ("x = ones(10**9, requires_grad=True)", "limit"),
        ("abs(" * 60 + "1" + ")" * 60, "nested"),
    ],
)
def test_a_mistake_is_a_sentence(source: str, words: str) -> None:
    (data,) = sent(open_page(code=source))
    assert data["graph"] is None
    assert words in data["error"]["message"] + data["error"]["help"]


@pytest.mark.slow
def test_define_by_run_shows_runs_and_captures() -> None:
    runs, captures = sent(open_page(autograd="Define by run"))
    example = examples()["value"]
    assert [run["label"] for run in runs["runs"]] == list(example.labels) and runs["source"] == example.source
    exported, compiled = captures["captures"]
    assert (exported["title"], compiled["title"]) == ("torch.export", "torch.compile")
    assert not exported["graphs"] and exported["refusal"] and len(compiled["graphs"]) == 4


def test_the_function_is_in_the_address() -> None:
    app = open_page(autograd="Define by run", function="Branch on a number and a shape")
    runs, captures = sent(app)
    assert runs["name"] == "shape"
    assert [len(capture["graphs"]) for capture in captures["captures"]] == [1, 1]
    assert all(capture["guards"] for capture in captures["captures"])


@pytest.mark.slow
def test_the_comparison_says_that_it_is_history() -> None:
    app = open_page(autograd="Define by run", function="torch.cond")
    table = next(text.value for text in app.markdown if "TensorFlow 1" in text.value)
    assert "| --- |" in table and "history" in table and "define-by-run" in table
