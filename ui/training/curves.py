"""The two pictures of a training: its curves, and its fixed samples over time."""

from core.figures.sent import Words
from core.figures.sent.training import Curves, Looks
from core.i18n import _
from ui.kit.component import component

SIDES = (3, 2)  # the widths of the samples and of the curves beside them


class CurvesData(Curves):
    """The same with words, and what tells it from every other."""

    key: str
    words: Words


class LooksData(Looks):
    """The same with words, and what tells it from every other."""

    key: str
    words: dict[str, str]


_curves = component("training/curves", CurvesData, "training/parts")
_looks = component("training/looks", LooksData, "kit/layered_picture", "segmentation/parts", "training/parts")


def show_curves(data: Curves, key: str, score: str = "") -> None:
    """Show ``data``, the charts of a run, or of several; ``score`` is the name of the headline score."""
    every = _("Each point is the mean of {every} steps.") if data["every"] > 1 else ""
    words = {
        "axisLabel": _("Horizontal axis"),
        "seconds": _("seconds of training"),
        "steps": _("steps"),
        "loss": _("Loss, on a logarithmic scale"),
        "score": _("Score on held-out images") + (f": {score}" if score else ""),
        "rate": _("Learning rate; dashed: to come"),
        "every": every,
        "best": _("(best {value})"),
        "strange": _(
            "{strange} steps had a loss that was no finite number: such a step changes no weight. Start again with a "
            "smaller learning rate."
        ),
        "lines": {**_parts(), "rate": _("Learning rate")},
    }
    _curves(data={**data, "words": words, "key": key}, key="training_curves")


def _parts() -> dict[str, str]:
    """Return words for the parts of the models' losses and for their scores."""
    return {
        "box regression": _("Box regression"),
        "confidence": _("Confidence"),
        "classification": _("Classification"),
        "objectness": _("Objectness"),
        "map50": _("mAP@0.5"),
        "mask_ap50": _("mask AP@0.5"),
        "mean_iou": _("Mean IU"),
        "pixel_accuracy": _("Pixel accuracy"),
        "accuracy": _("Accuracy"),
    }


def score_title(name: str) -> str:
    """Return words for the score ``name``."""
    return _parts().get(name, name)


def show_looks(data: Looks, key: str) -> None:
    """Show ``data``, the fixed samples and every look at them."""
    words = {
        "back": _("Look back:"),
        "at": _("after step {step}, second {seconds}"),
        "truth": _("Ground truth"),
        "made": _("The model"),
        "nothing": _("nothing"),
        "map": _("a class for every pixel"),
    }
    _looks(data={**data, "words": words, "key": key}, key="training_looks")
