"""The sample photos come with scikit-image itself: each is there without a download."""

import pytest
import torch

from core.data.photos import PHOTOS, photo


@pytest.mark.parametrize("name", PHOTOS)
def test_each_photo_is_in_the_package_and_colourful_enough_to_show(name: str) -> None:
    pixels = photo(name)
    assert pixels.dtype == torch.uint8 and pixels.shape[0] == 3 and min(pixels.shape[1:]) >= 256
    assert pixels.float().std() > 10


def test_the_astronaut_is_the_one_everybody_knows() -> None:
    assert photo("astronaut").shape == (3, 512, 512)
    assert photo("astronaut")[:, 0, 0].tolist() == [154, 147, 151]
