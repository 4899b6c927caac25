"""Recall and ABO in the browser: a slider over the number of proposals, pictures, curves and figures."""

from core.figures.sent.proposals import Recalled
from core.i18n import _
from ui.kit.component import component


class RecallData(Recalled):
    words: dict[str, str]


_component = component("proposals/recall_explorer", RecallData, "proposals/parts")


def recall_explorer(data: Recalled, key: str) -> None:
    """Show ``core.figures.proposals.recall_data`` or ``curves_data`` as the page's component ``key``."""
    _component(data={**data, "words": _words(data["scenes"])}, key=key)


def _words(scenes: int) -> dict[str, str]:
    objects = _("of {scenes} scenes").format(scenes=scenes) if scenes > 1 else _("of this image")
    return {
        "first": _("The first proposals of each method:"),
        "all": _("Draw all of them, not only the best for each object"),
        "firstOf": _("{title}: the first {count} of {all}"),
        "drawn": _("Only {drawn} of them are drawn."),
        "best": _("Best IoU: {found}."),
        "covers": _("{name} {iou}"),
        "nothing": _("None of these touches an object."),
        "axis": _("Number of proposals"),
        "recall50": _("Recall at IoU 0.5"),
        "recall70": _("Recall at IoU 0.7"),
        "abo": _("Average best overlap (ABO)"),
        "objects": _("Objects {which}").format(which=objects),
        "method": _("Method"),
        "proposals": _("Proposals: first / all"),
        "ms": _("Time an image (ms)"),
    }
