"""The lesson of upsampling."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Ten ways to enlarge one map. Which ones show the cells, which a grid?"),
                _("Nearest shows the 16 x 16 cells; bilinear is smooth. The column Checkerboard measures the grid."),
            ),
            State(
                _("Press Play: each input cell stamps the kernel. Where do stamps overlap?"),
                _("Kernel 3, stride 2: every second row and column gets two stamps, where they cross it is four."),
                {"upsampling": _("Stamp by stamp"), "cells": _("All ones")},
            ),
            State(
                _("Kernel 4 at stride 2: what became of the pattern?"),
                _("It is even away from the border: the stride divides the kernel size."),
                {"upsampling": _("Stamp by stamp"), "cells": _("All ones"), "kernel": "4", "step": "16"},
            ),
            State(
                _("Click through the table. Which pairs are even?"),
                _("Those whose kernel size is a multiple of the stride."),
                {"upsampling": _("Checkerboard")},
            ),
        ),
        question=_("A decoder draws checkerboards. Which two ways out are on this page?"),
        answer=_(
            "A kernel size that the stride divides, or enlarging first and convolving after: resize-convolution. "
            "Training can also learn to even out a bad kernel, but it has to begin from the pattern."
        ),
    )
