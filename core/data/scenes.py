"""Drawn scenes without limit: shapes on cut-outs of real photos, with boxes, labels and instance masks.

A scene is a function of its index and the seed alone: the same on any machine. Every random choice comes from
one numpy generator, and shapes are rastered with Pillow's integer arithmetic.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image, ImageDraw
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.ops import masks_to_boxes

from core.data.photos import photo
from core.i18n import N_

CLASSES = (
    N_("background"),
    *(N_("ellipse"), N_("rectangle"), N_("triangle"), N_("star"), N_("cross"), N_("ring")),
)
SIDE = 256
FIRST_INDEX = {"train": 0, "validation": 1 << 30, "test": 1 << 31}
LONGEST_SPLIT = 1 << 30
LAST_SEED = (1 << 32) - 1
BACKGROUNDS = ("astronaut", "chelsea", "coffee", "rocket", "motorcycle_left", "retina", "brick", "grass", "gravel")

_OVERSAMPLING = 4
_RING_HOLE = 0.55


@dataclass(frozen=True)
class Difficulty:
    """How hard a scene is: numbers of shapes, their long sides in pixels, the least part of a shape left visible,
    the largest noise (standard deviation in grey levels) and the least colour distance to the photo behind."""

    shapes: tuple[int, int]
    sides: tuple[int, int]
    least_visible: float
    noise: float
    contrast: float


DIFFICULTIES = {
    "easy": Difficulty(shapes=(1, 3), sides=(56, 154), least_visible=1.0, noise=4, contrast=90),
    "medium": Difficulty(shapes=(2, 7), sides=(26, 154), least_visible=0.55, noise=10, contrast=60),
    "hard": Difficulty(shapes=(6, 12), sides=(20, 154), least_visible=0.35, noise=16, contrast=35),
}


class Scenes(Dataset[tuple[Tensor, dict[str, Tensor]]]):
    """``length`` scenes of one split, each a function of its index and the ``seed`` alone.

    Raises:
        ValueError: no such split, a length beyond the split's range, or a seed of more than 32 bits, which could meet
            another's scenes.
    """

    def __init__(self, split: str, length: int, seed: int = 0):
        if split not in FIRST_INDEX:
            raise ValueError(f"no split {split!r}: choose one of {', '.join(FIRST_INDEX)}")
        if not 0 <= length <= LONGEST_SPLIT:
            raise ValueError(f"a split has 0 to {LONGEST_SPLIT} scenes, not {length}")
        if not 0 <= seed <= LAST_SEED:
            raise ValueError(f"seed {seed} is outside 0..{LAST_SEED}")
        self.split = split
        self.length = length
        self.seed = seed

    def __len__(self) -> int:
        return self.length

    def choices(self, index: int, key: int) -> Generator:
        """Return the generator of all random choices of scene ``index``; no other ``key`` gives the same.

        Raises:
            IndexError: there is no such scene.
        """
        if not 0 <= index < self.length:
            raise IndexError(f"scene {index} is outside 0..{self.length - 1}")
        return np.random.default_rng([self.seed, key, FIRST_INDEX[self.split] + index])


class ShapeScenes(Scenes):
    """Scenes of one split: ``scenes[i]`` is an image (3, 256, 256) uint8 and its target.

    A target follows torchvision's detection convention: ``boxes`` (N, 4) float32 tight around the visible part,
    ``labels`` (N,) int64 into ``CLASSES``, ``masks`` (N, 256, 256) bool of the visible pixels. Splits are ranges of
    the index that cannot meet; another ``seed`` gives scenes that no other seed gives.

    Raises:
        ValueError: no such split or difficulty, a length beyond the split's range, or a seed of more than 32 bits,
            which could meet another's scenes.
    """

    classes = CLASSES

    def __init__(self, split: str, length: int, difficulty: str = "medium", seed: int = 0):
        super().__init__(split, length, seed)
        if difficulty not in DIFFICULTIES:
            raise ValueError(f"no difficulty {difficulty!r}: choose one of {', '.join(DIFFICULTIES)}")
        self.difficulty = difficulty

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        # The level is the key, so that levels differ in their layouts too and share no scene.
        level = list(DIFFICULTIES).index(self.difficulty)
        return draw_scene(self.choices(index, level), DIFFICULTIES[self.difficulty])


def draw_scene(rng: Generator, difficulty: Difficulty) -> tuple[Tensor, dict[str, Tensor]]:
    """Draw one scene with ``rng``: an image (3, 256, 256) uint8 and its target (see ``ShapeScenes``)."""
    canvas = _background(rng)
    masks: list[np.ndarray] = []
    labels: list[int] = []
    areas: list[int] = []
    for _ in range(rng.integers(difficulty.shapes[0], difficulty.shapes[1] + 1)):
        for _attempt in range(20):
            label = int(rng.integers(1, len(CLASSES)))
            alpha, x, y = _shape(rng, label, difficulty.sides)
            place = np.s_[y : y + alpha.shape[0], x : x + alpha.shape[1]]
            solid = alpha > 127
            if all(
                mask.sum() - (mask[place] & solid).sum() >= difficulty.least_visible * area
                for mask, area in zip(masks, areas, strict=True)
            ):
                break
        else:
            continue
        canvas[place] = _paint(rng, canvas[place], alpha, difficulty.contrast)
        for mask in masks:
            mask[place] &= ~solid
        mask = np.zeros((SIDE, SIDE), bool)
        mask[place] = solid
        masks.append(mask)
        labels.append(label)
        areas.append(int(mask.sum()))
    noise = rng.standard_normal(canvas.shape, np.float32) * rng.uniform(0, difficulty.noise)
    image = torch.from_numpy(np.clip(canvas + noise + 0.5, 0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()
    visible = torch.from_numpy(np.stack(masks))
    boxes = masks_to_boxes(visible)
    boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
    return image, {"boxes": boxes, "labels": torch.tensor(labels), "masks": visible}


def label_map(masks: Tensor, labels: Tensor) -> Tensor:
    """Return the class of every pixel: disjoint ``masks`` (N, H, W) bool of ``labels`` (N,) to (H, W) int64."""
    return (masks * labels[:, None, None]).sum(0)


@lru_cache
def _photo(name: str) -> Image.Image:
    return Image.fromarray(photo(name).permute(1, 2, 0).numpy())


def _background(rng: Generator) -> np.ndarray:
    """Cut a square out of a photo, turn it, and change its brightness and contrast: (256, 256, 3) float32."""
    source = _photo(BACKGROUNDS[rng.integers(len(BACKGROUNDS))])
    side = int(rng.integers(160, min(source.size) + 1))
    x, y = (int(rng.integers(0, length - side + 1)) for length in source.size)
    square = source.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (x, y, x + side, y + side))
    pixels = np.rot90(np.asarray(square), int(rng.integers(4))).astype(np.float32)
    contrast, brightness = rng.uniform(0.6, 1.1), rng.uniform(-30, 30)
    return np.clip((pixels - 128) * contrast + 128 + brightness, 0, 255)


def _outline(label: int) -> np.ndarray:
    """Return the polygon of class ``label`` about the origin, within the unit circle: (V, 2)."""

    def ring_of(count: int, turn: float = 0.0) -> np.ndarray:
        angles = 2 * np.pi * (np.arange(count) + turn) / count
        return np.stack([np.cos(angles), np.sin(angles)], 1)

    match CLASSES[label]:
        case "ellipse" | "ring":
            return ring_of(48)
        case "rectangle":
            return ring_of(4, 0.5)
        case "triangle":
            return ring_of(3)
        case "star":
            return ring_of(10) * np.where(np.arange(10) % 2, 0.42, 1.0)[:, None]
        case _:
            arm = 0.33
            quarter = np.array([[1, -arm], [1, arm], [arm, arm]]) / np.hypot(1, arm)
            turns = [np.array([[c, -s], [s, c]]) for c, s in ((1, 0), (0, 1), (-1, 0), (0, -1))]
            return np.concatenate([quarter @ turn.T for turn in turns])


def _shape(rng: Generator, label: int, sides: tuple[int, int]) -> tuple[np.ndarray, int, int]:
    """Raster a stretched and rotated shape: its coverage (h, w) uint8 and the place (x, y) of its corner."""
    long_side = np.exp(rng.uniform(*np.log(sides)))
    stretch = np.array([1.0, rng.uniform(0.6, 1.0)])
    angle = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = (_outline(label) * stretch) @ rotation.T
    points *= long_side / np.ptp(points, axis=0).max()
    corner = points.min(0)
    width, height = (int(np.ceil(extent)) for extent in np.ptp(points, axis=0))
    coverage = Image.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING))
    pen = ImageDraw.Draw(coverage)
    outline = np.rint((points - corner) * _OVERSAMPLING).astype(int)
    pen.polygon([(int(px), int(py)) for px, py in outline], fill=255)
    if CLASSES[label] == "ring":
        hole = np.rint((points * _RING_HOLE - corner) * _OVERSAMPLING).astype(int)
        pen.polygon([(int(px), int(py)) for px, py in hole], fill=0)
    x, y = int(rng.integers(0, SIDE - width + 1)), int(rng.integers(0, SIDE - height + 1))
    return np.asarray(coverage.reduce(_OVERSAMPLING)), x, y


def _paint(rng: Generator, behind: np.ndarray, alpha: np.ndarray, contrast: float) -> np.ndarray:
    """Lay a shaded colour over ``behind`` (h, w, 3) where ``alpha`` (h, w) covers it; the class plays no part."""
    around = behind.mean((0, 1))
    colour = rng.uniform(0, 255, 3)
    for _attempt in range(20):
        if np.linalg.norm(colour - around) >= contrast:
            break
        colour = rng.uniform(0, 255, 3)
    ys, xs = np.mgrid[-1 : 1 : alpha.shape[0] * 1j, -1 : 1 : alpha.shape[1] * 1j].astype(np.float32)
    slope = rng.uniform(-20, 20, 2)
    shade = (slope[0] * ys + slope[1] * xs)[..., None] + colour
    opacity = alpha[..., None] / np.float32(255)
    return behind + opacity * (np.clip(shade, 0, 255) - behind)
