"""The papers' own figures, each with what it really compares. None of them was measured here."""

from dataclasses import dataclass

from core.i18n import _


@dataclass(frozen=True)
class PaperFigure:
    """One published figure of ``detector`` (a name of ``core.detectors.NAMES``): the ``value`` with its unit, what it
    ``compares``, and the ``source``."""

    detector: str
    value: str
    compares: str
    source: str


def paper_figures() -> tuple[PaperFigure, ...]:
    """Return the figures in the current language."""
    return (
        PaperFigure("rcnn", "13 s, 53 s", _("one image on a GPU, on a CPU: AlexNet, proposals included"), "R-CNN"),
        PaperFigure("rcnn", "47.0 s", _("one image, VGG16 on a K40 GPU, proposals excluded"), _("Fast R-CNN, table 4")),
        PaperFigure("rcnn", "66.0", _("VOC 2007 mAP (%), VGG16 with box regression"), "Fast R-CNN"),
        PaperFigure("sppnet", "24-102x", _("faster than R-CNN, proposals excluded; 102x at one scale"), "SPPNet"),
        PaperFigure("sppnet", "63.1", _("VOC 2007 mAP (%), VGG16"), "Fast R-CNN"),
        PaperFigure(
            "fast_rcnn", "146x", _("faster than R-CNN with VGG16, proposals excluded"), _("Fast R-CNN, table 4")
        ),
        PaperFigure(
            "fast_rcnn", "213x", _("the same with truncated SVD, proposals excluded"), _("Fast R-CNN, table 4")
        ),
        PaperFigure(
            "fast_rcnn",
            "26x",
            _("end to end: (47.0 + 1.51) / (0.32 + 1.51) s, our arithmetic on their figures"),
            "Fast R-CNN, Faster R-CNN",
        ),
        PaperFigure("fast_rcnn", "66.9", _("VOC 2007 mAP (%), VGG16"), "Fast R-CNN"),
        PaperFigure(
            "faster_rcnn",
            "141 + 10 + 47 = 198 ms",
            _("convolution, proposals, regions: VGG16 on a K40 GPU, 300 proposals"),
            _("Faster R-CNN, table 5"),
        ),
        PaperFigure("faster_rcnn", "69.9", _("VOC 2007 mAP (%), VGG16"), "Faster R-CNN"),
        PaperFigure("yolo", _("45 images/s"), _("on a Titan X GPU: not the K40 of the others"), "YOLO"),
        PaperFigure("yolo", "63.4", _("VOC 2007 mAP (%), trained on 2007 and 2012"), "YOLO"),
    )
