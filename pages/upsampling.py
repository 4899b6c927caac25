"""Upsampling: every way to enlarge a map side by side, transposed convolution step by step, and its checkerboard."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.i18n import _
from ui.kit.choices import choose
from ui.upsampling.board import upsampling_board
from ui.upsampling.stamps import upsampling_stamps
from ui.upsampling.ways import upsampling_ways

VIEWS = {"ways": upsampling_ways, "stamps": upsampling_stamps, "board": upsampling_board}


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"ways": _("Ways to enlarge"), "stamps": _("Stamp by stamp"), "board": _("Checkerboard")}
    words = {
        "ways": _(
            "A segmentation network scores the classes on a coarse map, 16 pixels a cell. Ten ways to make a score for "
            "every pixel of it, by four doublings each."
        ),
        "stamps": _(
            "A transposed convolution (also: deconvolution) lets each input cell stamp the kernel, times its value, on "
            "a larger map. Where stamps overlap they add up."
        ),
        "board": _(
            "Where stamps overlap unevenly, some cells of the output get more than others: a checkerboard, before "
            "anything was learned. Choose a kernel size and a stride."
        ),
    }
    view = choose(_("View"), titles, "upsampling", "ways")
    st.markdown(words[view])
    return view


come_through_the_entrance()
st.title(_("Upsampling"))
VIEWS[choose_view()]()
