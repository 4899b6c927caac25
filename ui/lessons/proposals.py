"""The lesson of region proposals."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Press Play: 117 segments merge. When is each object one region?"),
                _("At different merges: a proposal is made of every region on the way, small ones and large ones."),
                {"merge": "0"},
            ),
            State(
                _("Which of the nine anchors at this cell fits the cross, and how is it moved?"),
                _("64 × 64: its IoU goes from 0.79 to 0.97. Click another cell: elsewhere none fits."),
                {"view": _("RPN")},
            ),
            State(
                _("What would the RPN learn from this image? Count the positive anchors."),
                _("5 of 2304 are positive, 997 negative. Most others cross the border, and are ignored."),
                {"view": _("RPN"), "layer": "labels"},
            ),
            State(
                _("Ten proposals each: who finds the objects?"),
                _("The RPN finds all four, selective search one. Drag to 100, and both have all of them."),
                {"view": _("Compare"), "first": "10"},
            ),
        ),
        question=_("Why does the RPN need fewer proposals than selective search?"),
        answer=_(
            "It was trained: it knows what objects look like, and sorts its boxes by how sure it is. Selective search "
            "only groups what looks alike, so its best boxes are anywhere in the list."
        ),
    )
