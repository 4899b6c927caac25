"""Presenter mode: a page for the back row, and a bar that leads through the prepared states of its lesson."""

from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import streamlit as st

from core.i18n import _
from ui.frame.lesson import link_to
from ui.kit.component import component
from ui.lessons.lesson import Address, Lesson

PRESENT = "present"  # in the address: the number of the state, or "true" for the page as it is
LOOK = (Path(__file__).parent / "presenter_page.css").read_text("utf-8")


class PresenterData(TypedDict):
    """One screen of a talk, and the links to those beside it, "" where there is none."""

    words: dict[str, str]
    number: str
    sentence: str
    fold: str
    more: str
    back: str
    next: str


_presenter = component("frame/presenter", PresenterData)


@dataclass(frozen=True)
class _Slide:
    """One screen of the talk: a ``sentence`` in large type, ``more`` that is folded under ``fold``, an ``address``."""

    sentence: str
    fold: str
    more: str
    address: Address


def presenting() -> bool:
    """Return whether the page is presented."""
    return PRESENT in st.query_params


def present_this() -> None:
    """Present the page as it is."""
    st.query_params[PRESENT] = "true"


def show_presenter(lesson: Lesson) -> None:
    """Show the bar, and let the page look as it should on a projector."""
    slides = _slides(lesson)
    number = _number(len(slides))
    slide = slides[number - 1] if number else _Slide(_("The page as it is"), "", "", {})
    st.html(f"<style>{LOOK}</style>")
    with st.container(key="presenter"):
        _presenter(
            key="presenter_bar",
            on_left_change=_leave,
            data={
                "words": {
                    "presenter": _("Presenter"),
                    "back": _("Back"),
                    "next": _("Next"),
                    "leave": _("Leave the presentation"),
                },
                "number": f"{number} / {len(slides)}",
                "sentence": slide.sentence,
                "fold": slide.fold,
                "more": slide.more,
                "back": _link(slides, number - 1),
                "next": _link(slides, number + 1),
            },
        )


def _slides(lesson: Lesson) -> list[_Slide]:
    """Return the states of ``lesson``, and its question over the last of them."""
    states = [_Slide(state.do, _("Notice"), state.notice, state.address) for state in lesson.states]
    return [*states, _Slide(lesson.question, _("Answer"), lesson.answer, lesson.states[-1].address)]


def _number(most: int) -> int:
    """Return which slide the address asks for, counted from 1; 0 for the page as it is."""
    asked = st.query_params[PRESENT]
    return min(int(asked), most) if asked.isdecimal() else 0


def _link(slides: list[_Slide], number: int) -> str:
    return link_to(slides[number - 1].address, present=str(number)) if 1 <= number <= len(slides) else ""


def _leave() -> None:
    st.query_params.pop(PRESENT, None)
