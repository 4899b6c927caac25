"""Segmentation: a class for every pixel, by a patch CNN, the line of FCNs and Mask R-CNN."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st
from torch import Tensor

from core.checkpoint import CheckpointError
from core.families import Family
from core.figures.fully_connected import flattened_data
from core.figures.segmentation import compared_data, explore_data, fusion_data, instances_data
from core.figures.sent.segmentation import Compared, Explored, Flattened, FoundInstances, Fused
from core.i18n import N_, _
from core.scripts import Script
from core.scripts import segmentation as scripts
from core.segmentation import NAMES, MaskRCNN, Segmenter, load
from core.segmentation.fcn import FCN8s
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.sliding import Slid, one_pass
from core.stages import Trace, run
from ui.images.family import choose_family
from ui.images.seen import seen_by
from ui.kit.caching import cache_words
from ui.kit.code import show_code
from ui.kit.image_picker import PickedImage, pick_image
from ui.segmentation.compared import segmentation_compared, segmentation_fusion
from ui.segmentation.connected import choose_shuffle, segmentation_flattened, show_sliding
from ui.segmentation.explore import segmentation_explore
from ui.segmentation.instances import segmentation_instances
from ui.segmentation.views import choose_model, choose_view

REMEMBERED = 32  # images, for all sessions together
RUNS = 3
FUSING = FCN8s.name  # the one with the most skips


@st.cache_resource
def loaded(name: str, family: str) -> Segmenter | MaskRCNN:
    """Return the trained segmenter ``name`` of ``family``; it is shared by all sessions."""
    return load(name, family)


def fastest(name: str, family: str, pixels: Tensor) -> Trace:
    """Return the fastest of a few runs of segmenter ``name``."""
    return min((run(loaded(name, family), pixels) for _run in range(RUNS)), key=lambda trace: trace.seconds)


@cache_words(REMEMBERED, N_("Segmenting ..."))
def explored(name: str, family: str, key: str, _picked: PickedImage) -> Explored:
    """Return what segmenter ``name`` of ``family`` makes of the image called ``key``."""
    return explore_data(loaded(name, family), fastest(name, family, _picked.pixels), _picked.truth)


@cache_words(REMEMBERED, N_("Segmenting ..."))
def compared(family: str, key: str, _picked: PickedImage) -> Compared:
    """Return what all segmenters of ``family`` make of the image called ``key``."""
    models = {name: loaded(name, family) for name in NAMES}
    traces = {name: fastest(name, family, _picked.pixels) for name in NAMES}
    return compared_data(models, traces, _picked.truth, family)


@cache_words(REMEMBERED, N_("Segmenting ..."))
def fused(family: str, key: str, _picked: PickedImage) -> Fused:
    """Return how the FCN of ``family`` fuses its scores of the image called ``key``."""
    model = loaded(FUSING, family)
    assert isinstance(model, FCN8s)
    return fusion_data(model, fastest(FUSING, family, _picked.pixels))


@cache_words(REMEMBERED, N_("Segmenting ..."))
def instances(family: str, key: str, _picked: PickedImage) -> FoundInstances:
    """Return the instances of the image called ``key``, as ``family`` finds them."""
    semantic, masks = (fastest(name, family, _picked.pixels) for name in (FUSING, "mask_rcnn"))
    return instances_data(semantic, masks, loaded(FUSING, family).classes, _picked.truth)


@cache_words(REMEMBERED, N_("Segmenting ..."))
def flattened(family: str, key: str, shuffle: int, _picked: PickedImage) -> Flattened:
    """Return what the patch CNN flattens of the image called ``key``, and what a ``shuffle`` does to its scores."""
    return flattened_data(patch_cnn(family), fastest(PatchCNN.name, family, _picked.pixels), shuffle)


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def convolved(family: str, key: str, _picked: PickedImage) -> Slid:
    """Return what the patch CNN makes of the image called ``key`` in one pass of convolutions."""
    return one_pass(fastest(PatchCNN.name, family, _picked.pixels))


def patch_cnn(family: str) -> PatchCNN:
    """Return the trained patch CNN of ``family``."""
    model = loaded(PatchCNN.name, family)
    assert isinstance(model, PatchCNN)
    return model


def show(view: str, picked: PickedImage, family: Family, model: str, shuffle: int) -> None:
    """Show the ``view`` of the image, that of one ``model`` or of one ``shuffle`` where it has such.

    Raises:
        CheckpointError: there are no trained weights.
    """
    name, key = family.name, picked.key
    if view == "explore":
        segmentation_explore(explored(model, name, key, picked))
    elif view == "compared":
        segmentation_compared(compared(name, key, picked))
        st.subheader(_("How FCN-8s fuses"))
        segmentation_fusion(fused(name, key, picked), name)
    elif view == "connected":
        segmentation_flattened(flattened(name, key, shuffle, picked))
        show_sliding(picked, family, patch_cnn(name), convolved(name, key, picked))
    else:
        segmentation_instances(instances(name, key, picked), name)
    show_code(lambda _address: script(view, picked, name, model, shuffle))


def script(view: str, picked: PickedImage, family: str, model: str, shuffle: int) -> Script:
    """Return the code for the ``view`` of the image."""
    image = picked.key, picked.title, family
    if view == "connected":
        return scripts.connected(*image, shuffle)
    if view == "instances":
        return scripts.instances(*image)
    return scripts.segmented(*image, (model,) if view == "explore" else NAMES)


come_through_the_entrance()
st.title(_("A class for every pixel"))
image_column, view_column = st.columns([2, 3], gap="large")
with image_column:
    picked = pick_image(sets=True, masks=True)
with view_column:
    view = choose_view()
    model = choose_model() if view == "explore" else FUSING
    shuffle = choose_shuffle() if view == "connected" else 0
if picked:
    with image_column:
        family = choose_family(picked)
    picked = seen_by(family, picked)
    for note in picked.notes:
        st.caption(note)
    try:
        show(view, picked, family, model, shuffle)
    except CheckpointError as error:
        st.error(str(error))
