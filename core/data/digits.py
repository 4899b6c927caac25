"""Handwritten digits on coloured paper, several in a scene or one alone: a new task for what learnt from drawn scenes.

The digits are scikit-learn's: 1797 of 8 x 8 pixels by 13 people (Alpaydin and Kaynak 1998). Validation and test show
digits that training never does. A scene is a function of its index and the seed alone.
"""

from functools import lru_cache

import numpy as np
import torch
from numpy.random import Generator
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.ops import masks_to_boxes

from core.data.scenes import SIDE, Scenes

CLASSES = ("background", *"0123456789")
PARTS = {"train": slice(0, 1200), "validation": slice(1200, 1500), "test": slice(1500, 1797)}
DIGITS = (2, 6)  # in a scene
SIDES = (40, 110)  # pixels of the square that a digit is written in
TURN = 15.0  # degrees that a digit is turned by, to either side
NOISE = 8.0  # the largest standard deviation, in grey levels
CONTRAST = 110.0  # the least distance in RGB between ink and paper

SINGLE_SIDE = 64  # pixels of an image of one digit
SINGLE_SIDES = (44, 64)  # and of the square that the digit is written in

# Beside the levels of ShapeScenes in their generators' keys, so that no two pictures share their choices.
_KEY, _SINGLE_KEY = 100, 101


class DigitScenes(Scenes):
    """Scenes of one split: ``scenes[i]`` is an image (3, 256, 256) uint8 and its target, as those of ``ShapeScenes``.

    A target holds ``boxes`` (N, 4) float32 tight around the ink, ``labels`` (N,) int64 into ``CLASSES``, so that the
    digit 0 has label 1, and ``masks`` (N, 256, 256) bool of the ink. Digits do not overlap.

    Raises:
        ValueError: no such split, a length beyond the split's range, or a seed of more than 32 bits.
    """

    classes = CLASSES

    def __getitem__(self, index: int) -> tuple[Tensor, dict[str, Tensor]]:
        return _draw(self.choices(index, _KEY), self.split)


class SingleDigits(Dataset[tuple[Tensor, int]]):
    """Each digit of one split on a paper of its own: ``digits[i]`` is an image (3, 64, 64) uint8 and 0 to 9.

    ``labels`` are all of them, in order.

    Raises:
        KeyError: there is no such split.
    """

    classes = CLASSES[1:]

    def __init__(self, split: str, seed: int = 0):
        self._part = PARTS[split]
        self._seed = seed
        self.labels: list[int] = handwritten(split)[1].tolist()

    def __len__(self) -> int:
        return self._part.stop - self._part.start

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        ink, _numbers = _digits()
        place = range(len(ink))[self._part][index]
        rng = np.random.default_rng([self._seed, _SINGLE_KEY, place])
        colour = rng.uniform(0, 255, 3)
        canvas = _paper(rng, colour, SINGLE_SIDE)
        written = _written(rng, ink[place], SINGLE_SIDES)
        x, y = (int(rng.integers(0, SINGLE_SIDE - len(written) + 1)) for _axis in range(2))
        _lay(rng, canvas[y : y + len(written), x : x + len(written)], written, colour)
        return _photographed(rng, canvas), self.labels[index]


def handwritten(split: str) -> tuple[Tensor, Tensor]:
    """Return the digits of ``split`` as they were scanned: images (N, 8, 8) uint8, 255 for ink, and labels (N,) 0 to 9.

    Raises:
        KeyError: there is no such split.
    """
    ink, numbers = _digits()
    part = PARTS[split]
    return torch.from_numpy(ink[part]), torch.from_numpy(numbers[part])


@lru_cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits  # a second, which whoever wants no digits need not wait

    ink, numbers = load_digits(return_X_y=True)
    return np.rint(ink.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8), numbers.astype(np.int64)


def _draw(rng: Generator, split: str) -> tuple[Tensor, dict[str, Tensor]]:
    digits, numbers = _digits()
    paper = rng.uniform(0, 255, 3)
    canvas = _paper(rng, paper, SIDE)
    taken = np.zeros((SIDE, SIDE), bool)
    masks, labels = [], []
    for _digit in range(rng.integers(DIGITS[0], DIGITS[1] + 1)):
        chosen = int(rng.integers(PARTS[split].start, PARTS[split].stop))
        ink = _written(rng, digits[chosen], SIDES)
        side = len(ink)
        for _attempt in range(20):
            x, y = (int(rng.integers(0, SIDE - side + 1)) for _axis in range(2))
            place = np.s_[y : y + side, x : x + side]
            if not taken[place].any():
                break
        else:
            continue
        taken[place] = True
        _lay(rng, canvas[place], ink, paper)
        mask = np.zeros((SIDE, SIDE), bool)
        mask[place] = ink > 0.5
        masks.append(mask)
        labels.append(1 + int(numbers[chosen]))
    image = _photographed(rng, canvas)
    inked = torch.from_numpy(np.stack(masks))
    boxes = masks_to_boxes(inked)
    boxes[:, 2:] += 1  # masks_to_boxes names the last pixel; a box ends behind it
    return image, {"boxes": boxes, "labels": torch.tensor(labels), "masks": inked}


def _paper(rng: Generator, colour: np.ndarray, side: int) -> np.ndarray:
    """Return paper of a ``colour`` (3,) in uneven light: (``side``, ``side``, 3) float32."""
    ys, xs = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    slope = rng.uniform(-30, 30, 2)
    light: np.ndarray = (slope[0] * ys + slope[1] * xs)[..., None] + colour.astype(np.float32)
    return light.astype(np.float32)


def _written(rng: Generator, digit: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """Enlarge and turn a ``digit`` (8, 8): how far ink covers each pixel (S, S), 0 to 1, with sharper edges."""
    side = int(np.exp(rng.uniform(*np.log(sides))))
    # A pixel of margin keeps the strokes' ends within the square when it is turned.
    large = Image.fromarray(np.pad(digit, 1)).resize((side, side), Image.Resampling.BICUBIC)
    turned = large.rotate(rng.uniform(-TURN, TURN), Image.Resampling.BILINEAR)
    return np.clip(2 * (np.asarray(turned, np.float32) / 255 - 0.5) + 0.5, 0, 1)


def _lay(rng: Generator, canvas: np.ndarray, ink: np.ndarray, paper: np.ndarray) -> None:
    """Lay ``ink`` (S, S) of some colour onto ``canvas`` (S, S, 3), ``paper`` of a colour (3,), in place."""
    canvas += ink[..., None] * (_ink_colour(rng, paper) - canvas)


def _photographed(rng: Generator, canvas: np.ndarray) -> Tensor:
    """Return ``canvas`` (H, W, 3) with a camera's noise as an image (3, H, W) uint8."""
    noise = rng.standard_normal(canvas.shape, np.float32) * rng.uniform(0, NOISE)
    return torch.from_numpy(np.clip(canvas + noise + 0.5, 0, 255).astype(np.uint8)).permute(2, 0, 1).contiguous()


def _ink_colour(rng: Generator, paper: np.ndarray) -> np.ndarray:
    for _attempt in range(20):
        colour = rng.uniform(0, 255, 3)
        if np.linalg.norm(colour - paper) >= CONTRAST:
            break
    return colour
