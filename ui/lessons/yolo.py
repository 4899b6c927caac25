"""The lesson of YOLO."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Point at the cells inside one object. Which of them answers for it?"),
                _("The one that its centre lies in. Its two boxes fit; other cells' confidence is near 0."),
            ),
            State(
                _("After NMS: why are 4 boxes left of 10?"),
                _("Both predictors of a cell find the same object: the better one stays."),
                {"layer": "left"},
            ),
            State(
                _("λ noobj is 1 instead of 0.5. Which part of the loss grows?"),
                _("Confidence, from 1.36 to 2.16: nearly all cells have no object, and would drown the others."),
                {"view": _("Loss"), "noobj": "1"},
            ),
            State(
                _("Drag the white box away, then press One step down the gradient a few times."),
                _("It comes back: the loss pulls at the place, the size, and the confidence at once."),
                {"view": _("Drag a box")},
            ),
        ),
        question=_("Two small objects have their centres in one cell. What can this YOLO not do?"),
        answer=_(
            "Name both, if their classes differ: a cell has one set of class probabilities. That is why YOLO misses "
            "birds in a flock, and why its successors predict classes for every box."
        ),
    )
