"""The autograd page's lessons: lines of the tensor language to begin with, each with what to look for."""

from typing import TypedDict

from core.i18n import _

FIRST = "x = tensor(0.5, requires_grad=True)\nw = tensor(3., requires_grad=True)\ny = sin(w * x) ** 2"


class SourceLesson(TypedDict):
    """Lines to begin with, and the explorer's settings that show the point of them."""

    title: str
    source: str
    says: str
    settings: dict[str, int]


def lessons() -> list[SourceLesson]:
    """Return the lessons; ``settings`` are those of the explorer that show the point of one."""
    return [
        _lesson(
            _("Chain rule"),
            FIRST,
            _("From the result back to x and w, each step multiplies by the derivative of one operation."),
        ),
        _lesson(
            _("Shared leaf"),
            "a = tensor(2., requires_grad=True)\nb = tensor(-1., requires_grad=True)\ny = a * b + exp(a) * a",
            _("There are several paths to a. Each brings back a product, and the leaf adds them up."),
        ),
        _lesson(
            _("Cross-entropy"),
            "x = tensor([[1., 2.], [0.5, -1.]])\n"
            "W = tensor([[0.1, 0.4, -0.3], [0.5, -0.2, 0.6]], requires_grad=True)\n"
            "b = zeros(3, requires_grad=True)\n"
            "z = x @ W + b\n"
            "p = softmax(z, dim=1)\n"
            "loss = cross_entropy(z, tensor([2, 0]))",
            _(
                "One layer and its loss. Cross-entropy is two nodes, log softmax and nll loss; p is not among them, "
                "since the loss does not use it. The gradient at z is (softmax − one-hot) / 2."
            ),
        ),
        _lesson(
            _("detach"),
            "x = tensor([1., 2., 3.], requires_grad=True)\nw = x.detach() / x.detach().sum()\ny = (w * x).sum()",
            _("detach() cuts a path: w counts as a constant. The finite differences know nothing of that."),
        ),
        _lesson(
            _("no_grad"),
            "w = tensor(3., requires_grad=True)\nwith no_grad():\n    scale = w * 2\nloss = (w - 5) ** 2 * scale",
            _("Under no_grad() operations are done, but no nodes are made: scale has no past."),
        ),
        _lesson(
            _("In-place: value gone"),
            "x = tensor([0., 1.], requires_grad=True)\ny = exp(x)\ny += 1\nloss = y.sum()",
            _("exp saved its result for the way back, and += 1 has overwritten it. Try y = y + 1 instead."),
        ),
        _lesson(
            _("In-place on a leaf"),
            "w = tensor([1., 2.], requires_grad=True)\nloss = (w ** 2).sum()\nw -= 0.1",
            _("An optimizer's step changes leaves. PyTorch allows it where nothing is recorded: under no_grad()."),
        ),
        _lesson(
            _("Accumulation"),
            "w = tensor([1., -2.], requires_grad=True)\nloss = (w ** 2).sum()",
            _("Call backward() again below: .grad grows each time, until it is set to zero. zero_grad() does that."),
            calls=3,
        ),
        _lesson(
            _("Kink"),
            "x = tensor([-1., 0., 2.], requires_grad=True)\ny = relu(x).sum()",
            _("relu has no derivative at 0. PyTorch takes the left side's, a central difference the mean of both."),
        ),
    ]


def _lesson(title: str, source: str, says: str, **settings: int) -> SourceLesson:
    return {"title": title, "source": source, "says": says, "settings": settings}
