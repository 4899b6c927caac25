"""NMS: a detector's boxes before suppression, and what two thresholds make of them."""

from ui.frame.startup import come_through_the_entrance

from functools import partial

import streamlit as st
from torch import Tensor

from core.box_table import TableError
from core.checkpoint import CheckpointError
from core.detectors import NAMES, Detections, Detector, load, run
from core.families import Family, card_of
from core.figures.nms import MOST_BOXES, explorer_data
from core.i18n import _
from core.models import MODELS
from core.nms import Decay
from core.scripts import Script, detection
from ui.images.family import choose_family, say_if_none
from ui.kit.choices import choose
from ui.kit.code import Address, show_code
from ui.kit.image_picker import PickedImage, pick_image
from ui.nms.box_editor import ADDRESS, edit_boxes
from ui.nms.explorer import nms_explorer

Scored = tuple[int, float, list[float]]  # label, score and corners of a box

REGIONS = 300  # enough for a crowd of boxes, and R-CNN still answers within a second or two


@st.cache_resource
def loaded(name: str, family: str) -> Detector:
    """Return detector ``name`` of ``family`` with at most ``REGIONS`` proposals; it is shared by all sessions."""
    detector = load(name, family)
    detector.limit_regions(REGIONS)
    return detector


@st.cache_data(max_entries=64, show_spinner=_("Detecting ..."))
def boxes_before_nms(name: str, family: str, image_key: str, _pixels: Tensor) -> Detections:
    """Return what detector ``name`` of ``family`` hands to its NMS on the image called ``image_key``."""
    return run(loaded(name, family), _pixels).candidates


def choose_detector() -> str:
    """Show the detectors and return the chosen one's name."""
    return st.pills(
        _("Detector"),
        NAMES,
        default="faster_rcnn",
        required=True,
        format_func=lambda name: MODELS[name].title,
        key="detector",
        bind="query-params",
        persist_state="session",
        wrap=True,
    )


def choose_kind() -> tuple[bool, Decay, bool]:
    """Show how boxes suppress each other; return whether only within a class, how soft-NMS lowers scores, and whether
    the user's own boxes are used."""
    scopes = {"class": _("Within a class"), "all": _("Across classes")}
    decays: dict[Decay, str] = {"linear": _("Linear"), "gaussian": _("Gaussian")}
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    scope = choose(_("Suppress"), scopes, "scope", "class", place=row)
    decay = choose(
        _("Soft-NMS"),
        decays,
        "soft",
        "linear",
        place=row,
        help=_(
            "Bodla et al. 2017 lower the score of a box that overlaps a better one instead of dropping it: linear "
            "times 1 - IoU from the IoU threshold on, Gaussian times exp(-IoU² / 0.5) whatever the threshold."
        ),
    )
    own = row.toggle(_("Draw and edit boxes"), key="edit", bind="query-params", persist_state="session")
    return scope == "class", decay, own


def show(picked: PickedImage, family: Family, name: str, per_class: bool, decay: Decay, own: bool) -> None:
    """Show the explorer on the boxes of detector ``name`` of ``family`` or on the user's ``own``.

    Raises:
        CheckpointError: the detector has no weights.
        TableError: a row of the user's table is wrong.
    """
    classes = loaded(name, family.name).classes
    found = boxes_before_nms(name, family.name, picked.key, picked.pixels)
    draw = None
    if own:
        found, draw = edit_boxes(found, classes, picked, f"{family.name} {name}")
    else:
        st.query_params.pop(ADDRESS, None)
        say_if_none(family, found.scores.tolist())
    if not own and not len(found):
        st.info(_("There is no box before NMS here: choose another image, or draw boxes."))
        return
    if len(found) > MOST_BOXES:
        st.caption(_("The best {most} of {count} boxes.").format(most=MOST_BOXES, count=len(found)))
    curve = None if own else card_of(name, family.name).get("map50_by_nms_threshold")
    titles = {"linear": _("Soft-NMS, linear"), "gaussian": _("Soft-NMS, Gaussian")}
    data = explorer_data(picked.pixels, found, classes, per_class, decay, picked.truth)
    nms_explorer(data, titles[decay], curve, draw)
    boxes = list(zip(found.labels.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True))
    show_code(partial(script, picked, family, boxes if own else name, per_class, decay))
    if not own and curve is None:
        sentence = _("The mAP against the NMS threshold has not been measured: run `python -m core evaluate {name}`.")
        st.caption(sentence.format(name=f"{name} --family {family.name}" if family.data else name))


def script(
    picked: PickedImage, family: Family, found: str | list[Scored], per_class: bool, decay: Decay, address: Address
) -> Script:
    """Return the code for what is shown of what was ``found``, at the thresholds of the ``address``."""
    iou, score = address.number("iou", 0.3, 0, 1), address.number("score", 0.25, 0, 1)
    return detection.nms(picked.key, picked.title, family.name, found, iou, score, per_class, decay, REGIONS)


come_through_the_entrance()
st.title(_("Non-maximum suppression"))
st.markdown(
    _(
        "A detector finds each object many times. Greedy NMS keeps the best box, drops those that overlap it by more "
        "than the IoU threshold, and begins again with what is left."
    )
)
image_column, kind_column = st.columns([5, 8], gap="medium")
with image_column:
    picked = pick_image(sets=True)
with kind_column:
    name = choose_detector()
    per_class, decay, own = choose_kind()
if picked:
    with image_column:
        family = choose_family(picked)
    picked = picked.known_to(family)
    for note in picked.notes:
        st.caption(note)
    try:
        show(picked, family, name, per_class, decay, own)
    except (CheckpointError, TableError) as error:
        st.error(str(error))
