"""The field for a file, with words of the app's: those of Streamlit's own stand in no catalogue."""

import json
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.i18n import _

LOOK = (Path(__file__).parent / "uploader.css").read_text("utf-8")


def show_uploader(
    label: str,
    kinds: list[str],
    most: int,
    key: str,
    help: str | None = None,
    on_change: Callable[[], None] | None = None,
) -> UploadedFile | None:
    """Show the field for a file of up to ``most`` MB; return the file. Its name ends in one of ``kinds``, if any."""
    limit = " · ".join(filter(None, [_("up to {most} MB").format(most=most), ", ".join(kinds).upper()]))
    words = {
        "choose": _("Choose a file"),
        "limit": limit,
        "refused": _("This file was not taken. What fits here: {limit}").format(limit=limit),
    }
    # A style sheet writes its strings as JSON does.
    properties = "".join(f"--{name}: {json.dumps(text, ensure_ascii=False)};" for name, text in words.items())
    st.html(f"<style>{LOOK}.stFileUploader {{{properties}}}</style>")
    return st.file_uploader(
        label, kinds or None, key=key, max_upload_size=most, help=help, on_change=on_change or "rerun"
    )
