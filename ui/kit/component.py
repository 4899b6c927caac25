"""How a part that has html, css and JavaScript of its own becomes a component of the page."""

import json
from pathlib import Path
from typing import Any, cast

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from core.i18n import _

ROOMS = Path(__file__).parents[1]
BUNDLES = ROOMS / "bundles"  # made by `make bundles`: a component's JavaScript with all that it imports
EVERY = ("kit/explorer", "kit/export")  # the css that each component begins with


def component(path: str, *styles: str) -> ComponentRenderer:
    """Declare the component of the files at ``path`` within ``ui/``, without their suffixes; the css at ``styles``
    comes before its own.

    A component whose root has the class ``explorer`` gets a line below it that downloads it as PNG, SVG, HTML and,
    table by table, CSV. A tool is no figure: its root has the class ``tool``.
    """
    stylesheets = ((ROOMS / stem).with_suffix(".css") for stem in (*EVERY, *styles, path))
    css = "".join(file.read_text("utf-8") for file in stylesheets if file.exists())
    html = (ROOMS / path).with_suffix(".html").read_text("utf-8")
    bundle = (BUNDLES / path).with_suffix(".js").read_text("utf-8")
    own = f"const OWN = {json.dumps({'html': html, 'css': css})};\n"
    name = path.replace("/", "_")
    declared = st.components.v2.component(name, html=html, css=css, js=own + bundle)

    def mounted(*, data: dict[str, Any], **others: Any) -> Any:
        exported = {"name": name.replace("_", "-"), "words": export_words()}
        return declared(data={"exported": exported, **data}, **others)

    return cast(ComponentRenderer, mounted)


def export_words() -> dict[str, str]:
    """Return what the line below a component says."""
    return {
        "download": _("Download"),
        "png": _("Download as a picture (PNG)"),
        "svg": _("Download as a drawing of any size (SVG)"),
        "html": _("Download as a page that works offline (HTML)"),
        "csv": _("Download the table (CSV)"),
        "failed": _("This browser cannot make that file: try HTML, or another browser."),
        "saved": _("Saved from Visible Vision on {date}:"),
        "asked": _("That needs the app, which answers at:"),
    }
