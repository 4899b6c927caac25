"""The lesson of transfer learning."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Three ways learn digits from 20 images a class. Compare what learns and how fast."),
                _(
                    "The last layer alone has the fewest parameters and the shortest epochs; everything, started from "
                    "the trained trunk, knows the most digits; from scratch most answers are guesses."
                ),
            ),
            State(
                _("Only 5 images a class. What became of the lead of everything?"),
                _("Its loss is near zero, its accuracy is not: it has learnt the few images by heart."),
                {"per_class": "5"},
            ),
            State(
                _("100 images a class and 500 steps: does from scratch catch up?"),
                _("It comes past the frozen trunk, whose features are those of other shapes, but not past everything."),
                {"per_class": "100", "transfer_steps": "500"},
            ),
            State(
                _("Every epoch shifts the images now. What happened to the table of times?"),
                _("No features can be kept: each batch goes through the frozen trunk again, and epochs take longer."),
                {"shifted": "true"},
            ),
        ),
        question=_("Why must the batch normalisation of a frozen trunk be in evaluation mode?"),
        answer=_(
            "In training mode it would normalise by the batch, and go on averaging over the new images: the same image "
            "would get other features in every batch, and the trunk would change although no weight does."
        ),
    )
