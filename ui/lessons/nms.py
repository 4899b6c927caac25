"""The lesson of non-maximum suppression."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Press ▶ and walk through NMS. How many boxes does the best one suppress?"),
                _("The first step drops 20 boxes. After four steps 4 of 49 are left, one an object."),
                {"step": "1"},
            ),
            State(
                _("The IoU threshold is 0.05. Which true box is gone?"),
                _("The small green triangle: it overlaps a better box of its class. Drag to 0.10, and it is back."),
                {"scene": "23", "iou": "0.05", "truth": "true"},
            ),
            State(
                _("The IoU threshold is 0.60. How many boxes stand for 7 objects?"),
                _("23 are kept, 7 are right: recall is 1, precision is down to 0.3."),
                {"scene": "7", "iou": "0.60"},
            ),
            State(
                _("A triangle lies on a rectangle. What is lost when all classes suppress each other?"),
                _("The rectangle. Choose Within a class, and both stay, however much they overlap."),
                {"scene": "34", "scope": _("Across classes"), "truth": "true"},
            ),
            State(
                _("Look at the right picture: soft-NMS at the threshold that lost the green triangle."),
                _("It only lowers scores, so the triangle stays; but 12 boxes are left for 6 objects."),
                {"scene": "23", "iou": "0.05", "truth": "true", "soft": _("Gaussian")},
            ),
        ),
        question=_("Two people hug, and their boxes overlap by an IoU of 0.6. What does NMS at 0.5 make of them?"),
        answer=_(
            "Greedy NMS drops one of them, though both boxes are right. Soft-NMS lowers its score; it stays if the "
            "score remains above the threshold. No IoU threshold is right for every crowd."
        ),
    )
