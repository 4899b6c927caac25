"""The lesson beside a page: what to try, each a link into that state, what to notice, and a question to fold out."""

from pathlib import Path
from typing import TypedDict
from urllib.parse import urlencode

import streamlit as st

from core.i18n import _
from ui.frame.language import ADDRESS as LANGUAGE
from ui.kit.component import component
from ui.lessons.lesson import Address, Lesson

LOOK = (Path(__file__).parent / "lesson_panel.css").read_text("utf-8")
SHOWN = "guide"  # in the address while the lesson is shown


class LessonState(TypedDict):
    """A state of the page: the link to it, what to try, and what to notice."""

    link: str
    sentence: str
    more: str


class LessonData(TypedDict):
    """States to try, which of them is shown, and a question with its answer."""

    words: dict[str, str]
    states: list[LessonState]
    here: int | None
    question: str
    answer: str


_lesson = component("frame/lesson", LessonData)


def link_to(address: Address, **more: str) -> str:
    """Return the link to this page with the choices in ``address`` and ``more``, in the language that is spoken.

    It is opened anew as any link is: nothing of the state before stays behind.
    """
    kept = {LANGUAGE: st.query_params[LANGUAGE]} if LANGUAGE in st.query_params else {}
    return f"?{urlencode({**kept, **more, **address}, doseq=True)}"


def show_lesson(lesson: Lesson) -> None:
    """Show ``lesson`` beside the page, where it can be read while trying; on a narrow screen above it."""
    words = {"lesson": _("Try and notice"), "ask": _("A question"), "answer": _("Answer")}
    states: list[LessonState] = [
        {"link": link_to(state.address, **{SHOWN: "true"}), "sentence": state.do, "more": state.notice}
        for state in lesson.states
    ]
    st.html(f"<style>{LOOK}</style>")
    with st.container(key="lesson_panel"):
        _lesson(
            key="lesson_words",
            data={
                "words": words,
                "states": states,
                "here": _number_of(lesson),
                "question": lesson.question,
                "answer": lesson.answer,
            },
        )


def _number_of(lesson: Lesson) -> int | None:
    """Return which of the lesson's states the address names, None where it is none of them."""
    here = {name: st.query_params.get_all(name) for name in st.query_params if name not in (LANGUAGE, SHOWN)}
    for number, state in enumerate(lesson.states):
        if here == {name: [value] if isinstance(value, str) else [*value] for name, value in state.address.items()}:
            return number
    return None
