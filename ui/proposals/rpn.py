"""The view of the region proposal network on its own."""

import streamlit as st
from torch import Tensor

from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.recall import MOST
from core.families import Family
from core.figures.proposals import rpn_data
from core.figures.sent.proposals import Anchors
from core.i18n import N_, _
from core.scripts import detection
from ui.kit.caching import cache_words
from ui.kit.code import show_code
from ui.kit.image_picker import PickedImage
from ui.proposals.rpn_explorer import rpn_explorer


@cache_words(32, N_("Running the RPN ..."))
def _looked(
    image_key: str, family: str, _pixels: Tensor, _truth: dict[str, Tensor] | None, _detector: FasterRCNN
) -> Anchors:
    return rpn_data(_detector, _pixels, _truth)


def show_rpn(picked: PickedImage, family: Family, detector: FasterRCNN) -> None:
    """Show the anchors of ``family``'s RPN, which is the ``detector``'s, on the picked image."""
    if picked.truth is None:
        st.info(_("This image has no ground truth: objectness and proposals are shown, but no anchor has a label."))
    looked = _looked(picked.key, family.name, picked.pixels, picked.truth, detector)
    rpn_explorer(looked, f"{picked.key} {family.name}", FasterRCNN.max_regions)
    show_code(
        lambda address: detection.rpn(
            picked.key,
            picked.title,
            family.name,
            address.number("nms", 0.7, 0.1, 1),
            address.whole("top", 100, 1, MOST),
        )
    )
