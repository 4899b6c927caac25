"""Modules and optimizers: a network built from blocks, optimizers on surfaces, and a classifier trained live."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.i18n import _
from ui.kit.choices import choose
from ui.modules.build import modules_build
from ui.modules.classify import modules_classify
from ui.modules.descent import modules_descent

VIEWS = {"build": modules_build, "descent": modules_descent, "classify": modules_classify}


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"build": _("Build a network"), "descent": _("Descent"), "classify": _("Classify")}
    words = {
        "build": _(
            "A network of blocks as PyTorch sees it: a tree of modules. One batch goes through, and one step is taken."
        ),
        "descent": _(
            "Six optimizers from one place; all they see is the gradient under their feet. Click to start elsewhere."
        ),
        "classify": _(
            "A small network learns to tell two classes of points apart. Watch its decision boundary move, and what it "
            "makes of points that it was not trained on."
        ),
    }
    view = choose(_("View"), titles, "modules", "build", labelled=False)
    st.markdown(words[view])
    return view


come_through_the_entrance()
st.title(_("Modules and optimizers"))
VIEWS[choose_view()]()
