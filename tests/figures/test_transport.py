"""Numbers and pictures arrive in the browser as they were sent."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from core.figures.transport import data_url, packed, rounded


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i2", "f4"])
def test_packed_numbers_are_little_endian_and_row_by_row(dtype: str) -> None:
    values = [[0, 1, 2], [100, 0, 255]]
    sent = np.frombuffer(base64.b64decode(packed(values, dtype)), f"<{dtype}")
    assert sent.tolist() == [0, 1, 2, 100, 0, 255]
    assert packed(torch.tensor(values), dtype) == packed(values, dtype)
    assert packed([], dtype) == ""


@pytest.mark.parametrize(("value", "dtype"), [(256, "u1"), (-1, "u2"), (70_000, "u2"), (-40_000, "i2")])
def test_a_number_that_does_not_fit_is_refused(value: int, dtype: str) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        packed([value], dtype)


def test_rounded_numbers_are_short() -> None:
    assert rounded(torch.tensor([[1 / 3, 2.0]]), 2) == [[0.33, 2.0]]


def test_a_picture_keeps_its_size_and_about_its_colours() -> None:
    image = torch.tensor([200, 100, 50], dtype=torch.uint8)[:, None, None].expand(3, 30, 40)
    head, body = data_url(image).split(",")
    assert head == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(body)))
    assert picture.size == (40, 30)
    np.testing.assert_allclose(np.asarray(picture)[15, 20], [200, 100, 50], atol=3)
