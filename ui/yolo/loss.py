"""YOLO's loss in the browser: its parts as bars and heat maps, and who answers for an object."""

from core.figures.sent.yolo import CellLosses
from core.i18n import _
from ui.kit.component import component


class LossData(CellLosses):
    words: dict[str, str]


_component = component("yolo/loss", LossData, "kit/layered_picture")


def yolo_loss(data: CellLosses) -> None:
    """Show ``core.figures.yolo.loss_data``."""
    _component(data={**data, "words": {**term_words(), **_words()}}, key="yolo_loss")


def term_words() -> dict[str, str]:
    """Return the names of the loss's three parts and five terms, and of its weights."""
    return {
        "box": _("Box regression"),
        "confidence": _("Confidence"),
        "classification": _("Classification"),
        "centre": _("Centre x, y"),
        "sides": _("√w and √h"),
        "object": _("Object"),
        "no_object": _("No object"),
        "coord": _("λ coord"),
        "noobj": _("λ noobj"),
    }


def _words() -> dict[str, str]:
    return {
        "layers": _("Part of the loss"),
        "total": _("All parts"),
        "totalCaption": _("Where the loss of {value} comes from, cell by cell"),
        "boxCaption": _("Box regression, {value}: only responsible boxes"),
        "confidenceCaption": _("Confidence, {value}: every box of every cell"),
        "classificationCaption": _("Classification, {value}: only cells with an object"),
        "sum": _("Loss: {parts} = {total}"),
        "share": _("{share} % of the loss"),
        "cell": _("Cell in row {row}, column {column}"),
        "empty": _(
            "No object is centred here. Neither predictor is responsible: both are to say confidence 0, with the "
            "weight λ noobj. Box and class cost nothing."
        ),
        "key": _("In colour: ground truth. White: the two boxes of the cell, the second one dashed."),
        "holds": _("The centre of a true {label} lies in this cell."),
        "overlaps": _("Predictor {number} is responsible: its box has the higher IoU with it, {iou} against {less}."),
        "equal": _("Predictor {number} is responsible: both boxes have the IoU {iou}, and the first one counts."),
        "nearest": _("Predictor {number} is responsible: neither box overlaps the object, and its is the nearer one."),
        "iou": _("IoU of {number}"),
        "own": _("This cell's loss: {value}"),
        "scale": _("(the colours follow the square root)"),
        "lost": _("Not in the loss: {names}. Its cell already answers for another object, and a cell has but one."),
    }
