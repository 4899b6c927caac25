"""Small pictures for the start page: what each topic is about, computed from the trained models on one scene."""

import io
from collections.abc import Callable, Iterator
from functools import partial

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.utils import make_grid

from core.autograd.classifier import Plan, train
from core.autograd.descent import SURFACES, Settings, descend
from core.data.photos import photo
from core.data.scenes import ShapeScenes
from core.detectors import load as load_detector
from core.figures.classifier import EDGE
from core.figures.stages import SIDE, Picture, draw, heat_map, heat_tiles
from core.i18n import _
from core.proposals.selective_search import selective_search
from core.segmentation import load as load_segmenter
from core.stages import Staged, Step

SCENE = 6  # of the validation split: five shapes, two of one class touch
SMALL = 208  # pixels of a picture's side
REGIONS = 64
SCENES = 9
LOOKS = 9
PATHS = {"sgd": "#56B4E9", "momentum": "#E69F00", "adam": "#F0E442"}
RATES = {"sgd": 0.00316, "momentum": 0.00316, "adam": 0.178}

Named = tuple[str, Picture]


def pictures_of(row: str) -> dict[str, Picture]:
    """Return the small pictures of a ``row`` of the start page by their names.

    Raises:
        CheckpointError: a model has no weights.
    """
    return {name: _small(picture) for name, picture in ROWS[row]()}


def _pytorch() -> Iterator[Named]:
    yield "tensors", _strided()
    yield "autograd", _slopes()
    yield "modules", _descents()
    scenes = torch.stack([ShapeScenes("train", SCENES, "hard")[index][0] for index in range(SCENES)])
    yield "data", _picture(_tiles(scenes), _("Nine training scenes with their shapes"))
    yield "training", _boundaries()
    yield "transfer", _stage(load_detector("faster_rcnn"), "Convolution", photo("chelsea"))


def _detection() -> Iterator[Named]:
    quick = partial(selective_search, mode="single")
    for name, stage in (("rcnn", "Warp"), ("sppnet", "Convolution"), ("fast_rcnn", "RoI pooling")):
        detector = load_detector(name)
        detector.limit_regions(REGIONS)
        detector.propose = quick
        yield name, _stage(detector, stage)
    faster = load_detector("faster_rcnn")
    faster.limit_regions(REGIONS)
    yield "faster_rcnn", _stage(faster, "RPN")
    yield "yolo", _stage(load_detector("yolo"), "NMS")
    yield "nms", _stage(faster, "Box regression")


def _segmentation() -> Iterator[Named]:
    for name, stage in (("patch_cnn", "Argmax"), ("fcn8s", "Argmax"), ("mask_rcnn", "Paste")):
        yield name, _stage(load_segmenter(name), stage)
    yield "upsampling", _stage(load_segmenter("fcn8s"), "Deconvolution")


ROWS: dict[str, Callable[[], Iterator[Named]]] = {
    "pytorch": _pytorch,
    "detection": _detection,
    "segmentation": _segmentation,
}


def _stage(model: Staged, name: str, image: Tensor | None = None) -> Picture:
    """Draw what the stage called ``name`` makes of ``image``, or of the scene; the stages after it are not run."""
    image = ShapeScenes("validation", SCENE + 1, "medium")[SCENE][0] if image is None else image
    with torch.inference_mode():
        for step in model.steps(image):
            if isinstance(step, Step) and step.name == name:
                return draw(step.value, image, model.classes)
    raise ValueError(f"{type(model).__name__} has no stage called {name}")


def _strided() -> Picture:
    """Four tensors that read one storage of 16 cells."""
    cells = torch.arange(16.0).reshape(4, 4)
    views = torch.stack([cells, cells.T, cells[:1].expand(4, 4), cells[:, :1].expand(4, 4)])
    return _picture(heat_tiles(views, 2), _("One storage of 16 cells, read in four ways"))


def _slopes() -> Picture:
    """The curve of a function, with the tangents that autograd finds."""
    x = torch.linspace(0, 2.2, SIDE, dtype=torch.float64, requires_grad=True)
    y = torch.sin(1.5 * x) ** 2 * (1 + x / 2)
    (slopes,) = torch.autograd.grad(y.sum(), x)
    picture = Image.new("RGB", (SIDE, SIDE), "#091d1d")
    pen = ImageDraw.Draw(picture)
    scale = SIDE / 2.2

    def place(right: float, up: float) -> tuple[float, float]:
        return right * scale, SIDE - 60 - up * scale

    curve = torch.stack([x, y, slopes], 1).tolist()
    pen.line([place(at, height) for at, height, _slope in curve], "#56B4E9", 10, "curve")
    for at, height, steep in curve[60::78]:
        reach = 0.22 / (1 + steep**2) ** 0.5
        ends = [place(at + side * reach, height + side * reach * steep) for side in (-1, 1)]
        pen.line(ends, "#E69F00", 8)
        pen.circle(place(at, height), 12, "#E69F00")
    return _picture(picture, _("A function, and the slopes that autograd finds along it"))


def _descents() -> Picture:
    """Three optimizers on their way down Beale's surface."""
    surface = SURFACES["beale"]
    (left, right), (low, high) = surface.x, surface.y
    ends = torch.linspace(left, right, SIDE), torch.linspace(high, low, SIDE)
    heights = surface(torch.stack(torch.meshgrid(*ends, indexing="xy"), -1).double())
    picture = heat_map((heights - heights.min() + 0.1).log().float())
    pen = ImageDraw.Draw(picture)
    for rule, colour in PATHS.items():
        points = descend(surface, rule, surface.start, 160, Settings(RATES[rule])).points
        places = [((x - left) / (right - left) * SIDE, (high - y) / (high - low) * SIDE) for x, y in points.tolist()]
        pen.line(places, "black", 16, "curve")
        pen.line(places, colour, 9, "curve")
        pen.circle(places[-1], 14, colour, "black", 3)
    return _picture(picture, _("Three optimizers on their way down one surface"))


def _boundaries() -> Picture:
    """What a network makes of the plane at nine moments of its training."""
    side = SIDE // 3
    ends = torch.linspace(-EDGE, EDGE, side)
    places = torch.stack(torch.meshgrid(ends, -ends, indexing="xy"), -1).reshape(-1, 2)
    looks = train(Plan("spirals", 0.08, "tanh", 16, 2), places).looks
    shown = [looks[round(place * (len(looks) - 1) / (LOOKS - 1))] for place in range(LOOKS)]
    chances = torch.stack([look.logits.reshape(side, side).sigmoid() for look in shown])
    return _picture(heat_tiles(chances, 3), _("A classifier's decision at nine moments of its training"))


def _tiles(images: Tensor) -> Image.Image:
    return Image.fromarray(make_grid(images, nrow=3, padding=6, pad_value=255).permute(1, 2, 0).numpy())


def _picture(picture: Image.Image, words: str) -> Picture:
    return Picture(_encoded(picture), words)


def _small(picture: Picture) -> Picture:
    drawn = Image.open(io.BytesIO(picture.webp))
    return Picture(_encoded(drawn.resize((SMALL, SMALL), Image.Resampling.LANCZOS)), picture.words)


def _encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80, method=2)
    return buffer.getvalue()
