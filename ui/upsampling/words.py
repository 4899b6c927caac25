"""What the pictures of every way of upsampling are called, and what is said about them."""

from typing import Any

from core.i18n import _
from core.models import MODELS
from core.segmentation.study import UPSAMPLERS


def way_titles() -> dict[str, str]:
    """Return what the ways of upsampling are called."""
    return {name: _(MODELS[name].title) for name in UPSAMPLERS}


def explorer_words() -> dict[str, Any]:
    """Return what ``upsampling_ways.js`` says."""
    return {
        "titles": way_titles(),
        "show": _("Show"),
        "layers": {"score": _("Score"), "labels": _("Labels"), "errors": _("Errors")},
        "start": _("Start from"),
        "grids": {
            "corner": _("Corner"),
            "dot": _("Dot"),
            "edge": _("Edge"),
            "ones": _("Ones"),
            "empty": _("Empty"),
        },
        "brush": _("Value to draw"),
        "level": _("Doublings"),
        "size": _("{level}: {columns} x {rows}"),
        "zoom": _("Zoom"),
        "tiles": _("The map in every way; arrow keys move the marked cell"),
        "image": _("Image"),
        "truth": _("Mask"),
        "grid": _("Draw here"),
        "place": _("Row {row}, column {column} of {rows} x {columns}, marked in every picture."),
        "says": {
            "score": _("Black is 0, orange above, blue below; each picture has a scale of its own."),
            "labels": _("The class with the highest score at every pixel."),
            "errors": _("In colour: pixels whose label is not the mask's, in the colour of the label."),
        },
        "edit": _("Click or drag to draw; on the keyboard, arrow keys and the space bar."),
        "way": _("Way"),
        "columns": {
            "mean_iou": _("Mean IU (test)"),
            "boundary_f": _("Boundary F (test)"),
            "here": _("Mean IU here"),
            "checkerboard": _("Checkerboard"),
            "parameters": _("Parameters"),
            "multiplyAdds": _("Multiply-adds (M)"),
            "ms": _("ms"),
        },
    }
