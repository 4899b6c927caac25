"""How a part that has html, css and JavaScript of its own becomes a component of the page."""

import json
from pathlib import Path
from typing import Any, Protocol, TypedDict, TypeVar

import streamlit as st

from core.i18n import _

ROOMS = Path(__file__).parents[1]
BUNDLES = ROOMS / "bundles"  # made by `make bundles`: a component's JavaScript with all that it imports
EVERY = ("kit/explorer", "kit/export")  # the css that each component begins with
Data = TypeVar("Data", contravariant=True)
DATA: dict[str, type] = {}  # by the component's path: what it is given, as its JavaScript says, too


class Exported(TypedDict):
    """What the files are called that a component can be downloaded as, and what the line below it says."""

    name: str
    words: dict[str, str]


class Mounted(Protocol[Data]):
    """A component that is shown with its data, and with ``key``, ``width`` and what Streamlit's own takes."""

    def __call__(self, *, data: Data, **others: Any) -> Any: ...


def component(path: str, data: type[Data], *styles: str) -> Mounted[Data]:
    """Declare the component of the files at ``path`` within ``ui/``, without their suffixes, which is given ``data``;
    the css at ``styles`` comes before its own.

    A component whose root has the class ``explorer`` gets a line below it that downloads it as PNG, SVG, HTML and,
    table by table, CSV. A tool is no figure: its root has the class ``tool``.
    """
    stylesheets = ((ROOMS / stem).with_suffix(".css") for stem in (*EVERY, *styles, path))
    css = "".join(file.read_text("utf-8") for file in stylesheets if file.exists())
    html = (ROOMS / path).with_suffix(".html").read_text("utf-8")
    bundle = (BUNDLES / path).with_suffix(".js").read_text("utf-8")
    own = f"const OWN = {json.dumps({'html': html, 'css': css})};\n"
    name = path.replace("/", "_")
    DATA[path] = data
    declared = st.components.v2.component(name, html=html, css=css, js=own + bundle)

    def mounted(*, data: Data, **others: Any) -> Any:
        exported: Exported = {"name": name.replace("_", "-"), "words": export_words()}
        return declared(data={"exported": exported} | data, **others)  # type: ignore[operator]

    return mounted


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
