"""How a page remembers results that hold words: one for each language."""

from collections.abc import Callable
from functools import cache, update_wrapper
from typing import Literal, ParamSpec, TypeVar

import streamlit as st

from core.i18n import _, spoken

Given = ParamSpec("Given")
Made = TypeVar("Made")


def cache_words(
    max_entries: int | None = None, spinner: str = "", scope: Literal["global", "session"] = "global"
) -> Callable[[Callable[Given, Made]], Callable[Given, Made]]:
    """Remember a function's results as ``st.cache_data`` does, at most ``max_entries`` in each language, for all
    sessions or for each.

    ``spinner``, a sentence marked by ``N_``, is shown in the reader's language while a result is computed.
    """

    def decorate(function: Callable[Given, Made]) -> Callable[Given, Made]:
        @cache
        def remembered(language: str) -> Callable[Given, Made]:
            def named(*args: Given.args, **kwargs: Given.kwargs) -> Made:
                return function(*args, **kwargs)

            update_wrapper(named, function)
            named.__qualname__ += f" in {language}"  # which is what Streamlit tells functions apart by
            words = _(spinner) if spinner else False
            return st.cache_data(max_entries=max_entries, show_spinner=words, scope=scope)(named)

        def called(*args: Given.args, **kwargs: Given.kwargs) -> Made:
            return remembered(spoken())(*args, **kwargs)

        return update_wrapper(called, function)

    return decorate
