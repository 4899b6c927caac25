"""A picture of what a stage made, chosen by the type of its value."""

import io
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from itertools import product

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageOps
from torch import Tensor
from torch.nn import functional
from torchvision.utils import make_grid

from core.data.scenes import CLASSES
from core.detectors.race import RaceEvent, Ran
from core.figures.labels import label_picture
from core.figures.lettering import font_for
from core.figures.palette import class_colour
from core.i18n import _ as translate
from core.i18n import ngettext, spoken
from core.segmentation.instance import topmost
from core.stages import Progress, TimedStep
from core.values import (
    ClassScores,
    Crops,
    Detections,
    FeatureMap,
    Instances,
    LabelMap,
    RegionFeatures,
    Regions,
    ScoreMap,
    Scores,
    Value,
)

SIDE = 512  # pixels of the longer side of a picture
LEAST_SIDE = 16  # and of the shorter
MOST_REGIONS = 60
MOST_TILES = 64
MOST_CHANNELS = 16
MOST_BOXES = 100
MOST_NAMES = 20
MOST_CLASSES = 5  # bars under a classified image
SURE = 0.3  # a detector hands on all that average precision counts; what scores less would only hide the rest
LABEL_SIZE = 28  # pixels; five pictures side by side are still read from the back row
PROPOSAL_COLOUR = "#56B4E9"


@dataclass(frozen=True)
class Picture:
    """A picture, in ``webp``, of what a stage made, and the ``words`` that say what is to be seen."""

    webp: bytes
    words: str


@dataclass(frozen=True)
class Drawn:
    """An ``event`` of a race with its ``picture``, where it is a finished stage; it came ``at`` a second of the clock.

    The clock is ``time.monotonic``'s. Names in the picture, and its words, are in ``language``.
    """

    event: RaceEvent
    picture: Picture | None
    at: float
    language: str = field(default_factory=spoken)


def draw_race(events: Iterator[RaceEvent], image: Tensor, classes: Sequence[str] = CLASSES) -> Iterator[Drawn]:
    """Add pictures to the ``events`` of a race on ``image``, drawn while the race's stopwatch stands still."""
    for event in events:
        finished = isinstance(event, Ran) and isinstance(event.event, TimedStep)
        picture = draw(event.event.value, image, classes) if finished else None  # type: ignore[union-attr]
        yield Drawn(event, picture, time.monotonic())


def seconds_left(events: Sequence[Drawn]) -> float | None:
    """Return how long the stage that the last of ``events`` came from inside of will still take, None where unknown.

    It is supposed to go on at the speed that it had since its first sign of life.
    """
    signs = [
        (drawn.at, drawn.event.event)
        for drawn in events
        if isinstance(drawn.event, Ran) and isinstance(drawn.event.event, Progress)
    ]
    if not signs:
        return None
    now, last = signs[-1]
    start, first = next((at, sign) for at, sign in signs if sign.name == last.name)
    if last.done <= first.done:
        return None
    return (now - start) / (last.done - first.done) * (last.total - last.done)


def draw(value: Value, image: Tensor, classes: Sequence[str] = CLASSES) -> Picture:
    """Draw ``value``, made from ``image`` (3, H, W) uint8, as a ``Picture``."""
    return _encoded(*picture_of(value, image, classes))


def _encoded(picture: Image.Image, words: str) -> Picture:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=65, method=0)
    return Picture(buffer.getvalue(), words)


@singledispatch
def picture_of(value: Value, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    """Return the picture of ``value`` and the words for it; a new kind of value registers its own."""
    raise TypeError(f"no picture for {type(value).__name__}")


@picture_of.register
def _(value: Regions, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    boxes = value.boxes[:MOST_REGIONS] * scale
    outline(picture, boxes, [PROPOSAL_COLOUR] * len(boxes), [2] * len(boxes))
    return picture, _count(translate("{count} proposals; the first {shown} drawn"), len(value.boxes), len(boxes))


@picture_of.register
def _(value: Crops, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    tiles = value.images[:MOST_TILES].clamp(0, 255).to(torch.uint8)
    if len(tiles) == 0:
        return canvas(image)[0], translate("no crops")
    grid = make_grid(tiles, nrow=8, padding=max(1, tiles.shape[-1] // 32), pad_value=255)
    picture = Image.fromarray(grid.permute(1, 2, 0).numpy())
    words = _count(translate("{count} crops, each warped to a square; {shown} shown"), len(value.boxes), len(tiles))
    return picture.resize((SIDE, max(1, SIDE * picture.height // picture.width))), words


@picture_of.register
def _(value: FeatureMap, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    channels = value.values.float().cpu()
    strongest = channels.mean((1, 2)).topk(min(MOST_CHANNELS, len(channels))).indices
    words = translate("{channels} channels of {height} x {width} cells; the {shown} strongest shown")
    shape = dict(zip(("channels", "height", "width"), channels.shape, strict=True))
    return heat_tiles(channels[strongest], 4), words.format(shown=len(strongest), **shape)


@picture_of.register
def _(value: RegionFeatures, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    features = value.values[:MOST_TILES].float().cpu()
    if len(features) == 0:
        return canvas(image)[0], translate("no regions")
    shape = " x ".join(str(size) for size in features.shape[1:])
    words = translate("{count} regions, a feature of {shape} numbers each").format(count=len(value.boxes), shape=shape)
    if features.dim() == 4:
        return heat_tiles(features.mean(1), 8), words
    picture = heat_map(functional.adaptive_max_pool1d(features, min(features.shape[1], SIDE)))
    return picture.resize((SIDE, SIDE), Image.Resampling.NEAREST), words + translate(" (a row each)")


@picture_of.register
def _(value: Scores, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    best, column = value.values[:, 1:].float().max(1)
    order = best.argsort(descending=True)[:MOST_REGIONS].flip(0)  # the best is drawn last, on top
    colours = [class_colour(label) for label in (column[order] + 1).tolist()]
    outline(picture, value.boxes[order] * scale, colours, [3] * len(order))
    words = translate("{count} boxes scored for {classes} classes; the best {shown} in the colour of their class")
    return picture, words.format(count=len(best), classes=value.values.shape[1] - 1, shown=len(order))


@picture_of.register
def _(value: Detections, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    best = value.scores.argsort(descending=True)
    sure = best[value.scores[best] >= SURE][:MOST_BOXES]
    order = sure.flip(0).tolist()  # the best is drawn last, on top
    colours = [class_colour(int(value.labels[index])) for index in order]
    outline(picture, value.boxes[order] * scale, colours, [thickness(float(value.scores[index])) for index in order])
    if len(sure) <= MOST_NAMES:
        names = [f"{translate(classes[int(value.labels[index])])} {value.scores[index]:.2f}" for index in sure]
        name_boxes(picture, value.boxes[sure] * scale, colours[::-1], names)
    words = translate("{shown} of {count} boxes drawn: those with a score of {sure} or more")
    if len(sure) == len(value):
        words = ngettext("{count} box; thicker is surer", "{count} boxes; thicker is surer", len(value))
    elif len(sure) == MOST_BOXES:
        words = translate("the best {shown} of {count} boxes drawn; thicker is surer")
    return picture, words.format(shown=len(sure), count=len(value), sure=SURE)


@picture_of.register
def _(value: ScoreMap, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    shown = value.values.float().cpu()
    words = translate("Scores for {classes} classes on {height} x {width} cells, {stride} px apart")
    shape = dict(zip(("classes", "height", "width"), shown.shape, strict=True))
    return heat_tiles(shown, math.ceil(len(shown) ** 0.5)), words.format(stride=value.stride, **shape)


@picture_of.register
def _(value: LabelMap, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture = label_picture(value.labels.cpu()).convert("RGB")
    names = [translate(classes[label]) for label in value.labels.unique().tolist()]
    return picture.resize(canvas(image)[0].size, Image.Resampling.NEAREST), ", ".join(names)


@picture_of.register
def _(value: Instances, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    sure = value.scores >= SURE
    shown = topmost(value.masks[sure].cpu(), 1 + torch.arange(int(sure.sum())))
    picture = label_picture(shown).convert("RGB")
    words = translate("{shown} of {count} masks drawn: those with a score of {sure} or more")
    size = canvas(image)[0].size
    return picture.resize(size, Image.Resampling.NEAREST), words.format(
        shown=int(sure.sum()), count=len(value), sure=SURE
    )


@picture_of.register
def _(value: ClassScores, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    parts, order = value.values.float().cpu().softmax(0).sort(descending=True)
    names = [translate(classes[index]) for index in order[:MOST_CLASSES].tolist()]
    row = LABEL_SIZE + 12
    room = SIDE - row * len(names)
    picture = Image.new("RGB", (SIDE, SIDE), "black")
    seen = ImageOps.contain(canvas(image)[0], (SIDE, room))
    picture.paste(seen, ((SIDE - seen.width) // 2, (room - seen.height) // 2))
    pen, font = ImageDraw.Draw(picture), font_for("".join(names), LABEL_SIZE)
    for place, (name, part, index) in enumerate(zip(names, parts.tolist(), order.tolist(), strict=False)):
        upper = room + place * row
        pen.rectangle((0, upper + 2, round(part * (SIDE - 1)), upper + row - 3), class_colour(index + 1))
        pen.text((8, upper + row / 2), f"{name} {part:.2f}", "white", font, "lm", stroke_width=3, stroke_fill="black")
    words = translate("{name}, with a probability of {part}; the {shown} most probable of {count} classes drawn")
    return picture, words.format(name=names[0], part=f"{parts[0]:.2f}", shown=len(names), count=len(parts))


def draw_truth(image: Tensor, truth: dict[str, Tensor] | None, classes: Sequence[str] = CLASSES) -> Picture:
    """Draw ``image`` (3, H, W) uint8 with its ground ``truth``, a detection target, where there is one."""
    picture, scale = canvas(image)
    if truth is None:
        return _encoded(picture, translate("The image, without ground truth"))
    colours = [class_colour(label) for label in truth["labels"].tolist()]
    names = [translate(classes[label]) for label in truth["labels"].tolist()]
    outline(picture, truth["boxes"] * scale, colours, [thickness(1)] * len(colours))
    name_boxes(picture, truth["boxes"] * scale, colours, names)
    return _encoded(picture, translate("Ground truth: {names}").format(names=", ".join(names)))


def thickness(score: float) -> int:
    """Return the width in pixels of the line around a box of ``score`` from 0 to 1."""
    return 2 + round(4 * min(max(score, 0), 1))


def canvas(image: Tensor) -> tuple[Image.Image, Tensor]:
    """Return ``image`` (3, H, W) uint8 as a picture to draw on, and the factors (4,) from its boxes to the picture's.

    A strip of an image is drawn wider than it is, so that there is something to see.
    """
    height, width = image.shape[1:]
    scale = SIDE / max(height, width)
    size = max(LEAST_SIDE, round(width * scale)), max(LEAST_SIDE, round(height * scale))
    picture = Image.fromarray(image.permute(1, 2, 0).cpu().numpy())
    return picture.resize(size), torch.tensor([size[0] / width, size[1] / height] * 2)


def outline(picture: Image.Image, boxes: Tensor, colours: Sequence[str], widths: Sequence[int]) -> None:
    """Draw ``boxes`` (N, 4), in pixels of ``picture``, onto it, each with a thin dark edge around its colour."""
    pen = ImageDraw.Draw(picture)
    for box, colour, width in zip(boxes.tolist(), colours, widths, strict=True):
        left, top, right, bottom = _ordered(box)
        pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=width + 2)
        pen.rectangle((left, top, right, bottom), outline=colour, width=width)


def name_boxes(picture: Image.Image, boxes: Tensor, colours: Sequence[str], names: Sequence[str]) -> None:
    """Write ``names`` at ``boxes`` (N, 4), in pixels of ``picture``; the first ones take the best free places."""
    pen = ImageDraw.Draw(picture)
    font = font_for("".join(names), LABEL_SIZE)
    taken: list[tuple[float, float, float, float]] = []
    for box, colour, name in zip(boxes.tolist(), colours, names, strict=True):
        width, height = pen.textlength(name, font) + 8, LABEL_SIZE + 4
        places = list(_places(_ordered(box), width, height, picture.size))
        place = next((one for one in places if not any(_meet(one, other) for other in taken)), places[0])
        taken.append(place)
        pen.rectangle(place, fill=colour, outline="black")
        pen.text((place[0] + 4, (place[1] + place[3]) / 2), name, _readable_on(colour), font, "lm")


def _places(
    box: tuple[float, float, float, float], width: float, height: float, size: tuple[int, int]
) -> Iterator[tuple[float, float, float, float]]:
    """Yield where a label of ``width`` x ``height`` may stand at ``box`` within a picture of ``size``."""
    left, top, right, bottom = box
    for x, y in product((left, right - width), (top - height, bottom, top, bottom - height)):
        x, y = min(max(x, 0), size[0] - width - 1), min(max(y, 0), size[1] - height - 1)
        yield x, y, x + width, y + height


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def heat_tiles(maps: Tensor, columns: int) -> Image.Image:
    """Return ``maps`` (N, H, W), each scaled by itself, side by side as a heat map."""
    low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
    scaled = (maps - low) / (high - low).clamp(min=1e-9)
    enlarge = max(1, SIDE // (columns * maps.shape[-1]))
    scaled = scaled.repeat_interleave(enlarge, 1).repeat_interleave(enlarge, 2)
    return heat_map(make_grid(scaled[:, None], nrow=columns, padding=2, pad_value=0)[0])


def heat_map(values: Tensor) -> Image.Image:
    """Return ``values`` (H, W) as a picture in viridis, dark for the least and yellow for the greatest."""
    span = (values - values.min()) / (values.max() - values.min()).clamp(min=1e-9)
    grey: NDArray[np.uint8] = (span * 255).to(torch.uint8).numpy()
    colours = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)
    picture = Image.fromarray(cv2.cvtColor(colours, cv2.COLOR_BGR2RGB))
    return picture.resize((SIDE, min(SIDE, max(1, SIDE * picture.height // picture.width))), Image.Resampling.NEAREST)


def _count(words: str, count: int, shown: int) -> str:
    return words.format(count=count, shown=shown)


def _ordered(box: list[float]) -> tuple[float, float, float, float]:
    """Return ``box`` with a corner that is not left of or above the other, as Pillow demands."""
    return min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])


def _readable_on(colour: str) -> str:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 120 else "white"
