"""Which language the app speaks: the browser's own, until somebody chooses another, which then is in the address."""

from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.i18n import ENGLISH, LANGUAGES, _, ask_listener, language, nearest

ADDRESS = "lang"
LOOK = (Path(__file__).parent / "language.css").read_text("utf-8")
SPOKEN = "spoken_language"  # in the session; the switch's own value is not there in a fragment's run
SWITCH = "language"


def choose_language() -> None:
    """Show the switch and let all sentences of this session's pages be in the chosen language."""
    ask_listener(spoken_here)
    first = st.session_state.setdefault(SPOKEN, _first())
    language.set(first)
    with st.container(key="language_switch"):
        chosen = st.segmented_control(
            _("Language"),
            list(LANGUAGES),
            default=first,
            required=True,
            format_func=lambda name: LANGUAGES[name],
            key=SWITCH,
            on_change=_take,
            label_visibility="collapsed",
        )
        # A screen reader pronounces, and a browser breaks lines, by the document's language.
        script = f"<script>document.documentElement.lang = '{chosen}'</script>"
        st.html(f"<style>{LOOK}</style>{script}", unsafe_allow_javascript=True)
    if ADDRESS in st.query_params or {chosen, nearest(st.context.locale)} != {ENGLISH}:
        st.query_params[ADDRESS] = chosen


def _first() -> str:
    """Return the language to begin with: a link is in the language that it was made in, since the choices in it are
    called by their visible names; a bare address is in the browser's."""
    if ADDRESS in st.query_params:
        return nearest(st.query_params[ADDRESS])
    return ENGLISH if st.query_params else nearest(st.context.locale)


def _take() -> None:
    """Speak the language of the switch from now on.

    The choices in the address are set anew by their values: the browser names them in the language of before.
    """
    for key in st.query_params:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    st.session_state[SPOKEN] = st.session_state[SWITCH]
    language.set(st.session_state[SPOKEN])


def spoken_here() -> str:
    """Return the language of the session whose page runs in this thread; English where none does.

    A fragment's run does not come through ``choose_language``. It asks here once: a thread runs one session's pages.
    """
    if get_script_run_ctx(suppress_warning=True) is None:
        return ENGLISH
    name: str = st.session_state.get(SPOKEN, ENGLISH)
    language.set(name)
    return name
