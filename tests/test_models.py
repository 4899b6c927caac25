"""The entries of the models: the papers' figures as the papers print them, what each compares, and its source."""

import pytest

from core.detectors import NAMES
from core.models import MODELS, PaperFigure


def figure(detector: str, value: str) -> PaperFigure:
    [found] = [one for one in MODELS[detector].figures if one.value == value]
    return found


# Typed by hand from the papers, not from the code.
@pytest.mark.parametrize(
    ("detector", "value", "compares"),
    [
        ("rcnn", "13 s, 53 s", ("GPU", "CPU", "AlexNet", "proposals included")),
        ("rcnn", "47.0 s", ("VGG16", "K40", "proposals excluded")),
        ("rcnn", "66.0", ("VOC 2007", "VGG16", "box regression")),
        ("sppnet", "24-102x", ("R-CNN", "proposals excluded", "102x at one scale")),
        ("sppnet", "63.1", ("VOC 2007", "VGG16")),
        ("fast_rcnn", "146x", ("R-CNN", "VGG16", "proposals excluded")),
        ("fast_rcnn", "213x", ("SVD", "proposals excluded")),
        ("fast_rcnn", "26x", ("end to end", "our arithmetic")),
        ("fast_rcnn", "66.9", ("VOC 2007", "VGG16")),
        ("faster_rcnn", "141 + 10 + 47 = 198 ms", ("convolution, proposals, regions", "VGG16", "K40", "300 proposals")),
        ("faster_rcnn", "69.9", ("VOC 2007", "VGG16")),
        ("yolo", "45 images/s", ("Titan X", "not the K40")),
        ("yolo", "63.4", ("VOC 2007", "2007 and 2012")),
    ],
)
def test_figure_is_the_papers_and_says_what_it_compares(detector: str, value: str, compares: tuple[str, ...]) -> None:
    found = figure(detector, value)
    for words in compares:
        assert words in found.compares, f"{value} does not say: {words}"


def test_every_figure_has_a_detector_a_comparison_and_a_source() -> None:
    figures = [one for name in NAMES for one in MODELS[name].figures]
    assert len(figures) == 13, "type a new figure into the test above, from the paper"
    assert all(MODELS[name].figures for name in NAMES)
    for one in figures:
        assert one.value and one.compares and one.source, one
        assert any(paper in one.source for paper in ("R-CNN", "SPPNet", "YOLO")), one


def test_figures_that_leave_out_the_proposals_say_so_and_stand_beside_one_that_does_not() -> None:
    for one in (one for model in MODELS.values() for one in model.figures):
        if one.value.endswith("x"):
            assert ("proposals excluded" in one.compares) != ("end to end" in one.compares), one


def test_the_arithmetic_on_their_figures_is_right() -> None:
    """47.0 s and 0.32 s for VGG16, 0.22 s with SVD, and 1.51 s of selective search, which both wait for."""
    shown = figure("fast_rcnn", "26x").compares
    assert "(47.0 + 1.51) / (0.32 + 1.51)" in shown
    assert int((47.0 + 1.51) / (0.32 + 1.51)) == 26
    assert int(47.0 / 0.32) == 146 and int(47.0 / 0.22) == 213
    assert 141 + 10 + 47 == 198
