"""A predicted box to drag: its loss and gradient come from the server while it moves."""

from typing import Any

import streamlit as st
from torch import Tensor

from core.detectors.yolo import Grid
from core.figures.sent import Words
from core.figures.sent.yolo import DragScene, Pulled
from core.figures.yolo import BoxError, answer_data
from core.i18n import _
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.yolo.loss import term_words


class DragData(DragScene):
    """The same with the answer to the box that was asked about, by its number, and what was wrong with it."""

    key: str
    number: int
    answer: Pulled
    error: str
    words: Words


_component = component("yolo/drag", DragData, "kit/layered_picture")


@fragment
def yolo_drag(key: str, scene: DragScene, image: Tensor, grid: Grid, truth: dict[str, Tensor]) -> None:
    """Show ``core.figures.yolo.drag_data`` of the image called ``key``, and answer to the box that is dragged there.

    Only this fragment runs again for an answer, not the page.
    """
    asked: dict[str, Any] = st.session_state.get("yolo_drag", {}).get("asked") or {}
    if asked.get("image") != key:
        asked = {}
    wrong = ""
    try:
        answer = answer_data(image, grid, truth, asked)
    except BoxError as error:
        answer, wrong = answer_data(image, grid, truth, {}), str(error)
    data: DragData = {
        **scene,
        "answer": answer,
        "error": wrong,
        "key": key,
        "number": asked.get("number", 0),
        "words": {**term_words(), **_words()},
    }
    _component(data=data, key="yolo_drag", on_asked_change=lambda: None)


def _words() -> Words:
    return {
        "hint": _(
            "Drag the white box or its edges. An arrow shows where one step of gradient descent takes the box. "
            "Arrow keys move the box, with Shift its lower right corner. Click elsewhere to look at another cell."
        ),
        "cell": _("Predictor {number} of the cell in row {row}, column {column}"),
        "object": _("Object"),
        "option": _("{label}, in row {row}, column {column}"),
        "without": _("none, in row {row}, column {column}"),
        "predictor": _("Predictor {number}"),
        "truth": _("ground truth"),
        "fields": [_("Centre x"), _("Centre y"), _("Width"), _("Height"), _("Confidence")],
        "columns": ["", _("pixels"), _("output"), _("wanted"), _("gradient"), _("per pixel")],
        "step": _("One step down the gradient"),
        "again": _("As predicted"),
        "own": _("This cell's loss: {value} (of {total} in all)"),
        "classGradient": _("Class probabilities and their gradient"),
        "gradient": _("gradient {value}"),
        "empty": _("No object is centred here: nothing pulls at the box, and its confidence is to be 0."),
        "alone": _("Set the cell's other box aside"),
        "aside": _("With the other box set aside it is responsible, at an IoU of {iou}. The loss pulls at it."),
        "answers": _("It is responsible: its IoU is {iou}, against {less} of predictor {other}. The loss pulls at it."),
        "twinAnswers": _(
            "Predictor {other} is responsible: its IoU is {less}, against {iou}. Nothing pulls at this box, and its "
            "confidence is to be 0."
        ),
        "rootTitle": _("What the square root is for"),
        "error": _("Error of the width in pixels"),
        "errorAxis": _("predicted width minus true width, in pixels"),
        "rootSmall": _("{side} pixels wide, with the root"),
        "rootLarge": _("{side} pixels wide, with the root"),
        "rootPlain": _("either, without the root"),
        "rootNone": _("Without an error there is no loss. Move the slider."),
        "rootSays": _(
            "A width {error} pixels too {direction} costs {times} times as much on the small box ({small} pixels) as "
            "on the large one ({large}). Without the root it would cost the same on both."
        ),
        "wide": _("large"),
        "narrow": _("small"),
    }
