"""The three lines of the start page, and their words."""

from core.i18n import _
from ui.start.line import Line, Topic


def lines() -> tuple[Line, ...]:
    """Return the lines in the language that is spoken."""
    return _pytorch(), _detection(), _segmentation()


def _pytorch() -> Line:
    return Line(
        "pytorch",
        _("From a tensor to the training loop"),
        _("What every model here is made of, and how it learns."),
        (
            Topic("tensors", _("Tensor"), _("Ways of reading one row of cells"), "tensors"),
            Topic("autograd", _("Autograd"), _("The slope of any result, by the chain rule"), "autograd"),
            Topic("modules", _("Module and optimizer"), _("Blocks with weights, and who moves them"), "modules"),
            Topic("data", _("Data"), _("Samples, transforms, batches"), "data"),
            Topic("training", _("Training loop"), _("Loss, backward, step, again"), "training"),
            Topic("transfer", _("Transfer"), _("Begin from what another task has learned"), "transfer"),
        ),
    )


def _detection() -> Line:
    return Line(
        "detection",
        _("From R-CNN to YOLO"),
        _("What is where? Five papers, each with one idea more."),
        (
            Topic("rcnn", _("R-CNN, 2014"), _("Propose regions, warp each, classify each"), "proposals"),
            Topic("sppnet", _("SPPNet, 2014"), _("One map for all regions, pooled in a pyramid"), "pooling"),
            Topic("fast_rcnn", _("Fast R-CNN, 2015"), _("RoI pooling, one loss, trained as a whole"), "pooling"),
            Topic(
                "faster_rcnn",
                _("Faster R-CNN, 2015"),
                _("A network proposes, too: the RPN"),
                "proposals",
                {"view": _("RPN")},
            ),
            Topic("yolo", _("YOLO, 2016"), _("No proposals: one look, one grid"), "yolo"),
            Topic("nms", _("NMS"), _("All of them: one box an object"), "nms"),
        ),
        Topic("race", _("Race all five"), "", "detectors", {"race": "true"}),
    )


def _segmentation() -> Line:
    compared = {"view": _("Side by side")}
    return Line(
        "segmentation",
        _("From CNN to FCN"),
        _("A class for every pixel, from the same trunk."),
        (
            Topic(
                "patch_cnn",
                _("CNN on patches"),
                _("One patch, one class"),
                "segmentation",
                {"view": _("Fully connected")},
            ),
            Topic("fcn8s", _("FCN, 2015"), _("Convolutions only: any size, all pixels at once"), "segmentation"),
            Topic("upsampling", _("Upsampling"), _("From coarse scores back to pixels"), "upsampling"),
            Topic(
                "mask_rcnn",
                _("Mask R-CNN, 2017"),
                _("A mask for each object found"),
                "segmentation",
                {"view": _("Instances")},
            ),
        ),
        Topic("compare", _("Compare all five"), "", "segmentation", compared),
    )
