"""From a region of any size to a feature of one size: warp, SPP, RoI pooling and RoIAlign of a dragged region."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from torch import Tensor

from core.checkpoint import CheckpointError
from core.detectors import Detector, load
from core.detectors.one_map import ImageMap, RegionError, crop_of, first_region, map_of, rcnn_around, region_in
from core.detectors.rcnn import RCNN
from core.families import Family, family_of
from core.figures.pooling import explorer_data, strongest_channels
from core.i18n import _
from core.models import MODELS
from core.scripts import detection
from ui.images.family import choose_family
from ui.images.naming import name_region
from ui.kit.code import show_code
from ui.kit.faults import fragment
from ui.kit.image_picker import PickedImage, pick_image
from ui.pooling.comparison import PooledRegion, show_comparison, show_glide
from ui.pooling.cost import pooling_cost
from ui.pooling.explorer import pooling_explorer
from ui.pooling.region import begin_with, drag, dragged, region_inputs, set_down

TRUNKS = ("faster_rcnn", "fast_rcnn", "sppnet")
STRONGEST = "strongest"  # in the address; otherwise a channel's number
OFFERED = 8  # channels to choose from by their looks
SHOWN_CHANNEL = "pooling_channel_shown"


@st.cache_resource
def loaded(name: str, family: str) -> tuple[Detector, RCNN]:
    """Return detector ``name`` of ``family`` and an R-CNN around its trunk; they are shared by all sessions."""
    detector = load(name, family)
    return detector, rcnn_around(detector, family_of(family).trunk)


@st.cache_data(max_entries=64, show_spinner=False)
def map_on(name: str, family: str, image_key: str, _pixels: Tensor) -> ImageMap:
    """Return the map that the trunk of detector ``name`` of ``family`` makes of the image called ``image_key``."""
    return map_of(loaded(name, family)[1], _pixels)


def choose_trunk() -> str:
    """Show the detectors that pool from one map and return the name of the chosen one."""
    return st.pills(
        _("Trained trunk"),
        TRUNKS,
        default=TRUNKS[0],
        required=True,
        format_func=lambda name: MODELS[name].title,
        key="trunk",
        bind="query-params",
        persist_state="session",
        wrap=True,
    )


def choose_channel(place: DeltaGenerator, image_map: ImageMap) -> str:
    """Show the channels at ``place`` and return the chosen one's number or ``STRONGEST``."""
    return place.selectbox(
        _("Channel of the map"),
        [STRONGEST, *map(str, range(len(image_map.features)))],
        format_func=lambda name: _("The strongest inside the region") if name == STRONGEST else name,
        key="channel",
        width=280,
        bind="query-params",
        persist_state="session",
    )


def channel_to_show(choice: str, strongest: int) -> int:
    """Return the channel's number; the strongest one does not change while the region is in the hand."""
    if choice != STRONGEST:
        return int(choice)
    if not dragged():
        st.session_state[SHOWN_CHANNEL] = strongest
    return st.session_state[SHOWN_CHANNEL]


def take_channel(channel: int) -> None:
    """Choose ``channel``, as if it had been chosen by its number."""
    st.session_state["channel"] = str(channel)


@fragment
def explore(picked: PickedImage, family: Family, detector: Detector, rcnn: RCNN, image_map: ImageMap) -> None:
    """Show the region and everything that depends on it; only this is run again when the region moves.

    The charts wait until the hand lets go: drawn anew all the time, they would make it jerk.
    """
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    edges, left = region_inputs(row, picked)
    choice = choose_channel(row, image_map)
    try:
        box, notes = region_in(picked.pixels, edges)
    except RegionError as error:
        st.error(str(error))
        st.button(_("Take a region inside"), on_click=set_down, args=(first_region(picked.pixels, picked.truth),))
        return
    for note in notes:
        st.caption(note)
    crop, _feature = crop_of(rcnn, picked.pixels, box)
    offered = strongest_channels(image_map, box, OFFERED)
    channel = channel_to_show(choice, offered[0])
    data = explorer_data(picked.pixels, image_map, box, channel, crop, rcnn.facts.context, offered)
    pooling_explorer(data, dragged(), drag, set_down, take_channel)
    pooled = PooledRegion(picked, family, detector, rcnn, image_map, left)
    glide_column, comparison_column = st.columns(2, gap="large")
    with glide_column:
        show_glide(pooled)
    with comparison_column:
        show_comparison(pooled)
        if family.data:
            name_region(picked.key, picked.pixels, pooled.box)
    corners = region_in(picked.pixels, left)[0].tolist()
    show_code(lambda _address: detection.pooling(picked.key, picked.title, family.name, detector.name, corners))


come_through_the_entrance()
st.title(_("From a region to a feature of one size"))
st.markdown(
    _("Regions come in all sizes, the last layers need one: R-CNN warps pixels, its successors pool cells of one map.")
)
image_column, map_column = st.columns([2, 3], gap="large")
with image_column:
    picked = pick_image(sets=True)
if picked:
    with image_column:
        family = choose_family(picked)
    picked = picked.known_to(family)
    begin_with(picked)
    with map_column:
        name = choose_trunk()
    for note in picked.notes:
        st.caption(note)
    try:
        detector, rcnn = loaded(name, family.name)
    except CheckpointError as error:
        st.error(str(error))
    else:
        explore(picked, family, detector, rcnn, map_on(name, family.name, picked.key, picked.pixels))
        st.subheader(_("Why one convolution is enough"))
        _channels, height, width = picked.pixels.shape
        pooling_cost(height, width, family.trunk)
