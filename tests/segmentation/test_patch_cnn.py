"""The patch CNN: convolved, slid and one patch at a time it gives the same scores."""

import math
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from core.data import ShapeScenes
from core.segmentation import load
from core.segmentation.patch_cnn import PATCH, PatchCNN
from core.stages import Step
from core.values import FeatureMap, LabelMap, ScoreMap
from tests.test_backbones import STRIDE, noise, stir_batch_norm

SIZES = [(64, 64), (96, 33), (41, 70), (17, 16), (16, 47), (1, 1)]


@pytest.fixture(scope="module", params=["slim", "lite0"])
def net(request: pytest.FixtureRequest) -> PatchCNN:
    """A patch CNN that could have been trained: scores as large as a trained one's, which differ from cell to cell."""
    torch.manual_seed(0)
    net = PatchCNN(request.param).eval()
    stir_batch_norm(net.trunk)
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    return net


def values(net: PatchCNN, image: Tensor) -> tuple[FeatureMap, ScoreMap, LabelMap]:
    with torch.inference_mode():
        features, scores, labels = (stage.value for stage in net.steps(image) if isinstance(stage, Step))
    assert isinstance(features, FeatureMap) and isinstance(scores, ScoreMap) and isinstance(labels, LabelMap)
    return features, scores, labels


def convolved(net: PatchCNN, image: Tensor) -> Tensor:
    return values(net, image)[1].values


def slid(net: PatchCNN, image: Tensor, at_once: int) -> Tensor:
    return torch.cat(list(net.slide(image, at_once)))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_convolutions_give_what_sliding_gives_at_every_16th_pixel(net: PatchCNN, height: int, width: int) -> None:
    image = noise(3, height, width)
    scores = convolved(net, image)
    assert scores.shape == (7, math.ceil(height / STRIDE), math.ceil(width / STRIDE))
    expected = slid(net, image, 8)
    assert (height, width) == (1, 1) or expected.std(0).max() > 0.5, "all cells are alike"
    torch.testing.assert_close(scores.flatten(1).T, expected, rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("height", "width"), [(256, 256), (131, 90), (75, 201)])
def test_the_shipped_weights_convolved_give_what_they_give_slid(height: int, width: int) -> None:
    net = load("patch_cnn")
    assert isinstance(net, PatchCNN)
    image = ShapeScenes("validation", 1)[0][0][:, -height:, -width:]
    expected = slid(net, image, 16)
    assert expected.std(0).max() > 1
    torch.testing.assert_close(convolved(net, image).flatten(1).T, expected, rtol=0, atol=1e-4)


def test_a_patch_alone_and_within_an_image_scores_alike(net: PatchCNN) -> None:
    image = noise(3, 300, 270)
    scores = convolved(net, image)
    for row, column in ((7, 7), (7, 8), (11, 9)):
        top, left = (STRIDE * cell + STRIDE // 2 - PATCH // 2 for cell in (row, column))
        patch = image[None, :, top : top + PATCH, left : left + PATCH]
        assert patch.shape == (1, 3, PATCH, PATCH) and patch.dtype == torch.uint8
        with torch.inference_mode():
            torch.testing.assert_close(net.classify(patch)[0], scores[:, row, column], rtol=0, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [4, 100])
def test_batches_of_patches_score_as_one_by_one(net: PatchCNN, at_once: int) -> None:
    image = noise(3, 40, 50)
    one_by_one = list(net.slide(image))
    assert [tuple(scores.shape) for scores in one_by_one] == [(1, 7)] * 12
    batches = list(net.slide(image, at_once))
    assert [len(scores) for scores in batches] == ([4, 4, 4] if at_once == 4 else [12])
    torch.testing.assert_close(torch.cat(batches), torch.cat(one_by_one), rtol=1e-4, atol=1e-4)


def test_fully_connected_layers_know_no_places(net: PatchCNN) -> None:
    """Flattened numbers may be shuffled, as long as fc6's columns are shuffled with them."""
    features = torch.rand(3, net.trunk.channels, net.cells, net.cells, generator=torch.Generator().manual_seed(0))
    order = torch.randperm(features[0].numel(), generator=torch.Generator().manual_seed(1))
    shuffled = features.flatten(1)[:, order].view_as(features)
    other = deepcopy(net)
    fc6 = other.layers[0]
    assert isinstance(fc6, nn.Linear)
    with torch.no_grad():
        expected = net.connected(features)
        assert (other.connected(shuffled) - expected).abs().max() > 0.1, "the order matters to the old weights"
        fc6.weight.copy_(fc6.weight[:, order])
        torch.testing.assert_close(other.connected(shuffled), expected, rtol=1e-4, atol=1e-4)


def test_a_map_of_one_patch_is_one_place_of_the_convolutions(net: PatchCNN) -> None:
    features = torch.rand(3, net.trunk.channels, net.cells, net.cells, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        scores = net.convolved(features)
        assert scores.shape == (3, 7, 1, 1)
        torch.testing.assert_close(scores[..., 0, 0], net.connected(features), rtol=1e-4, atol=1e-4)


def test_nothing_is_padded_within_the_network(net: PatchCNN) -> None:
    for layer in net.trunk:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            assert layer.padding in (0, (0, 0))
    with torch.inference_mode():
        assert net.trunk(noise(1, 3, PATCH, PATCH)).shape == (1, net.trunk.channels, net.cells, net.cells)
        assert net.trunk(noise(1, 3, PATCH + 16, PATCH + 15)).shape[2:] == (net.cells + 1, net.cells)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_around_the_image_is_the_mean_colour_which_is_0_to_the_network(net: PatchCNN, height: int, width: int) -> None:
    image = noise(3, height, width)
    surrounded = net.surrounded(image[None])[0]
    place = (slice(None), slice(105, 105 + height), slice(105, 105 + width))
    torch.testing.assert_close(surrounded[place], image.float(), rtol=0, atol=1e-4)
    seen = net.trunk.normalised(surrounded[None])[0]
    seen[place] = 0
    assert (seen == 0).all()


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_patches_are_centred_on_the_cells(net: PatchCNN, height: int, width: int) -> None:
    image = noise(3, height, width)
    windows = net.windows(image)
    rows, columns = math.ceil(height / STRIDE), math.ceil(width / STRIDE)
    assert windows.shape == (rows, columns, 3, PATCH, PATCH)
    for row in range(rows):
        for column in range(columns):
            y, x = STRIDE * row + STRIDE // 2, STRIDE * column + STRIDE // 2
            inside = y < height and x < width
            expected = image[:, y, x].float() if inside else net.trunk.mean[:, 0, 0]
            torch.testing.assert_close(windows[row, column, :, PATCH // 2, PATCH // 2], expected, rtol=0, atol=1e-4)


def test_windows_are_views_of_one_image(net: PatchCNN) -> None:
    windows = net.windows(noise(3, 64, 64))
    assert windows.untyped_storage().nbytes() < windows.numel(), "copies would take a hundred times the memory"


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_labels_are_the_best_class_of_their_cell(net: PatchCNN, height: int, width: int) -> None:
    features, scores, labels = values(net, noise(3, height, width))
    assert features.stride == scores.stride == STRIDE
    assert features.values.shape[1:] == tuple(length + net.cells - 1 for length in scores.values.shape[1:])
    assert labels.labels.shape == (height, width)
    best = scores.values.argmax(0)
    for row in range(height):
        for column in range(width):
            assert labels.labels[row, column] == best[row // STRIDE, column // STRIDE]


def test_loss_is_of_every_cell() -> None:
    torch.manual_seed(0)
    net = PatchCNN().eval()
    images = noise(2, 3, 48, 32)
    cells = torch.randint(0, 7, (2, 3, 2), generator=torch.Generator().manual_seed(0))
    parts = net.losses(images, [{"cells": one} for one in cells])
    assert list(parts) == ["classification"]
    scores = torch.cat([slid(net, image, 6) for image in images]).log_softmax(1)
    by_hand = -scores[torch.arange(12), cells.flatten()].mean()
    torch.testing.assert_close(parts["classification"], by_hand)
    parts["classification"].backward()
    assert all(one.grad is not None and one.grad.any() for one in net.parameters())
