"""Folders of photos that tests write: with boxes, with masks, or one folder a class."""

from pathlib import Path

import numpy as np
from PIL import Image

OBJECT = """<object><name>{name}</name><difficult>{difficult}</difficult><bndbox>
<xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"""


def write(root: Path, stem: str, *objects: str) -> None:
    for name in ("Annotations", "JPEGImages"):
        (root / name).mkdir(parents=True, exist_ok=True)
    text = f"<annotation><filename>{stem}.jpg</filename>{''.join(objects)}</annotation>"
    (root / "Annotations" / f"{stem}.xml").write_text(text)
    Image.new("RGB", (60, 40), "teal").save(root / "JPEGImages" / f"{stem}.jpg")


def thing(name: str, *corners: int, difficult: int = 0) -> str:
    return OBJECT.format(*corners, name=name, difficult=difficult)


def write_masked(root: Path, stem: str, mask: Image.Image | None, kind: str = "instances", suffix: str = "png") -> None:
    """Write a teal photo of 6 x 4 pixels and, where there is one, its mask."""
    for name in ("images", kind):
        (root / name).mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), "teal").save(root / "images" / f"{stem}.{suffix}")
    if mask:
        mask.save(root / kind / f"{stem}.png")


def numbered(number_type: type = np.uint8, **squares: int) -> Image.Image:
    """A mask of 6 x 4 pixels: ``x1y2=3`` sets the pixel in column 1 and row 2, and the next to its right, to 3."""
    pixels: np.ndarray = np.zeros((4, 6), number_type)
    for place, number in squares.items():
        column, row = int(place[1]), int(place[3])
        pixels[row, column : column + 2] = number
    return Image.fromarray(pixels)


def write_classes(root: Path, *names: str) -> None:
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (number, 0, 0)).save(root / name)


def write_voc_masks(root: Path, stem: str, parts: list[tuple[int, int, int, int, int, int]]) -> None:
    """Write the two masks of a photo of 60 x 40 pixels, with a palette as VOC's have, or of 16 bits for large numbers.

    ``parts`` are half-open boxes x0, y0, x1, y1 whose pixels are of this class and object, by their numbers.
    """
    for place, kind in enumerate(("SegmentationClass", "SegmentationObject")):
        numbers: np.ndarray = np.zeros((40, 60), np.uint16)
        for x0, y0, x1, y1, *both in parts:
            numbers[y0:y1, x0:x1] = both[place]
        picture = Image.fromarray(numbers if numbers.max() > 255 else numbers.astype(np.uint8))
        if picture.mode == "L":
            picture.putpalette([number % 256 for number in range(768)])
        (root / kind).mkdir(parents=True, exist_ok=True)
        picture.save(root / kind / f"{stem}.png")
