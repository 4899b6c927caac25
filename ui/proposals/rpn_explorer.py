"""An RPN's anchors in the browser: objectness for each shape, labels and their reasons, proposals after NMS."""

from core.figures.sent.proposals import Anchors
from core.i18n import _
from ui.kit.component import component


class RpnData(Anchors):
    """The same with words, and what tells it from every other."""

    key: str
    most: int
    words: dict[str, str]


_component = component("proposals/rpn_explorer", RpnData, "proposals/parts")


def rpn_explorer(data: Anchors, key: str, most: int) -> None:
    """Show ``core.figures.proposals.rpn_data``; at most ``most`` proposals are kept, ``key`` tells the image."""
    _component(data={**data, "key": key, "most": most, "words": _words()}, key="rpn_explorer")


def _words() -> dict[str, str]:
    return {
        "layer": _("What is shown"),
        "objectness": _("Objectness"),
        "labels": _("Labels"),
        "proposals": _("Proposals"),
        "nms": _("NMS threshold (IoU)"),
        "top": _("Proposals, at most"),
        "anchor": _(
            "The {width} × {height} anchor of this cell has an objectness of {objectness}. Its offsets (dx, dy, log w, "
            "log h) = ({offsets}) move it to the dashed proposal."
        ),
        "improved": _("IoU with the nearest object, {name}: {before} → {after}."),
        "counts": _(
            "In training, {positive} anchors of this image are positive and {negative} negative. {between} are ignored "
            "because they lie between, {border} because they cross the border."
        ),
        "labelled": _("The {width} × {height} anchor of this cell is {why}."),
        "kept": _(
            "Of {anchors} anchors the {before} surest are moved and go into NMS. At IoU {threshold} it leaves {after}; "
            "the first {kept} are drawn, thicker where the RPN is surer. Point at one."
        ),
        "proposal": _(
            "Proposal {place}: objectness {objectness}. It suppressed {victims} others. Its anchor is dashed; click it "
            "to choose its cell."
        ),
        "objectnessMaps": _("Objectness by anchor shape (width × height in pixels)"),
        "labelMaps": _("Labels by anchor shape (width × height in pixels)"),
        "cell": _("The 9 anchors at cell ({row}, {column}): click another cell"),
        "shape": _("Anchor"),
        "iou": _("IoU: anchor → proposal"),
        "label": _("Label, and why"),
        "border": _("ignored: crosses the border"),
        "between": _("ignored: IoU between 0.3 and 0.7"),
        "negative": _("negative: IoU below 0.3"),
        "best": _("positive: the best anchor of an object"),
        "positive": _("positive: IoU 0.7 or more"),
        "notSure": _("objectness 0"),
        "sure": _("objectness 1"),
        "anchorKey": _("anchor"),
        "proposalKey": _("proposal"),
        "truthKey": _("ground truth"),
        "picture": _("The image under the RPN's map."),
    }
