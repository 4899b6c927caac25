"""The tensor playground: an editor that Python answers at each keystroke, and the tensors beside it."""

from typing import TypedDict

import streamlit as st

from core.figures.sent.tensors import Evaluated
from core.figures.tensors import playground_data
from core.i18n import _
from core.scripts import pytorch
from ui.kit.caching import cache_words
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.tensors.lessons import Lesson, lessons


class LessonLines(TypedDict):
    """A lesson: lines to begin with."""

    name: str
    title: str
    says: str
    source: str


class PlaygroundData(Evaluated):
    """The same with lessons and words."""

    lessons: list[LessonLines]
    words: dict[str, str]


_component = component("tensors/playground", PlaygroundData)

SOURCE = "tensors_source"  # in the session; in the address "source", or "lesson" where it is one as it stands


@fragment
def tensors_playground() -> None:
    """Show the editor and what its lines make; only this is run again when something is typed."""
    offered = lessons()
    source = st.session_state.setdefault(SOURCE, _source_in_the_address(offered))
    _component(
        data={
            **_data(source),
            "lessons": [
                {"name": one.name, "title": one.title, "says": one.says, "source": one.source} for one in offered
            ],
            "words": _words(),
        },
        key="tensors_playground",
        on_typed_change=_take,
    )
    show_code(lambda _address: pytorch.tensors(st.session_state[SOURCE]))


@cache_words(512)
def _data(source: str) -> Evaluated:
    return playground_data(source)


def _take() -> None:
    """Take what the editor holds for the source."""
    typed = st.session_state["tensors_playground"]["typed"]
    if isinstance(typed, str):
        st.session_state[SOURCE] = typed


def _source_in_the_address(offered: tuple[Lesson, ...]) -> str:
    wanted = st.query_params.get("lesson")
    lesson = next((one for one in offered if one.name == wanted), offered[0])
    return st.query_params.get("source", lesson.source)


def _words() -> dict[str, str]:
    return {
        "lessons": _("Lessons"),
        "editor": _("Lines of PyTorch"),
        "play": _("Read in order"),
        "pause": _("Stop reading"),
        "storage": _("Storage"),
        "cells": _("{count} cells of {dtype}"),
        "oneCell": _("1 cell of {dtype}"),
        "firstCells": _("the first {shown} of {count} cells of {dtype}"),
        "shared": _("read by {names}"),
        "shape": _("shape"),
        "stride": _("stride"),
        "offset": _("offset"),
        "contiguous": _("contiguous"),
        "notContiguous": _("not contiguous"),
        "array": _("numpy array"),
        "empty": _("no elements"),
        "corner": _("{drawn} of {count} elements shown"),
        "leaf": _("leaf, requires grad"),
        "reads": _("{element} reads cell {cell}."),
        "readsToo": _("{element} reads cell {cell}, and so does {others}."),
        "cell": _("Cell {cell} is read by {others}."),
        "unread": _("Cell {cell} is read by no tensor here."),
        "outside": _("Cell {cell} is read by an element outside the corner that is shown."),
        "hint": _("Point at a number to see its cell, and who else reads it; click to write into it."),
        "broadcast": _("How the shapes were broadcast"),
        "mismatch": _("Why the shapes do not fit"),
        "result": _("result"),
        "added": _("new axis"),
        "stretched": _("{from} stretched to {to}"),
        "clash": _("neither equal nor 1"),
        "nothing": _("Nothing yet: type a line such as x = arange(6), or choose a lesson."),
        "others": _("Other values"),
        "last": _("last line"),
    }
