"""How a region's feature jumps or glides, and how it compares with that of R-CNN's crop."""

import streamlit as st
from torch import Tensor

from core.detectors import Detector
from core.detectors.one_map import (
    ImageMap,
    compare,
    distances_when_moved,
    shifts_within,
    similarity_elsewhere,
)
from core.detectors.regions import RegionHead
from core.figures.pooling import glide_chart
from core.i18n import _
from pages.parts.image_picker import PickedImage
from pages.parts.pooling_explorer import way_titles


def show_glide(picked: PickedImage, image_map: ImageMap, box: Tensor) -> None:
    """Show how far the features go as the region moves pixel by pixel."""
    st.subheader(_("It jumps or glides"))
    shifts = shifts_within(picked.pixels, box)
    if len(shifts) == 1:
        st.info(_("The region is as wide as the image and cannot move: make it narrower."))
        return
    chart = glide_chart(shifts, distances_when_moved(image_map, box, shifts), way_titles())
    st.plotly_chart(chart, width="stretch", key="glide", config={"displayModeBar": False})
    st.caption(
        _(
            "All {channels} channels. Where rounding picks the same cells the pooled feature stands still, and jumps "
            "with the next cell; RoIAlign follows every pixel."
        ).format(channels=len(image_map.features))
    )


def show_comparison(detector: Detector, image_map: ImageMap, box: Tensor, of_crop: Tensor) -> None:
    """Show how alike R-CNN's feature and the pooled ones are, and what the detector's own head says of each."""
    st.subheader(_("The crop's feature and the pooled ones"))
    head = getattr(detector, "head", None)
    assert head is None or isinstance(head, RegionHead)
    titles = {"crop": _("R-CNN's crop"), **way_titles(), "spp": _("SPP, its 6 x 6 bins")}
    lines = [
        "| | {} |{}".format(_("Cosine"), f" {_('Named')} |" if head else ""),
        "|---|--:|" + ("---|" if head else ""),
    ]
    for way, one in compare(image_map, box, of_crop, head).items():
        line = f"| {titles[way]} | {one.similarity:.2f} |"
        if one.label is not None:
            line += f" {_(detector.classes[one.label])} {one.probability:.2f} |"
        lines.append(line)
    elsewhere = similarity_elsewhere(image_map, box, of_crop)
    if elsewhere is not None:
        lines.append(f"| {_('RoI pooling elsewhere, mean')} | {elsewhere:.2f} |{' |' if head else ''}")
    st.markdown("\n".join(lines))
    words = _(
        "Cosine: of the angle between the crop's feature, by the same trunk, and the pooled one. They are not alike to "
        "the number: the crop shows the object at another scale and with context around it."
    )
    if head:
        words += " " + _("Named: what {title}'s layers, which learned from RoI pooling, make of each.").format(
            title=detector.title
        )
    st.caption(words)
