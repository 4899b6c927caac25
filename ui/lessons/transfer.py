"""The lesson of transfer learning."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State

OURS = {"trunk_of": "Slim AlexNet"}  # with which all three ways are learnt in seconds


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("A trunk that learnt from photos meets digits. What does its last layer alone make of 20 a class?"),
                _("More than half are right, though no photo showed digits like these: features of edges serve both."),
            ),
            State(
                _("Three ways learn digits from 20 images a class. Compare what learns and how fast."),
                _(
                    "The last layer alone has the fewest parameters and the shortest epochs; everything, started from "
                    "the trained trunk, knows the most digits; from scratch most answers are guesses."
                ),
                {**OURS, "transfer_steps": "150"},
            ),
            State(
                _("Only 5 images a class. What became of the lead of everything?"),
                _("Its loss is near zero, its accuracy is not: it has learnt the few images by heart."),
                {**OURS, "per_class": "5", "transfer_steps": "150"},
            ),
            State(
                _("100 images a class and 500 steps: does from scratch catch up?"),
                _("It comes past the frozen trunk, whose features are those of other shapes, but not past everything."),
                {**OURS, "per_class": "100", "transfer_steps": "500"},
            ),
            State(
                _("Every epoch shifts the images now. What happened to the table of times?"),
                _("No features can be kept: each batch goes through the frozen trunk again, and epochs take longer."),
                {**OURS, "shifted": "true", "transfer_steps": "150"},
            ),
        ),
        question=_("Why must the batch normalisation of a frozen trunk be in evaluation mode?"),
        answer=_(
            "In training mode it would normalise by the batch, and go on averaging over the new images: the same image "
            "would get other features in every batch, and the trunk would change although no weight does."
        ),
    )
