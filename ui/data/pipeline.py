"""The way from a source to batches as a picture, with live counts; each part leads to its view."""

from typing import TypedDict

import streamlit as st

from core.i18n import _
from ui.kit.choices import choose
from ui.kit.component import component


class PipelinePart(TypedDict):
    """A part of the way to batches, with counts, and the view that it leads to."""

    name: str
    title: str
    view: str
    lines: list[str]
    amiss: bool


class PipelineData(TypedDict):
    """The parts, the view that is shown, and words."""

    parts: list[PipelinePart]
    view: str
    words: dict[str, str]


_component = component("data/pipeline", PipelineData)

VIEW = "view"


def view_titles() -> dict[str, str]:
    """Return what the views of the page are called."""
    return {"transforms": _("Transforms"), "loader": _("DataLoader"), "cleaning": _("Sources and cleaning")}


def chosen_view() -> str:
    """Show the views and return the chosen one's name."""
    titles = view_titles()
    return choose(_("View"), titles, VIEW, "transforms")


def show_pipeline(view: str, lines: dict[str, list[str]], amiss: bool) -> None:
    """Draw the parts with their ``lines`` of counts; ``amiss`` says that the source has flaws."""
    parts = {
        "source": (_("Source"), "cleaning"),
        "cleaning": (_("Cleaning"), "cleaning"),
        "transforms": (_("Transforms"), "transforms"),
        "dataset": (_("Dataset"), "transforms"),
        "loader": (_("DataLoader"), "loader"),
    }
    told: list[PipelinePart] = [
        {
            "name": name,
            "title": title,
            "view": leads,
            "lines": lines.get(name, []),
            "amiss": amiss and name == "cleaning",
        }
        for name, (title, leads) in parts.items()
    ]
    _component(
        data={"parts": told, "view": view, "words": {"pipeline": _("From the source to a batch")}},
        key="data_pipeline",
        on_view_change=_turn,
    )


def turn_to(view: str) -> None:
    """Turn the page to another view, from the next run on."""
    st.session_state[VIEW] = view


def _turn() -> None:
    view = st.session_state["data_pipeline"]["view"]
    if view in view_titles():
        turn_to(view)
