"""The tensors page, driven by AppTest."""

from functools import partial

import pytest

from core.figures.tensors import playground_data
from tests.pages.opening import opened, sent
from ui.tensors.lessons import Lesson, lessons

open_page = partial(opened, "tensors")

FAILING = {"view", "products", "mismatch", "dtypes", "numpy", "stride0"}  # they end with an error that is to be seen


def test_opens_on_three_tensors_of_one_storage() -> None:
    data = sent(open_page())
    assert data["source"] == lessons()[0].source
    assert [tensor["storage"] for tensor in data["tensors"]] == [0, 0, 0, 1]
    assert len(data["lessons"]) == len(lessons())


def test_the_address_opens_a_lesson() -> None:
    data = sent(open_page(lesson="view"))
    assert "view size is not compatible" in data["error"]["message"]


def test_the_address_opens_a_source_of_ones_own() -> None:
    data = sent(open_page(source="q = arange(3) * 2", lesson="view"))
    assert data["tensors"][0]["name"] == "q" and data["tensors"][0]["labels"] == ["0", "2", "4"]


@pytest.mark.slow
@pytest.mark.parametrize("source", ["__import__('os').system('true')", "x = zeros(10**12)", "\x00", "((((", ""])
def test_whatever_stands_in_the_address_is_answered_with_a_sentence(source: str) -> None:
    data = sent(open_page(source=source))
    assert not data["tensors"]
    assert bool(data["error"]) == bool(source)
    assert not source or data["error"]["help"]


def test_an_unknown_lesson_is_the_first() -> None:
    assert sent(open_page(lesson="nonsense"))["source"] == lessons()[0].source


def test_the_source_is_still_there_on_coming_back() -> None:
    app = open_page(source="q = ones(2)")
    app.switch_page("pages/nms.py").run()
    app.switch_page("pages/tensors.py").run()
    assert sent(app)["source"] == "q = ones(2)"


# ---- the lessons ----


def lesson_called(name: str) -> Lesson:
    return next(lesson for lesson in lessons() if lesson.name == name)


@pytest.mark.parametrize("lesson", lessons(), ids=lambda lesson: lesson.name)
def test_a_lesson_fails_only_where_that_is_its_point(lesson: Lesson) -> None:
    error = playground_data(lesson.source)["error"]
    assert bool(error) == (lesson.name in FAILING)
    if error:
        last = len(lesson.source.splitlines())
        assert error["line"] == last, "everything before it is shown"


def storages_of(name: str) -> dict[str, int]:
    return {tensor["name"]: tensor["storage"] for tensor in playground_data(lesson_called(name).source)["tensors"]}


def test_what_the_lessons_say_about_sharing_is_so() -> None:
    assert storages_of("strides") == {"x": 0, "t": 0, "s": 0, "c": 1}
    copies = storages_of("copies")
    assert copies["s"] == copies["n"] and len({copies["n"], copies["a"], copies["c"]}) == 3
    indexing = storages_of("indexing")
    assert indexing["s"] == indexing["x"] and len({indexing["x"], indexing["i"], indexing["m"]}) == 3
    views = storages_of("view")
    assert views["x"] == views["v"] == views["r"] != views["c"]
    assert set(storages_of("squeeze").values()) == {0}
    numpy = storages_of("numpy")
    assert numpy["t"] == numpy["n"] == numpy["b"] != numpy["w"]
    assert storages_of("stride0")["e"] == storages_of("stride0")["x"] != storages_of("stride0")["r"]


def test_what_the_lesson_on_dtypes_says_is_so() -> None:
    data = playground_data(lesson_called("dtypes").source)
    dtypes = {tensor["name"]: tensor["dtype"] for tensor in data["tensors"]}
    assert dtypes == {
        "i": "int64", "b": "bool", "s": "int64", "f": "float32", "d": "float64", "q": "float32", "w": "int64",
    }  # fmt: skip
