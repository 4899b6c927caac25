"""The tools around every page: language, training at work, link, lesson and presenter mode, in the app's header."""

from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.i18n import _
from ui.frame.lesson import SHOWN, show_lesson
from ui.frame.presenter import present_this, presenting, show_presenter
from ui.frame.share import share
from ui.lessons import lesson_on
from ui.training.ongoing_training import keep_training

LOOK = (Path(__file__).parent / "tools.css").read_text("utf-8")


def tools_row() -> DeltaGenerator:
    """Return the row of tools, still empty."""
    st.html(f"<style>{LOOK}</style>")
    return st.container(
        key="tools", horizontal=True, horizontal_alignment="right", vertical_alignment="center", gap="small"
    )


def show_tools(row: DeltaGenerator, page: str) -> None:
    """Show in ``row`` the tools of the ``page`` with this path, and its lesson or the presenter's bar if asked for."""
    lesson = lesson_on(page)
    with row:
        keep_training(page)
    if presenting() and lesson:
        show_presenter(lesson)
        return
    with row:
        share()
    if lesson is None:
        return
    with row:
        wanted = st.toggle(_("Lesson"), key=SHOWN, bind="query-params", persist_state="session")
        st.button(_("Present"), icon=":material/slideshow:", type="tertiary", on_click=present_this, key="present_this")
    if wanted:
        show_lesson(lesson)
