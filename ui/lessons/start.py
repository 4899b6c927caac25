"""The lesson of the start page."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Follow the second line from left to right. What does each paper no longer do?"),
                _("A network run a region, a stage trained apart, selective search, and at last proposals at all."),
            ),
        ),
        question=_("What do the detectors of the second line and the networks of the third have in common?"),
        answer=_(
            "The trunk: convolutions that turn an image into a map of features. What comes after it makes boxes, or a "
            "class for every pixel."
        ),
    )
