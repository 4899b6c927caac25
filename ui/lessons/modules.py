"""The lesson of modules and optimizers."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    deep = ", ".join(["flatten", *["linear 32", "sigmoid"] * 5, "linear 10"])
    return Lesson(
        states=(
            State(
                _("Which module holds most of the 9802 parameters?"),
                _("The first linear layer: 256 x 32 weights and 32 biases, 8224 in all. A convolution shares its few."),
            ),
            State(
                _("Five sigmoids in a row. Follow the gradient from the last layer to the first."),
                _("It shrinks at every sigmoid. Choose Deep, with ReLU, and compare the first layer's."),
                {"network": deep},
            ),
            State(
                _("Press Play. Which optimizers cannot take this learning rate?"),
                _("SGD and Nesterov: beyond its limit each step lands higher. Momentum bears up to 0.38 on this bowl."),
                {
                    "modules": _("Descent"),
                    "surface": _("Quadratic bowl"),
                    "start_x": "-0.6",
                    "start_y": "0.4",
                    "lr": "0.316",
                    "step": "0",
                },
            ),
            State(
                _("All start exactly on the ridge, y = 0. Who gets down?"),
                _("Nobody: the gradient has no part along y. Type 0.001 for Start y, and see who leaves first."),
                {
                    "modules": _("Descent"),
                    "surface": _("Saddle"),
                    "start_y": "0",
                },
            ),
            State(
                _("No hidden layer: can this network tell the inner circle from the outer one?"),
                _("No, its boundary is a straight line: about half is right, as by chance. Raise Depth to 1."),
                {"modules": _("Classify"), "points": _("Circles"), "depth": "0", "look": "400"},
            ),
        ),
        question=_("Two linear layers, one after the other, nothing between them. What can they do that one cannot?"),
        answer=_(
            "Nothing: W2 (W1 x + b1) + b2 is again one linear layer. It takes a bend between them, such as a ReLU, for "
            "depth to count."
        ),
    )
