"""A picture of what a stage made, chosen by the type of its value."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from torch import Tensor
from torchvision.utils import make_grid

from core.data.scenes import CLASSES
from core.detectors.base import TimedStep
from core.detectors.race import RaceEvent, Ran
from core.figures.palette import class_colour
from core.i18n import _ as translate
from core.values import Crops, Detections, FeatureMap, RegionFeatures, Regions, Scores, Value

SIDE = 512  # pixels of the longer side of a picture
MOST_REGIONS = 60
MOST_TILES = 64
MOST_CHANNELS = 16
MOST_BEFORE_NMS = 100
PROPOSAL_COLOUR = "#56B4E9"


@dataclass(frozen=True)
class Picture:
    """A ``jpeg`` of what a stage made, and the ``words`` that say what is to be seen."""

    jpeg: bytes
    words: str


@dataclass(frozen=True)
class Drawn:
    """An ``event`` of a race with its ``picture``, where it is a finished stage."""

    event: RaceEvent
    picture: Picture | None


def draw_race(events: Iterator[RaceEvent], image: Tensor) -> Iterator[Drawn]:
    """Add pictures to the ``events`` of a race on ``image``, drawn while the race's stopwatch stands still."""
    for event in events:
        finished = isinstance(event, Ran) and isinstance(event.event, TimedStep)
        yield Drawn(event, draw(event.event.value, image) if finished else None)  # type: ignore[union-attr]


def draw(value: Value, image: Tensor, classes: Sequence[str] = CLASSES) -> Picture:
    """Draw ``value``, made from ``image`` (3, H, W) uint8, as a ``Picture``."""
    picture, words = picture_of(value, image, classes)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return Picture(buffer.getvalue(), words)


@singledispatch
def picture_of(value: Value, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    """Return the picture of ``value`` and the words for it; a new kind of value registers its own."""
    raise TypeError(f"no picture for {type(value).__name__}")


@picture_of.register
def _(value: Regions, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    boxes = value.boxes[:MOST_REGIONS] * scale
    outline(picture, boxes, [PROPOSAL_COLOUR] * len(boxes), [1] * len(boxes))
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
    return heat_map(features), words + translate(" (a row each)")


@picture_of.register
def _(value: Scores, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    best, column = value.values[:, 1:].float().max(1)
    order = best.argsort(descending=True)[:MOST_REGIONS].flip(0)  # the best is drawn last, on top
    colours = [class_colour(label) for label in (column[order] + 1).tolist()]
    outline(picture, value.boxes[order] * scale, colours, [2] * len(order))
    words = translate("{count} boxes scored for {classes} classes; the best {shown} in the colour of their class")
    return picture, words.format(count=len(best), classes=value.values.shape[1] - 1, shown=len(order))


@picture_of.register
def _(value: Detections, image: Tensor, classes: Sequence[str]) -> tuple[Image.Image, str]:
    picture, scale = canvas(image)
    drawn = min(len(value), MOST_BEFORE_NMS)
    order = value.scores[:drawn].argsort().tolist()
    colours = [class_colour(int(value.labels[index])) for index in order]
    widths = [1 + round(4 * min(max(float(value.scores[index]), 0), 1)) for index in order]
    names = [f"{translate(classes[int(value.labels[index])])} {value.scores[index]:.2f}" for index in order]
    outline(picture, value.boxes[order] * scale, colours, widths, names if drawn <= 20 else ())
    return picture, _count(translate("{count} boxes; thicker is surer"), len(value), drawn)


def canvas(image: Tensor) -> tuple[Image.Image, float]:
    """Return ``image`` (3, H, W) uint8 as a picture to draw on, and the scale from its pixels to the picture's."""
    height, width = image.shape[1:]
    scale = SIDE / max(height, width)
    picture = Image.fromarray(image.permute(1, 2, 0).cpu().numpy())
    return picture.resize((max(1, round(width * scale)), max(1, round(height * scale)))), scale


def outline(
    picture: Image.Image, boxes: Tensor, colours: Sequence[str], widths: Sequence[int], names: Sequence[str] = ()
) -> None:
    """Draw ``boxes`` (N, 4), in pixels of ``picture``, onto it, with ``names`` on their top edges."""
    pen = ImageDraw.Draw(picture)
    for box, colour, width in zip(boxes.tolist(), colours, widths, strict=True):
        pen.rectangle(_ordered(box), outline=colour, width=width)
    font = ImageFont.load_default(18)
    for box, colour, name in zip(boxes.tolist(), colours, names, strict=False):
        left, top, right, bottom = pen.textbbox((box[0], max(box[1] - 22, 0)), name, font=font)
        pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), fill=colour)
        pen.text((box[0], max(box[1] - 22, 0)), name, font=font, fill=_readable_on(colour))


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
