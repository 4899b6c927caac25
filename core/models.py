"""One entry a model: what it is called, whose paper it is, how it is trained, and what it looks like in charts.

Every list of models, on pages, in charts, in the trainer, the evaluation, the command line and the scripts, is derived
from here. An entry names its class instead of importing it, so that whoever asks for a title does not wait for torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, Literal

from core.i18n import N_

Kind = Literal["pretraining", "detector", "segmenter", "upsampler", "study", "classifier"]
Form = Literal["square", "scaled", "cut", "small"]

# One colour for each kind of work, whichever paper it is in (Okabe and Ito's, and grey).
PROPOSING, WARPING, CONVOLVING, POOLING = "#0072B2", "#F0E442", "#E69F00", "#009E73"
CONNECTING, SCORING, MOVING, SUPPRESSING = "#CC79A7", "#56B4E9", "#D55E00", "#999999"
OTHER_COLOUR = "#666666"
ALL = 0  # photos


@dataclass(frozen=True)
class Recipe:
    """How a model is made: on how many training ``scenes`` (of photos ``ALL`` that there are), in batches of which
    size, in how many ``steps``, under ``cycles`` cosines from which highest ``learning_rate``.

    It starts from the checkpoint ``start``: ``"trunk"``, the pre-trained one, or that of a model which it extends;
    None for random weights. Where ``trunk_stays``, the trunk that comes with it learns no more. ``proposals`` says
    whether it needs region proposals, and ``svm_regions`` how many of them an image gives to the SVMs and box
    regressions that follow, on ``svm_scenes`` images.
    """

    scenes: int
    batch_size: int
    steps: int
    learning_rate: float
    cycles: int = 1
    start: str | None = "trunk"
    trunk_stays: bool = False
    proposals: bool = False
    svm_scenes: int = 0
    svm_regions: int = 0


@dataclass(frozen=True)
class PaperFigure:
    """One published figure: its ``value`` with the unit, what it ``compares``, and the ``source``. None of them was
    measured here; the words are marked by ``N_``."""

    value: str
    compares: str
    source: str


@dataclass(frozen=True)
class Model:
    """The entry of model ``name``.

    ``implementation`` is its class, as "module:class". ``form`` is that of the batches by which it learns from photos
    of any size (``core.training.batches``), None where it does not. ``recipe`` is that for drawn scenes,
    ``photo_recipe`` that for the family of photographs. ``stages`` are a detector's, in order, each with
    its colour; ``look`` is the colour and the marker of its line in a chart.

    A variant has no weights of its own: it is the model called ``variant_of``, loaded and then changed by the function
    ``change``, as "module:function".
    """

    name: str
    title: str
    kind: Kind
    implementation: str
    paper: str = ""
    form: Form | None = None
    recipe: Recipe | None = None
    photo_recipe: Recipe | None = None
    stages: Mapping[str, str] = field(default_factory=dict)
    look: tuple[str, str] = (OTHER_COLOUR, "circle")
    figures: tuple[PaperFigure, ...] = ()
    variant_of: str = ""
    change: str = ""

    @property
    def weights(self) -> str:
        """The name of the checkpoint that it is loaded from."""
        return self.variant_of or self.name

    def make(self, *args: Any, **others: Any) -> Any:
        """Return a fresh one with random weights; raises as its class does."""
        return resolve_name(self.implementation)(*args, **others)


# How the detectors end, behind what they pool.
_BY_SVMS = {"Fully connected": CONNECTING, "SVM": SCORING, "Box regression": MOVING, "NMS": SUPPRESSING}
_BY_SOFTMAX = {"Fully connected": CONNECTING, "Softmax": SCORING, "Box regression": MOVING, "NMS": SUPPRESSING}
_FAST_RCNN_STAGES = {
    "Region proposals": PROPOSING,
    "Convolution": CONVOLVING,
    "RoI pooling": POOLING,
    **_BY_SOFTMAX,
}
_HEAD = Recipe(8000, 8, steps=1800, learning_rate=1e-3, start="upsamplers")
# Equal for all three, on one trunk that has learnt photos by the pixel: the step from one to the next is the skip.
_PHOTO_FCN = Recipe(ALL, 8, steps=2400, learning_rate=1e-3, start="upsamplers", trunk_stays=True)


def _upsampler(name: str, title: str, implementation: str, paper: str = "") -> Model:
    """Return the entry of a way of upsampling: a head of the study, which can be trained on its trunk by itself."""
    return Model(name, title, "upsampler", f"core.segmentation.upsampling:{implementation}", paper, recipe=_HEAD)


_ENTRIES = (
    Model(
        "trunk",
        N_("Trained trunk"),
        "pretraining",
        "core.training.cells:CellClassifier",
        recipe=Recipe(8000, 32, steps=3000, learning_rate=3e-3, start=None),
    ),
    Model(
        "rcnn",
        "R-CNN",
        "detector",
        "core.detectors.rcnn:RCNN",
        "Girshick et al. 2014",
        form="scaled",
        recipe=Recipe(2000, 4, steps=2400, learning_rate=5e-4, proposals=True, svm_scenes=300, svm_regions=200),
        photo_recipe=Recipe(ALL, 4, steps=4000, learning_rate=5e-4, proposals=True, svm_scenes=2400, svm_regions=200),
        stages={
            "Region proposals": PROPOSING,
            "Warp": WARPING,
            "Convolution": CONVOLVING,
            **_BY_SVMS,
        },
        look=("#D55E00", "circle"),
        figures=(
            PaperFigure("13 s, 53 s", N_("one image on a GPU, on a CPU: AlexNet, proposals included"), "R-CNN"),
            PaperFigure("47.0 s", N_("one image, VGG16 on a K40 GPU, proposals excluded"), N_("Fast R-CNN, table 4")),
            PaperFigure("66.0", N_("VOC 2007 mAP (%), VGG16 with box regression"), "Fast R-CNN"),
        ),
    ),
    Model(
        "sppnet",
        "SPPNet",
        "detector",
        "core.detectors.sppnet:SPPNet",
        "He et al. 2014",
        form="scaled",
        recipe=Recipe(2000, 8, steps=6000, learning_rate=1e-3, proposals=True, svm_scenes=1000, svm_regions=500),
        photo_recipe=Recipe(ALL, 8, steps=4000, learning_rate=1e-3, proposals=True, svm_scenes=2400, svm_regions=200),
        stages={
            "Region proposals": PROPOSING,
            "Convolution": CONVOLVING,
            "Spatial pyramid pooling": POOLING,
            **_BY_SVMS,
        },
        look=("#E69F00", "square"),
        figures=(
            PaperFigure("24-102x", N_("faster than R-CNN, proposals excluded; 102x at one scale"), "SPPNet"),
            PaperFigure("63.1", N_("VOC 2007 mAP (%), VGG16"), "Fast R-CNN"),
        ),
    ),
    Model(
        "fast_rcnn",
        "Fast R-CNN",
        "detector",
        "core.detectors.fast_rcnn:FastRCNN",
        "Girshick 2015",
        form="scaled",
        recipe=Recipe(2000, 8, steps=12_000, learning_rate=1e-3, cycles=2, proposals=True),
        photo_recipe=Recipe(ALL, 8, steps=5000, learning_rate=5e-4, proposals=True),
        stages=_FAST_RCNN_STAGES,
        look=("#009E73", "diamond"),
        figures=(
            PaperFigure("146x", N_("faster than R-CNN with VGG16, proposals excluded"), N_("Fast R-CNN, table 4")),
            PaperFigure("213x", N_("the same with truncated SVD, proposals excluded"), N_("Fast R-CNN, table 4")),
            PaperFigure(
                "26x",
                N_("end to end: (47.0 + 1.51) / (0.32 + 1.51) s, our arithmetic on their figures"),
                "Fast R-CNN, Faster R-CNN",
            ),
            PaperFigure("66.9", N_("VOC 2007 mAP (%), VGG16"), "Fast R-CNN"),
        ),
    ),
    Model(
        "fast_rcnn_svd",
        N_("Fast R-CNN, truncated SVD"),
        "detector",
        "core.detectors.fast_rcnn:FastRCNN",
        "Girshick 2015",
        stages=_FAST_RCNN_STAGES,
        look=("#0072B2", "star"),
        variant_of="fast_rcnn",
        change="core.detectors.fast_rcnn:truncate",
    ),
    Model(
        "faster_rcnn",
        "Faster R-CNN",
        "detector",
        "core.detectors.faster_rcnn:FasterRCNN",
        "Ren et al. 2015",
        form="scaled",
        recipe=Recipe(8000, 8, steps=16_000, learning_rate=1e-3, cycles=2),
        photo_recipe=Recipe(ALL, 8, steps=4000, learning_rate=5e-4),
        stages={
            "Convolution": CONVOLVING,
            "RPN": PROPOSING,
            "RoI pooling": POOLING,
            **_BY_SOFTMAX,
        },
        look=("#CC79A7", "triangle-up"),
        figures=(
            PaperFigure(
                "141 + 10 + 47 = 198 ms",
                N_("convolution, proposals, regions: VGG16 on a K40 GPU, 300 proposals"),
                N_("Faster R-CNN, table 5"),
            ),
            PaperFigure("69.9", N_("VOC 2007 mAP (%), VGG16"), "Faster R-CNN"),
        ),
    ),
    Model(
        "yolo",
        "YOLO",
        "detector",
        "core.detectors.yolo:YOLO",
        "Redmon et al. 2016",
        form="square",
        recipe=Recipe(8000, 32, steps=12_000, learning_rate=2e-3, cycles=2),
        photo_recipe=Recipe(ALL, 16, steps=4500, learning_rate=1e-3),
        stages={"Convolution": CONVOLVING, "Grid": MOVING, "Class confidence": SCORING, "NMS": SUPPRESSING},
        look=("#56B4E9", "x"),
        figures=(
            PaperFigure(N_("45 images/s"), N_("on a Titan X GPU: not the K40 of the others"), "YOLO"),
            PaperFigure("63.4", N_("VOC 2007 mAP (%), trained on 2007 and 2012"), "YOLO"),
        ),
    ),
    Model(
        "patch_cnn",
        "Patch CNN",
        "segmenter",
        "core.segmentation.patch_cnn:PatchCNN",
        "Long et al. 2015",
        form="cut",
        recipe=Recipe(8000, 8, steps=1500, learning_rate=1e-3),
        photo_recipe=Recipe(ALL, 8, steps=1500, learning_rate=1e-3, trunk_stays=True),
    ),
    Model(
        "fcn32s",
        "FCN-32s",
        "segmenter",
        "core.segmentation.fcn:FCN32s",
        "Long et al. 2015",
        form="cut",
        recipe=Recipe(8000, 16, steps=4000, learning_rate=2e-3),
        photo_recipe=_PHOTO_FCN,
    ),
    Model(
        "fcn16s",
        "FCN-16s",
        "segmenter",
        "core.segmentation.fcn:FCN16s",
        "Long et al. 2015",
        form="cut",
        recipe=Recipe(8000, 16, steps=2500, learning_rate=1e-3, start="fcn32s"),
        photo_recipe=_PHOTO_FCN,
    ),
    Model(
        "fcn8s",
        "FCN-8s",
        "segmenter",
        "core.segmentation.fcn:FCN8s",
        "Long et al. 2015",
        form="cut",
        recipe=Recipe(8000, 16, steps=12_000, learning_rate=2e-3, cycles=2, start="fcn16s"),
        photo_recipe=_PHOTO_FCN,
    ),
    Model(
        "mask_rcnn",
        "Mask R-CNN",
        "segmenter",
        "core.segmentation.instance:MaskRCNN",
        "He et al. 2017",
        form="scaled",
        recipe=Recipe(8000, 8, steps=4000, learning_rate=1e-3, start="faster_rcnn"),
        photo_recipe=Recipe(ALL, 8, steps=3000, learning_rate=1e-3, start="faster_rcnn"),
    ),
    Model(
        "upsamplers",
        N_("Trunk of the upsamplers"),
        "study",
        "core.segmentation.study:UpsamplingStudy",
        recipe=Recipe(8000, 8, steps=1800, learning_rate=1e-3),
        photo_recipe=Recipe(ALL, 8, steps=2400, learning_rate=5e-4),
    ),
    _upsampler("nearest", N_("Nearest"), "Nearest"),
    _upsampler("bilinear", N_("Bilinear"), "Bilinear"),
    _upsampler("bicubic", N_("Bicubic"), "Bicubic"),
    _upsampler("bed_of_nails", N_("Bed of nails"), "BedOfNails"),
    _upsampler("max_unpool", N_("Max-unpooling"), "MaxUnpool"),
    _upsampler("deconvolution_fixed", N_("Deconvolution, fixed"), "FixedDeconvolution"),
    _upsampler("deconvolution", N_("Deconvolution, 4 x 4"), "LearnedDeconvolution"),
    _upsampler("deconvolution_uneven", N_("Deconvolution, 3 x 3"), "UnevenDeconvolution"),
    _upsampler("pixel_shuffle", N_("Pixel shuffle"), "PixelShuffle"),
    _upsampler("resize_convolution", N_("Resize-convolution"), "ResizeConvolution"),
    Model(
        "classifier",
        N_("Classifier"),
        "classifier",
        "core.classifier:Classifier",
        "Lin, Chen and Yan 2014, Network in network, section 3.2",
        form="small",
    ),
)

MODELS: dict[str, Model] = {model.name: model for model in _ENTRIES}


def names(*kinds: Kind) -> tuple[str, ...]:
    """Return the names of the models of ``kinds``, in the order of their entries, without variants."""
    return tuple(model.name for model in _ENTRIES if model.kind in kinds and not model.variant_of)


def variants(name: str) -> tuple[str, ...]:
    """Return the names of the variants of model ``name``."""
    return tuple(model.name for model in _ENTRIES if model.variant_of == name)


def stage_colour(name: str) -> str:
    """Return the colour of the stage called ``name``, the same in every detector and chart."""
    return next((model.stages[name] for model in _ENTRIES if name in model.stages), OTHER_COLOUR)
