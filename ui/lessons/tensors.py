"""The lesson of tensors and their storage."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Point at the 8 in x. Which other tensors read the same cell?"),
                _("t and s do. c has a cell of its own: contiguous() had to copy."),
            ),
            State(
                _("100 is written through the slice s. Where does it arrive?"),
                _("In x as well: a slice is another way of reading the same storage, not a copy."),
                {"source": "x = arange(12).reshape(3, 4)\ns = x[1:, ::2]\ns[0, 0] = 100"},
            ),
            State(
                _("The last line fails. Which order of the cells would it need?"),
                _("0 3 1 4 2 5: no step of one length goes through the storage in that order. reshape copies instead."),
                {"lesson": "view"},
            ),
            State(
                _("Read the strides: how does a tensor repeat itself without using a cell more?"),
                _("With a stride of 0: the next row, or column, is read from the same cells."),
                {"lesson": "broadcasting"},
            ),
        ),
        question=_("x = arange(6).reshape(2, 3), t = x.T, and then t[0, 1] = 9. What is x now?"),
        answer=_(
            "[[0, 1, 2], [9, 4, 5]]. t reads x's storage with the strides swapped, so t[0, 1] and x[1, 0] are one cell."
        ),
    )
