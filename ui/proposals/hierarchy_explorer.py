"""The merges of selective search in the browser: a slider over the hierarchy, the four similarities, ancestors."""

from core.figures.sent import Words
from core.figures.sent.proposals import Merged
from core.i18n import _
from ui.kit.component import component


class HierarchyData(Merged):
    """The same with words, and what tells it from every other."""

    key: str
    words: Words


_component = component("proposals/hierarchy_explorer", HierarchyData, "proposals/parts")


def hierarchy_explorer(data: Merged, key: str) -> None:
    """Show ``core.figures.proposals.hierarchy_data``; ``key`` tells this hierarchy from every other."""
    _component(data={**data, "key": key, "words": _words()}, key="hierarchy_explorer")


def _words() -> Words:
    return {
        "merge": _("Merge"),
        "mergeOf": _("{merge} of {merges}"),
        "back": _("One merge back"),
        "next": _("One merge on"),
        "play": _("Play"),
        "pause": _("Pause"),
        "under": _("Show the image under the regions"),
        "segments": _("{left} segments, as graph segmentation cuts them. No two have merged yet."),
        "merged": _(
            "The blue region ({one} of the image) and the orange one ({other}) were the most similar neighbours: "
            "now they are one of {both}. {left} regions are left."
        ),
        "last": _("The last two regions ({one} and {other}) are one: the whole image."),
        "parts": [_("Blue: {part}"), _("Orange: {part}")],
        "colour": _("Colour"),
        "texture": _("Texture"),
        "size": _("Size"),
        "fill": _("Fill"),
        "total": _("Similarity (weighted mean)"),
        "abo": _("ABO of all boxes so far"),
        "history": _("How similar the merged regions were"),
        "choose": _("Ancestors of a region"),
        "chooseHow": _("Click a region in the picture to see its box, and every larger region that it became part of."),
        "family": _("The chosen region and its ancestors"),
        "familyHow": _("{count} ancestors: point at one to light it up, click it to go to its merge."),
        "segment": _("segment"),
        "madeBy": _("merge {merge}"),
        "covers": _("IoU {iou} with {name}"),
        "picture": _("The image cut into {left} regions"),
    }
