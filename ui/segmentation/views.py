"""Which view of the segmentation page it is, and of which model; both live in the address."""

import streamlit as st

from core.i18n import _
from core.models import MODELS
from core.segmentation import NAMES
from core.segmentation.fcn import FCN8s
from ui.kit.choices import choose


def choose_model() -> str:
    """Show the segmenters and return the name of the chosen one."""
    return st.pills(
        _("Model"),
        NAMES,
        default=FCN8s.name,
        required=True,
        format_func=lambda name: MODELS[name].title,
        key="model",
        bind="query-params",
        persist_state="session",
        wrap=True,
    )


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"explore": _("Explore"), "compared": _("Side by side")}
    titles |= {"connected": _("Fully connected"), "instances": _("Instances")}
    words = {
        "explore": _("One class for every pixel, and how sure: look at what a model says, sees and confuses."),
        "compared": _(
            "From coarse to fine: a patch classifier, FCNs with a stride of 32, 16 and 8 pixels, and Mask R-CNN."
        ),
        "connected": _(
            "A fully connected layer takes a flattened map: a fixed size, and no places. The patch CNN names the "
            "middle of a patch with such layers."
        ),
        "instances": _(
            "A semantic map does not say where one shape ends and the next of its class begins. Its connected "
            "components are the naive answer; Mask R-CNN gives each detection a mask of its own."
        ),
    }
    view = choose(_("View"), titles, "view", "explore")
    st.markdown(words[view])
    return view
