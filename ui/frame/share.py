"""The link to the page as it is, to copy and as a QR code: every choice is in the address."""

from typing import TypedDict

import segno
import streamlit as st

from core.i18n import _
from ui.kit.component import component
from ui.kit.faults import fragment

KEY = "share"
LINK = "shared_link"  # in the session
LONGEST = 900  # letters: a larger QR code is too fine for a phone at the back of the room


class QRCode(TypedDict):
    """A link and its QR code as an SVG, None where the link is too long for one."""

    link: str
    svg: str | None


class ShareData(TypedDict):
    """The QR code that was asked for, and words."""

    code: QRCode | None
    words: dict[str, str]


_share = component("frame/share", ShareData)


@fragment
def share() -> None:
    """Show the button; the browser knows the address, and asks for its QR code when it is pressed."""
    _share(data={"code": _code(), "words": _words()}, key=KEY, width="content", on_link_change=_take)


def _take() -> None:
    st.session_state[LINK] = st.session_state[KEY]["link"]


def _code() -> QRCode | None:
    """Return the link that was asked for and its QR code as an SVG, None where the link is too long for one."""
    link = st.session_state.get(LINK)
    return {"link": link, "svg": qr_code(link)} if isinstance(link, str) else None


def qr_code(link: str) -> str | None:
    """Return the QR code of ``link`` as an SVG that scales, None where it is longer than ``LONGEST``."""
    if len(link) > LONGEST:
        return None
    return segno.make(link, error="l", micro=False).svg_inline(omitsize=True, border=3, dark="#000", light="#fff")


def _words() -> dict[str, str]:
    return {
        "share": _("Share"),
        "link": _("The link to this page as it is now"),
        "copied": _("Copied"),
        "select": _("Press Ctrl+C (on a Mac ⌘C) to copy it"),
        "code": _("QR code of the link"),
        "long": _("The link is too long for a QR code that a phone can read from afar."),
        "upload": _(
            "Your upload is not in the link: it stays in this tab. Whoever opens the link is asked for a file."
        ),
        "uploadChoice": _("Upload"),
        "cameraChoice": _("Camera"),
        "local": _("This address works on this computer only. For others, open the app by the server's name first."),
    }
