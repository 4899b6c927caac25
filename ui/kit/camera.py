"""A camera: Streamlit's own with words of the app's, a field that opens a phone's, and pictures taken in a row."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.i18n import _
from core.images import MOST_BYTES
from ui.kit.component import component
from ui.kit.uploader import show_uploader

LOOK = (Path(__file__).parent / "camera_widget.css").read_text("utf-8")
TYPES = ["jpg", "jpeg", "png", "webp", "heic", "heif"]
MOST_AT_ONCE = 10  # pictures
LONGEST = 400_000  # letters of one
PREFIX = "data:image/jpeg;base64,"


class CameraData(TypedDict):
    """What stands beside a camera: the ``scope`` in which it is found, a button for each of ``series``, whether what it
    sees is sent as long as it is ``live``, and the number of the message that was ``answered`` last."""

    scope: str
    series: list[str]
    live: bool
    answered: int
    words: dict[str, str]


_beside = component("kit/camera", CameraData)


@dataclass(frozen=True)
class Taken:
    """Pictures, as files, with the ``number`` of their message: of one of the ``series``, or, where that is None, what
    the camera saw just now."""

    number: int
    series: int | None
    pictures: tuple[bytes, ...]


def show_camera(
    label: str,
    key: str,
    *,
    series: Sequence[str] = (),
    live: bool = False,
    take: Callable[[Taken], None] | None = None,
) -> UploadedFile | None:
    """Show a camera, with a field for a file beside it; return the picture that was taken, or chosen in the field.

    The field opens the camera of a phone, which gives none to a page without https. Why the camera stays dark is said.
    A button for each of ``series`` takes ten pictures one after the other, and while it is ``live`` one is taken again
    and again: whenever the last was answered. ``take`` is called with them before the page runs.
    """
    words = _words()
    seen, file = f"{key}_seen", f"{key}_file"
    properties = "".join(f"--{name}: {json.dumps(words[name], ensure_ascii=False)};" for name in _SHOWN_BY_CSS)
    with st.container(key=key):
        st.html(f"<style>{LOOK}.stCameraInput {{{properties}}}</style>")
        st.camera_input(label, key=seen, on_change=_came_last, args=(key, seen))
        show_uploader(
            _("Or a file: phones open their camera here"),
            TYPES,
            MOST_BYTES // 2**20,
            file,
            on_change=partial(_came_last, key, file),
        )
    beside, last = f"{key}_beside", f"{key}_number"
    answered = st.session_state.get(last, 0)
    data: CameraData = {"scope": key, "series": list(series), "live": live, "answered": answered, "words": words}

    def hand_on() -> None:
        taken = taken_of(st.session_state[beside]["pictures"], len(series))
        if take and taken and taken.number != st.session_state.get(last):  # it comes again until it is answered
            st.session_state[last] = taken.number
            take(taken)

    _beside(data=data, key=beside, on_pictures_change=hand_on)
    newer = st.session_state.get(f"{key}_newer", seen)
    picture: UploadedFile | None = st.session_state[newer] or st.session_state[file if newer == seen else seen]
    return picture


def _came_last(key: str, widget: str) -> None:
    st.session_state[f"{key}_newer"] = widget


def taken_of(sent: Any, series: int) -> Taken | None:
    """Read what a browser sent that has buttons for so many ``series``, None where no page of ours sends that."""
    if not isinstance(sent, dict):
        return None
    number, of, pictures = sent.get("number"), sent.get("series"), sent.get("pictures")
    if not isinstance(number, int) or of not in (None, *range(series)) or not isinstance(pictures, list):
        return None
    if not 0 < len(pictures) <= MOST_AT_ONCE:
        return None
    try:
        return Taken(number, of, tuple(map(_decoded, pictures)))
    except ValueError:
        return None


def _decoded(address: Any) -> bytes:
    """Return the bytes of a small JPEG file.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(address, str) or not address.startswith(PREFIX) or len(address) > LONGEST:
        raise ValueError
    return base64.b64decode(address.removeprefix(PREFIX), validate=True)


_SHOWN_BY_CSS = ("take", "again", "allow")


def _words() -> dict[str, str]:
    return {
        "take": _("Take a picture"),
        "again": _("Back to the camera"),
        "allow": _("Allow the camera when the browser asks."),
        "insecure": _("The browser gives no camera to a page without https: take the picture by the field above."),
        "missing": _("No camera was found: choose a picture in the field above."),
        "refused": _(
            "The camera is not allowed here: allow it in the browser's address bar, or choose a picture in the field "
            "above."
        ),
        "series": _("Ten pictures of"),
        "taken": _("{name}: {taken} of {count}"),
    }
