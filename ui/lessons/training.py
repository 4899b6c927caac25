"""The lesson of training."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Before the first step: what does the model say of four images?"),
                _("Weak boxes anywhere. Start the training, and watch what becomes of them within a minute."),
            ),
            State(
                _("The same model from the usual start and from random weights: whose loss falls first?"),
                _("A trunk that already knows edges and shapes is ahead; train both, then Compare runs shows it."),
                {"train_start": _("Random weights")},
            ),
            State(
                _("What remains of a training? Look for the largest tensor."),
                _("head.0.weight, a 3 x 3 convolution: 294,912 of YOLO's 925,302 numbers, and no code.."),
                {"training": _("Weights")},
            ),
        ),
        question=_("The loss still falls, but the score on held-out images stopped rising. What is going on?"),
        answer=_(
            "The model begins to learn its training images by heart: it overfits. More data or stronger transforms "
            "help, and so does stopping where the score was best."
        ),
    )
