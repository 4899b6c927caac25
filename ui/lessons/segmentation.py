"""The lesson of segmentation."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Click through the layers, from conv1 on. How much of the image does one cell see?"),
                _("11 x 11 pixels in conv1, 163 x 163 in conv5: deep layers know what, early ones know where."),
                {"layer": "conv1"},
            ),
            State(
                _("From left to right the stride gets finer. Where are the coarse ones wrong?"),
                _("At the edges: FCN-32s decides every 32 pixels. Compare the column Boundary F."),
                {"view": _("Side by side")},
            ),
            State(
                _("Shuffle the flattened numbers, and the weights alike: what happens to the scores?"),
                _("Nothing: a fully connected layer knows no neighbours. A convolution does, see below."),
                {"view": _("Fully connected")},
            ),
            State(
                _("A perfect map of classes: can one count the shapes in it?"),
                _("Not here: two of one class touch and become one component. Mask R-CNN finds all five."),
                {"view": _("Instances"), "scene": "6"},
            ),
        ),
        question=_("A fully connected layer wants 3200 numbers. How can the same weights take an image of any size?"),
        answer=_(
            "As a convolution with a 5 x 5 kernel: the same sums, done at every place. That is what makes a network "
            "fully convolutional, and one pass stands for thousands of patches."
        ),
    )
