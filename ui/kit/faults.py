"""What a page says of a failure that nothing on it foresaw: a sentence, and no word of what failed.

Streamlit has written it into the log by then.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.faults import sentence_of

Given = ParamSpec("Given")


def say_failures() -> None:
    """Let this run of the app say a sentence of its own where Streamlit would say one that is about its cloud."""
    context = get_script_run_ctx()
    if context:
        context.on_script_error = say


def fragment(function: Callable[Given, None], run_every: float | None = None) -> Callable[Given, None]:
    """Make ``function`` a fragment as ``st.fragment`` does, one that says its failures when it runs by itself, too."""

    @wraps(function)
    def saying(*args: Given.args, **kwargs: Given.kwargs) -> None:
        say_failures()
        function(*args, **kwargs)

    return st.fragment(saying, run_every=run_every)


def say(error: Exception) -> bool:
    """Show the sentence for ``error``; return that there is nothing to add."""
    st.error(sentence_of(error))
    return True
