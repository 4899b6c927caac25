"""How a part that has html, css and JavaScript of its own becomes a component of the page."""

from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

FOLDER = Path(__file__).parent
EVERY = ("explorer", "pen")  # what each component begins with


def component(name: str, *shared: str) -> ComponentRenderer:
    """Declare the component of the files called ``name``; css and JavaScript called ``shared`` come before its own.

    All the JavaScript is one module: what a shared script defines, the scripts after it see.
    """

    def joined(kind: str) -> str:
        files = (FOLDER / f"{stem}.{kind}" for stem in (*EVERY, *shared, name))
        return "".join(file.read_text() for file in files if file.exists())

    html = (FOLDER / f"{name}.html").read_text()
    return st.components.v2.component(name, html=html, css=joined("css"), js=joined("js"))
