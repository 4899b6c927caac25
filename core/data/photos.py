"""Real photos that scikit-image carries in its own package, so that nothing is downloaded."""

from pathlib import Path

import skimage
from PIL import Image
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor

FOLDER = Path(skimage.__file__).parent / "data"
FILES = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle_left": "motorcycle_left.png",
    "hubble_deep_field": "hubble_deep_field.jpg",
    "retina": "retina.jpg",
    "brick": "brick.png",
    "grass": "grass.png",
    "gravel": "gravel.png",
}
PHOTOS = tuple(FILES)


def photo(name: str) -> Tensor:
    """Return the sample photo ``name`` of ``PHOTOS``: (3, H, W) uint8."""
    with Image.open(FOLDER / FILES[name]) as picture:
        pixels: Tensor = pil_to_tensor(picture.convert("RGB"))
    return pixels
