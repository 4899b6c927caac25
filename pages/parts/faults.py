"""What a page says of a failure that nothing on it foresaw: a sentence, and no word of what failed."""

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.jobs.serving import failure


def say_failures() -> None:
    """Let this run of the app say a sentence of its own where Streamlit, which also writes the log, would say one that
    is about its cloud."""
    context = get_script_run_ctx()
    if context:
        context.on_script_error = say


def say(error: Exception) -> bool:
    """Show the sentence for ``error``; return that there is nothing to add."""
    st.error(failure(error))
    return True
