"""NMS that answers in the browser: pictures, steps, list and curves that follow two thresholds without the server."""

from collections.abc import Callable

import streamlit as st

from core.figures.sent.nms import Suppressed
from core.i18n import _
from ui.kit.component import component


class NmsData(Suppressed):
    """The same with words, the mAP by threshold where it is known, and whether boxes are drawn."""

    map: list[tuple[float, float]] | None
    editing: bool
    words: dict[str, str]


_component = component("nms/explorer", NmsData)


def nms_explorer(
    data: Suppressed,
    soft_title: str,
    map_by_threshold: dict[str, float] | None,
    draw: Callable[[list[float]], None] | None = None,
) -> None:
    """Show ``core.figures.nms.explorer_data``, soft-NMS under ``soft_title``, and the held-out mAP where it is known.

    ``map_by_threshold`` maps an IoU threshold, written out, to the mAP at it. With ``draw`` the user may drag boxes
    onto the picture, and it is called with each: (x0, y0, x1, y1) in pixels of the image.
    """
    points = sorted((float(threshold), value) for threshold, value in (map_by_threshold or {}).items())

    def drawn() -> None:
        box = st.session_state["nms_explorer"].drawn
        if draw and box:
            draw(box)

    sent: NmsData = {**data, "map": points or None, "words": _words(soft_title), "editing": draw is not None}
    _component(data=sent, key="nms_explorer", on_drawn_change=drawn)


def _words(soft_title: str) -> dict[str, str]:
    return {
        "iou": _("IoU threshold"),
        "score": _("Score threshold"),
        "step": _("Step"),
        "stepBefore": _("before NMS"),
        "stepOf": _("{step} of {steps}"),
        "stepFinished": _("finished"),
        "back": _("One step back"),
        "next": _("One step on"),
        "showSuppressed": _("Show suppressed boxes"),
        "showTruth": _("Show ground truth"),
        "boxes": _("Boxes, best first"),
        "greedy": _("Greedy NMS: {count} kept"),
        "soft": soft_title + _(": {count} left"),
        "empty": _("There is no box yet: drag one on the picture."),
        "none": _("No box reaches the score threshold: the best one has {score}. Lower the threshold."),
        "before": _("Before NMS: {count} boxes. A thicker line is a higher score."),
        "finished": _("{kept} of {count} boxes are kept. Hover a box to see its overlap with the one that was kept."),
        "stepKeeps": _("Step {step} of {steps}: {box} is the best box left and is kept. It suppresses none."),
        "stepSuppresses": _(
            "Step {step} of {steps}: {box} is the best box left and is kept. It suppresses {count}, by IoU: {victims}."
        ),
        "more": _("and {count} more"),
        "hoverKept": _("{box} is kept and suppresses {count}. Soft-NMS gives it {soft}."),
        "hoverSuppressed": _("{box} is suppressed by {by} at IoU {iou}. Soft-NMS lowers it to {soft}."),
        "waiting": _("waiting"),
        "kept": _("kept"),
        "keptRight": _("kept ✓ right"),
        "keptWrong": _("kept ✗ wrong"),
        "suppressedBy": _("by #{by}, IoU {iou}"),
        "threshold": _("IoU threshold"),
        "countChart": _("Boxes kept in this image"),
        "keptBoxes": _("Kept"),
        "qualityChart": _("Precision and recall in this image"),
        "precision": _("Precision"),
        "recall": _("Recall"),
        "mapChart": _("mAP@0.5 on held-out images"),
        "map": _("mAP at {threshold}"),
    }
