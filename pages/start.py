"""Start: how the topics hang together, each with a picture that the models have just made."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.checkpoint import CheckpointError
from core.figures.stages import Picture
from core.figures.start import pictures_of
from core.i18n import _, spoken
from ui.kit.caching import cache_words
from ui.start.line import Line, show_line
from ui.start.lines import lines


@cache_words()
def drawn(line: str) -> dict[str, Picture]:
    """Return the pictures of ``line``, made once for all sessions; none where a model has no weights."""
    try:
        return pictures_of(line)
    except CheckpointError:
        return {}  # the line leads to its pages all the same, and those say what is missing


@st.cache_resource
def lines_drawn() -> set[tuple[str, str]]:
    """Return which lines have their pictures, by language and name."""
    return set()


def is_drawn(line: Line) -> bool:
    """Return whether the pictures of ``line`` are there, so that nobody has to wait for them."""
    return (spoken(), line.name) in lines_drawn()


come_through_the_entrance()
st.title(_("Visible Vision"))
st.markdown(
    _("PyTorch and computer vision at work. Every picture is made here and now, and leads to where it is made.")
)
places = [(line, st.empty()) for line in lines()]
for line, place in places:
    with place:
        show_line(line, drawn(line.name) if is_drawn(line) else {})
for line, place in places:
    if not is_drawn(line) and (pictures := drawn(line.name)):
        with place:
            show_line(line, pictures)
        lines_drawn().add((spoken(), line.name))
