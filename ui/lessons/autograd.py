"""The lesson of autograd."""

from core.i18n import _
from ui.lessons.lesson import Lesson, State


def lesson() -> Lesson:
    """Return the lesson in the language that is spoken."""
    return Lesson(
        states=(
            State(
                _("Press ▶ until the last step. Multiply the numbers on the way from y back to x."),
                _("1 · 1.995 · 0.07074 · 3 = 0.4234: x's gradient, and the finite difference below agrees."),
                {"step": "0"},
            ),
            State(
                _("a is used three times. What does its gradient add up?"),
                _("Three products, one a path: b + exp(a) + a exp(a) = 21.17."),
                {
                    "code": "a = tensor(2., requires_grad=True)\nb = tensor(-1., requires_grad=True)\n"
                    "y = a * b + exp(a) * a"
                },
            ),
            State(
                _("backward() was called three times. What became of .grad?"),
                _("Three times the gradient: backward() adds. Set .grad to zero, and call it again."),
                {"code": "w = tensor([1., -2.], requires_grad=True)\nloss = (w ** 2).sum()", "calls": "3"},
            ),
            State(
                _("The way back is broken. Which line broke it, and why?"),
                _("y += 1 overwrote what exp had saved. Type y = y + 1 instead, and the gradients are there."),
                {"code": "x = tensor([0., 1.], requires_grad=True)\ny = exp(x)\ny += 1\nloss = y.sum()"},
            ),
            State(
                _("Move the slider: the function has a loop. How many doublings does the graph have?"),
                _("As many as this input needs: running defines the graph, and each run makes its own."),
                {"autograd": _("Define by run")},
            ),
        ),
        question=_("Why does a training loop call zero_grad() before backward()?"),
        answer=_(
            "backward() adds to .grad. Without zero_grad() each step would follow the sum of all gradients so far, and "
            "not the slope where the weights are now."
        ),
    )
