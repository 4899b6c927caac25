"""The multiply-adds of a crop for each region against one map for all: a slider over the number of regions."""

import streamlit as st

from core.figures.pooling import cost_data
from core.figures.sent import Words
from core.figures.sent.pooling import CostBySize
from core.i18n import _
from ui.kit.component import component


class CostData(CostBySize):
    words: Words


_component = component("pooling/cost", CostData)


def pooling_cost(height: int, width: int, trunk: str) -> None:
    """Show the cost on an image of ``height`` x ``width``, on the ``trunk`` that is trained here and on the papers'."""
    _component(data={**cost_data(height, width, trunk), "words": _words()}, key="pooling_cost")
    words = _(
        "Counted by torch.utils.flop_counter for this image of {width} x {height} pixels: convolutions, fc6 and fc7. "
        "Pooling is not in it: it compares, and multiplies nothing. With one map the fully connected layers are what "
        "is left to save; Fast R-CNN factors them (truncated SVD)."
    )
    st.caption(words.format(width=width, height=height))


def _words() -> Words:
    return {
        "regions": _("Regions"),
        "sizes": {"trained": _("The network trained here"), "paper": _("AlexNet, as in the papers")},
        "crops": _("A crop each (R-CNN)"),
        "map": _("One map (Fast R-CNN)"),
        "convolution": _("convolutions"),
        "layers": _("fully connected"),
        "times": _("{factor} times fewer"),
        "says": _("{sum} billion multiply-adds"),
    }
