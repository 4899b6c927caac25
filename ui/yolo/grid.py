"""YOLO's grid in the browser: boxes, class map, scores and what NMS leaves, cell by cell."""

from core.figures.sent.yolo import GridCells
from core.i18n import _
from ui.kit.component import component


class GridData(GridCells):
    words: dict[str, str]


_component = component("yolo/grid", GridData, "kit/layered_picture")


def yolo_grid(data: GridCells) -> None:
    """Show ``core.figures.yolo.grid_data``."""
    _component(data={**data, "words": _words()}, key="yolo_grid")


def _words() -> dict[str, str]:
    return {
        "layers": _("Layer"),
        "boxes": _("Boxes and confidence"),
        "map": _("Class map"),
        "scored": _("Confidence × class"),
        "left": _("After NMS"),
        "threshold": _("Threshold"),
        "boxesCaption": _(
            "{count} boxes with a confidence of {threshold} or more. A thicker line is a higher confidence."
        ),
        "mapCaption": _(
            "Each of the {side} x {side} cells in the colour of its most probable class; stronger is surer."
        ),
        "scoredCaption": _("Boxes whose confidence times class probability is {threshold} or more: {count}."),
        "leftCaption": _("Boxes left after NMS with a score of {threshold} or more: {count}."),
        "none": _("No box reaches {threshold}: lower the threshold."),
        "cell": _("Cell in row {row}, column {column}"),
        "predictor": _("Predictor {number}"),
        "predictors": _("The cell's first box is drawn solid, its second dashed."),
        "size": _("{width} x {height} pixels"),
        "ifObject": _("If an object is centred here, it is a ..."),
        "product": _("Confidence × class probability = score"),
        "fate": _("Predictor {number}: {confidence} × {probability} = {score} for {label}. {end}"),
        "kept": _("It is kept."),
        "suppressed": _("NMS drops it: a better box of its class overlaps it."),
        "below": _("That is below the threshold."),
    }
