"""How a region's feature jumps or glides, and how it compares with that of R-CNN's crop."""

from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from core.detectors import Detector
from core.detectors.one_map import (
    Comparison,
    ImageMap,
    compare,
    crop_of,
    distances_when_moved,
    region_in,
    shifts_within,
    similarity_elsewhere,
)
from core.detectors.rcnn import RCNN
from core.detectors.regions import RegionHead
from core.families import Family
from core.figures.pooling import glide_chart
from core.i18n import _
from core.models import MODELS
from ui.kit.caching import cache_words
from ui.kit.chart import show_chart
from ui.kit.image_picker import PickedImage
from ui.pooling.explorer import way_titles


@dataclass(frozen=True)
class PooledRegion:
    """The region with ``edges`` of the ``picked`` image, and what pools it: a ``detector`` of ``family``."""

    picked: PickedImage
    family: Family
    detector: Detector
    rcnn: RCNN
    image_map: ImageMap
    edges: tuple[int, ...]

    @property
    def box(self) -> Tensor:
        return region_in(self.picked.pixels, self.edges)[0]

    @property
    def key(self) -> str:
        """Tell it from every other region."""
        return f"{self.family.name}:{self.detector.name}:{self.picked.key}:{self.edges}"

    @property
    def head(self) -> RegionHead | None:
        """The layers that know what to make of 6 x 6 bins, where the detector has such."""
        head = getattr(self.detector, "head", None)
        return head if isinstance(head, RegionHead) else None


def show_glide(pooled: PooledRegion) -> None:
    """Show how far the features go as the region moves pixel by pixel."""
    st.subheader(_("It jumps or glides"))
    chart = _glide(pooled.key, pooled)
    if chart is None:
        st.info(_("The region is as wide as the image and cannot move: make it narrower."))
        return
    show_chart(chart, "glide", _("Distance of the feature from the first, against the shift of the region"))
    words = _(
        "All {channels} channels. Where rounding picks the same cells the pooled feature stands still, and jumps with "
        "the next cell; RoIAlign follows every pixel."
    )
    st.caption(words.format(channels=len(pooled.image_map.features)))


@cache_words(64)
def _glide(key: str, _pooled: PooledRegion) -> go.Figure | None:
    box = _pooled.box
    shifts = shifts_within(_pooled.picked.pixels, box)
    if len(shifts) == 1:
        return None
    return glide_chart(shifts, distances_when_moved(_pooled.image_map, box, shifts), way_titles())


def show_comparison(pooled: PooledRegion) -> None:
    """Show how alike R-CNN's feature and the pooled ones are, and what the detector's own head says of each."""
    st.subheader(_("The crop's feature and the pooled ones"))
    compared, elsewhere = _compared(pooled.key, pooled)
    named = pooled.head is not None
    titles = {"crop": _("R-CNN's crop"), **way_titles(), "spp": _("SPP, its 6 x 6 bins")}
    rows = [[titles[way], f"{one.similarity:.2f}", _name(pooled, one)] for way, one in compared.items()]
    if elsewhere is not None:
        rows.append([_("RoI pooling elsewhere, mean"), f"{elsewhere:.2f}", ""])
    table = [["", _("Cosine"), _("Named")], ["---", "--:", "---"], *rows]
    st.markdown("\n".join(f"| {' | '.join(row if named else row[:2])} |" for row in table))
    words = _(
        "Cosine: of the angle between the crop's feature, by the same trunk, and the pooled one. They are not alike to "
        "the number: the crop shows the object at another scale and with context around it."
    )
    if named:
        words += " " + _("Named: what {title}'s layers, which learned from RoI pooling, make of each.")
    st.caption(words.format(title=MODELS[pooled.detector.name].title))


def _name(pooled: PooledRegion, one: Comparison) -> str:
    return "" if one.label is None else f"{_(pooled.detector.classes[one.label])} {one.probability:.2f}"


@st.cache_data(max_entries=64, show_spinner=False)
def _compared(key: str, _pooled: PooledRegion) -> tuple[dict[str, Comparison], float | None]:
    box = _pooled.box
    _crop, feature = crop_of(_pooled.rcnn, _pooled.picked.pixels, box)
    elsewhere = similarity_elsewhere(_pooled.image_map, box, feature)
    return compare(_pooled.image_map, box, feature, _pooled.head), elsewhere
