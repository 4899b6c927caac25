"""The way into the app: what the first page of a fresh server would wait for, and what it would get wrong."""

import gc
import importlib
import runpy

import streamlit as st

from ui.frame.places import ENTRANCE
from ui.kit.faults import say_failures

ENTERED = "entered"  # in the session's state, from the entrance to the page
LIBRARIES = ("core.detectors.race", "core.figures.race", "core.figures.stages", "core.images", "core.data.photos")


def import_libraries() -> None:
    """Import torch and what stands on it, once for the server, out of the garbage collector's sight.

    They leave a million objects that live as long as the server. Collecting among them makes the import a fifth
    slower, and each full collection afterwards takes 0.15 s: too much for a race that is timed in the next thread.
    """
    gc.disable()
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()


# Here, and every page imports this file before all others: of two first visitors at once, the second waits for the
# first one's import of this file, where otherwise each would find half of torchvision.
import_libraries()


def enter() -> None:
    """Get ready to open a page from ``streamlit_app.py``."""
    say_failures()
    st.session_state[ENTERED] = True


def come_through_the_entrance() -> None:
    """Go through ``streamlit_app.py`` first where a page was opened past it, and let it open the page again.

    The folder's name makes Streamlit take the app for one of its older kind until ``st.navigation`` has been called
    once: a link to a page, opened on a fresh server, would show that page without the app around it.
    """
    if not st.session_state.pop(ENTERED, False):
        runpy.run_path(str(ENTRANCE))
        st.stop()
