"""Instances by connected components and by Mask R-CNN, beside each other and the truth, in the browser."""

import streamlit as st

from core.data.scenes import ShapeScenes
from core.families import card_of
from core.figures.sent.segmentation import FoundInstances
from core.i18n import _
from core.segmentation.components import first_merging
from ui.kit.component import component
from ui.kit.image_picker import MOST_SCENES

SEARCHED = 200  # scenes at a time: some seconds at the worst
SEARCHED_IN_VAIN = "no_merging_scene"


class InstancesData(FoundInstances):
    words: dict[str, str]


_component = component("segmentation/instances", InstancesData, "kit/layered_picture", "segmentation/parts")


def segmentation_instances(data: FoundInstances, family: str) -> None:
    """Show ``core.figures.segmentation.instances_data`` of models of ``family``."""
    _component(data={**data, "words": _words()}, key="segmentation_instances")
    evaluation = card_of("mask_rcnn", family).get("evaluation", {})
    if "mask_ap50" in evaluation:
        words = _("Mask R-CNN over {images} test images: mask AP@0.5 {half}, mask AP@0.75 {strict}.")
        figures = {"half": f"{evaluation['mask_ap50']:.3f}", "strict": f"{evaluation['mask_ap75']:.3f}"}
        st.caption(words.format(images=evaluation["data"]["images"], **figures))
    if not data["fates"]:
        st.info(_("This image has no ground truth to count against: choose a drawn scene for that."))
    if st.session_state.pop(SEARCHED_IN_VAIN, False):
        words = _("In none of the next {count} scenes do two shapes of one class touch: choose a harder level.")
        st.warning(words.format(count=SEARCHED))
    st.button(_("Next scene where components fail"), on_click=_go_on, icon=":material/skip_next:", key="next_merging")


def _go_on() -> None:
    """Choose the next scene in which two shapes of one class touch, as if its number had been typed."""
    here, difficulty = (st.session_state.get(key, start) for key, start in (("scene", 0), ("difficulty", "medium")))
    scenes = ShapeScenes("validation", MOST_SCENES, difficulty)
    found = first_merging(scenes, int(here) + 1, SEARCHED)
    if found is None:
        st.session_state[SEARCHED_IN_VAIN] = True
    else:
        st.session_state.update(image="scene", scene=found)


def _words() -> dict[str, str]:
    return {
        "opacity": _("Opacity (%)"),
        "semantic": _("Semantic map, FCN-8s"),
        "components": _("Its connected components"),
        "masks": _("Masks, Mask R-CNN"),
        "truth": _("Ground truth"),
        "perfect": _("Components of a perfect semantic map"),
        "count": _("instances: {count}"),
        "instance": _("number {number}, {label}"),
        "nothing": _("nothing"),
        "point": _("Point at an instance to see what the others make of it."),
        "found": _("Found"),
        "merged": _("Merged with another"),
        "split": _("Split"),
        "missed": _("Missed"),
    }
