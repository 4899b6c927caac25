"""The lesson of pooling."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Drag the region by a few pixels. Which pooled values change at once, which jump?"),
                _("RoIAlign's glide. RoI pooling's stay, and jump where the rounding changes, every 16 pixels."),
            ),
            State(
                _("A small region. How many pixels does RoI pooling add by rounding?"),
                _("16 to the right and below: of 24 x 24 pixels it pools 2 x 2 cells, 32 x 32 pixels and shifted."),
                {"x0": "40", "y0": "40", "x1": "64", "y1": "64"},
            ),
            State(
                _("One region only: is one map still cheaper than a crop?"),
                _("No, both cost the same. Drag to 2000 regions: one map takes 192 times fewer multiplications."),
                {"n": "1"},
            ),
        ),
        question=_("Boxes are right to a few pixels with RoI pooling as well. Why does Mask R-CNN need RoIAlign?"),
        answer=_(
            "A mask names single pixels. Rounding shifts the features by up to half a cell, 8 pixels here, and a mask "
            "drawn from them lies beside the object."
        ),
    )
