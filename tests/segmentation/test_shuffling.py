"""Shuffled places: a fully connected layer does not mind, a convolution does."""

import pytest
import torch
from torch import Tensor, nn

from core.segmentation import build
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.shuffling import random_order, shuffled_connected, shuffled_convolution


@pytest.fixture(scope="module")
def model() -> PatchCNN:
    torch.manual_seed(0)
    built = build("patch_cnn")
    assert isinstance(built, PatchCNN)
    return built


@pytest.fixture(scope="module")
def features() -> Tensor:
    return torch.rand(9, 128, 5, 5, generator=torch.Generator().manual_seed(0))


@torch.inference_mode()
def test_shuffled_with_its_weights_a_fully_connected_layer_says_the_same(model: PatchCNN, features: Tensor) -> None:
    order = random_order(3200, 1)
    same = shuffled_connected(model, features, order, weights=True)
    torch.testing.assert_close(same, model.connected(features), atol=1e-5, rtol=0)
    other = shuffled_connected(model, features, order, weights=False)
    assert (other - model.connected(features)).abs().max() > 0.01
    straight = shuffled_connected(model, features, torch.arange(3200), weights=False)
    assert torch.equal(straight, model.connected(features))


@torch.inference_mode()
def test_a_convolution_changes_its_result_unless_it_sees_one_cell() -> None:
    torch.manual_seed(0)
    maps = torch.rand(4, 7, 9)
    order = random_order(63, 2)
    wide, point = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(4, 3, 1)
    assert (shuffled_convolution(wide, maps, order) - wide(maps[None])[0]).abs().mean() > 0.01
    torch.testing.assert_close(shuffled_convolution(point, maps, order), point(maps[None])[0])
    torch.testing.assert_close(shuffled_convolution(wide, maps, torch.arange(63)), wide(maps[None])[0])


def test_an_order_has_every_number_once_and_comes_from_its_seed() -> None:
    order = random_order(3200, 5)
    assert torch.equal(order.sort().values, torch.arange(3200))
    assert torch.equal(order, random_order(3200, 5)) and not torch.equal(order, random_order(3200, 6))
