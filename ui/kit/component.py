"""How a part that has html, css and JavaScript of its own becomes a component of the page."""

import json
import re
from pathlib import Path
from typing import Any, cast

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from core.i18n import _

ROOMS = Path(__file__).parents[1]
EVERY = ("kit/explorer", "kit/pen", "kit/export")  # what each component begins with


def component(path: str, *shared: str) -> ComponentRenderer:
    """Declare the component of the files at ``path`` within ``ui/``, without their suffixes; css and JavaScript at
    ``shared`` come before its own.

    All the JavaScript is one module: what a shared script defines, the scripts after it see. A component whose root has
    the class ``explorer`` gets a line below it that downloads it as PNG, SVG, HTML and, table by table, CSV. A tool
    is no figure: its root has the class ``tool``.
    """

    def joined(kind: str) -> str:
        files = ((ROOMS / stem).with_suffix(f".{kind}") for stem in (*EVERY, *shared, path))
        return "".join(file.read_text() for file in files if file.exists())

    html, css = (ROOMS / path).with_suffix(".html").read_text(), joined("css")
    own = f"const OWN = {json.dumps({'html': html, 'css': css})};\n"
    script = re.sub("^export default ", "const exported = ", joined("js"), count=1, flags=re.MULTILINE)
    name = path.replace("/", "_")
    declared = st.components.v2.component(
        name, html=html, css=css, js=f"{own}{script}\nexport default withExports(exported);\n"
    )

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
