"""Autograd: the graph behind a value, walked forward and back, and how it differs from a graph made beforehand."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.i18n import _
from ui.autograd.graph import autograd_graph
from ui.autograd.runs import autograd_runs
from ui.kit.choices import choose

VIEWS = {"graph": autograd_graph, "runs": autograd_runs}


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"graph": _("The graph"), "runs": _("Define by run")}
    words = {
        "graph": _(
            "While an expression runs, PyTorch notes each operation as a node. From the result it goes back through "
            "them by the chain rule. Type another expression, and hover over a node."
        ),
        "runs": _(
            "PyTorch has no graph before it runs: running defines it, so an `if` or a loop is Python's own. Move the "
            "slider and watch another graph come about."
        ),
    }
    view = choose(_("View"), titles, "autograd", "graph")
    st.markdown(words[view])
    return view


come_through_the_entrance()
st.title(_("Autograd"))
VIEWS[choose_view()]()
