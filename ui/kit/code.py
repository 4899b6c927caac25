"""The code that reproduces what is on screen: a button at a page's end, and a window that shows the script."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

import streamlit as st

from core.i18n import _
from core.scripts import Script
from ui.kit.component import component
from ui.kit.faults import fragment

KEY = "code"
ASKED = "code_asked"  # in the session: the address for which the code is asked


class CodeData(TypedDict):
    """What the button says."""

    words: dict[str, str]


_button = component("kit/code", CodeData)


@dataclass(frozen=True)
class Address:
    """The settings that stand in the address, with those of explorers, whose moves Python does not hear of."""

    settings: dict[str, str]

    def number(self, name: str, first: float, least: float = -math.inf, most: float = math.inf) -> float:
        """Return the number called ``name``, within ``least`` and ``most``; ``first`` where there is none."""
        try:
            value = float(self.settings.get(name, first))
        except ValueError:
            return first
        return min(max(value, least), most) if math.isfinite(value) else first

    def whole(self, name: str, first: int, least: int, most: int) -> int:
        """Return ``number`` as a whole one."""
        return int(self.number(name, first, least, most))

    def words(self, name: str, first: str) -> str:
        """Return the words called ``name``; ``first`` where there are none."""
        return self.settings.get(name, first)


@fragment
def show_code(write: Callable[[Address], Script]) -> None:
    """Show the button; ``write`` is called with the address, when it is pressed, and returns the script to show."""
    _button(data={"words": {"code": _("Code for this")}}, key=KEY, width="content", on_asked_change=_take)
    asked: dict[str, str] | None = st.session_state.pop(ASKED, None)
    if asked is not None:
        st.dialog(_("The code for what is on screen"), width="large")(_show)(write(Address(asked)))


def _take() -> None:
    asked: Any = st.session_state[KEY]["asked"]
    if isinstance(asked, dict):
        st.session_state[ASKED] = {str(name): str(value) for name, value in asked.items()}


def _show(script: Script) -> None:
    st.caption(_("It runs in the folder of a clone of this app, with the same code that computes this page."))
    row = st.container(horizontal=True)
    row.download_button(
        _("Download as Python"), script.text, f"{script.name}.py", "text/x-python", key="script", on_click="ignore"
    )
    row.download_button(
        _("Download as a notebook"),
        script.notebook(),
        f"{script.name}.ipynb",
        "application/x-ipynb+json",
        key="notebook",
        on_click="ignore",
    )
    st.code(script.text, language="python")
