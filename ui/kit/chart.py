"""A chart with what it can be downloaded as below it: as PNG, SVG and a page that opens offline."""

from typing import TypedDict

import plotly.graph_objects as go
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ui.kit.component import Exported, component, export_words
from ui.kit.faults import fragment

TEMPLATES = {"light": "plotly_white", "dark": "plotly_dark"}


class ChartFilesData(TypedDict):
    """The key of the chart, and the page that was asked for; called by the chart's name, not by the component's."""

    chart: str
    page: str | None
    exported: Exported


_files = component("kit/chart_files", ChartFilesData)


def show_chart(figure: go.Figure, key: str, alt: str, place: DeltaGenerator | None = None) -> None:
    """Show ``figure`` in ``place`` under ``key``, described by ``alt``; its files are called by the key."""
    with place or st.container():
        st.plotly_chart(figure, width="stretch", key=key, alt=alt, config={"displayModeBar": False})
        _offer_files(figure, key, alt)


@fragment
def _offer_files(figure: go.Figure, key: str, title: str) -> None:
    """Show the line below the chart; a page of its own holds all of plotly.js and is made when it is asked for."""
    asked = f"{key}_page_asked"
    page = _page(figure, title) if st.session_state.pop(asked, False) else None
    exported: Exported = {"name": key.replace("_", "-"), "words": export_words()}
    _files(
        data={"chart": key, "page": page, "exported": exported},
        key=f"{key}_files",
        on_asked_change=lambda: st.session_state.update({asked: True}),
    )


def _page(figure: go.Figure, title: str) -> str:
    titled = go.Figure(figure).update_layout(title=title, template=TEMPLATES[st.context.theme.type or "light"])
    page: str = titled.to_html(include_plotlyjs=True)
    return page
