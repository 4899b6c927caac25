"""Label maps as pictures."""

import numpy as np
from PIL import Image, ImageColor
from torch import Tensor

from core.figures.palette import class_colour


def label_picture(labels: Tensor) -> Image.Image:
    """Return ``labels`` (H, W) as a palette picture: its pixels are the class numbers, shown in the class's colour.

    As Pascal VOC's segmentation masks are stored; the background is black.
    """
    picture = Image.fromarray(labels.numpy().astype(np.uint8), "P")
    colours = ["black", *(class_colour(label) for label in range(1, int(labels.max()) + 1))]
    picture.putpalette([channel for colour in colours for channel in ImageColor.getrgb(colour)[:3]])
    return picture
