"""A label map over its image in the browser: opacity, classes, a pixel's probabilities, receptive fields, errors."""

from core.figures.sent.segmentation import Explored
from core.i18n import _
from ui.kit.component import component


class ExploreData(Explored):
    words: dict[str, str]


_component = component("segmentation/explore", ExploreData, "kit/layered_picture", "segmentation/parts")


def segmentation_explore(data: Explored) -> None:
    """Show ``core.figures.segmentation.explore_data``."""
    _component(data={**data, "words": {**figure_words(), **_words(data["instances"])}}, key="segmentation_explore")


def figure_words() -> dict[str, str]:
    """Return the names of the figures of ``core.segmentation.quality``."""
    return {
        "pixel_accuracy": _("Pixel accuracy"),
        "mean_accuracy": _("Mean accuracy"),
        "mean_iou": _("Mean IU"),
        "frequency_weighted_iou": _("Frequency-weighted IU"),
        "boundary_f": _("Boundary F"),
    }


def _words(instances: bool) -> dict[str, str]:
    hint = _(
        "Point at a pixel, click to keep it. Solid: the cell that stands for it. Dashed: all that the cell sees, its "
        "receptive field. Arrow keys move by a cell. Click a class to hide it."
    )
    scores = _("The bars are the best score of a mask there: Mask R-CNN has no probabilities of pixels.")
    return {
        "show": _("What is shown"),
        "labels": _("Result"),
        "truth": _("Ground truth"),
        "errors": _("Errors"),
        "opacity": _("Opacity (%)"),
        "classes": _("Classes, with their share of the pixels"),
        "hint": f"{hint} {scores}" if instances else hint,
        "wrong": _("Only wrong pixels are bright, in the colour of the label that they got; white is the background."),
        "pixel": _("Pixel {x}, {y}: {label}"),
        "pixelTrue": _("Pixel {x}, {y}: {label} (true: {truth})"),
        "layer": _("Layer"),
        "layerOption": _("{name}, {channels} x {rows} x {columns}"),
        "field": _(
            "The cell in row {row}, column {column} of {name} sees {size} x {size} pixels, from {left}, {top} to "
            "{right}, {bottom}; the next cell's are {stride} pixels on. What lies outside the image is padding."
        ),
        "confusion": _("Confusion matrix of this image (% of the true class)"),
        "corner": _("true, below; predicted, right"),
        "point": _("Point at a cell of the matrix to see its pixels."),
        "confused": _("{count} of {sum} pixels of {truth} are labelled {label}: {share}."),
        "noTruth": _("A confusion matrix compares with ground truth, and this image has none: choose a drawn scene."),
    }
