"""How pictures and numbers travel to the browser: as text in JSON, small enough to be there at once."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

_JPEG_QUALITY = 92


def data_url(image: Tensor) -> str:
    """Return ``image`` (3, H, W) uint8 as the address of a JPEG that it holds itself."""
    file = io.BytesIO()
    to_pil_image(image).save(file, "JPEG", quality=_JPEG_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def rounded(values: Tensor, digits: int) -> list[Any]:
    """Return ``values`` as nested lists of numbers with so many ``digits`` behind the point."""
    nested: list[Any] = values.double().round(decimals=digits).tolist()
    return nested


def packed(values: ArrayLike, dtype: str) -> str:
    """Return ``values``, row by row, as base64 of little-endian numbers: ``dtype`` is u1, u2, u4, i2 or f4.

    Raises:
        ValueError: a value does not fit into an integer of that size.
    """
    array = np.asarray(values)
    if dtype[0] != "f" and array.size:
        bounds = np.iinfo(dtype)
        if array.min() < bounds.min or array.max() > bounds.max:
            raise ValueError(f"{array.min()} to {array.max()} do not fit into {dtype}")
    return base64.b64encode(array.astype(f"<{dtype}").tobytes()).decode()
