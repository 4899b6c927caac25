"""The trunks with AlexNet's layout: where their cells look, the folding of their normalisation; and all entries."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import alexnet
from torchvision.transforms.v2.functional import normalize

from core.backbones import TRUNKS, Backbone, fold_batch_norm, paper, slim
from core.backbones.lite0 import SameConvolution
from core.detectors import NAMES, build

STRIDE = 16  # of both trunks, and of AlexNet up to its fifth convolution


def noise(*shape: int) -> Tensor:
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def stir_batch_norm(model: nn.Module) -> None:
    """Give every batch normalisation statistics and weights that a training could have left."""
    rng = torch.Generator().manual_seed(1)
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        for values, low, high in ((norm.running_var, 0.2, 3), (norm.running_mean, -1, 1)):
            assert values is not None
            values.uniform_(low, high, generator=rng)
        nn.init.uniform_(norm.weight, 0.5, 1.5, generator=rng)
        nn.init.uniform_(norm.bias, -1, 1, generator=rng)


@pytest.mark.parametrize("side", [64, 65, 100, 256, 341])
def test_slim_maps_a_cell_for_every_16_pixels_begun(side: int) -> None:
    trunk = slim().eval()
    with torch.inference_mode():
        features = trunk(noise(2, 3, side, 256))
    assert features.shape == (2, trunk.channels, -(-side // STRIDE), 16)


@pytest.mark.parametrize("name", ["slim", "paper"])
def test_stages_are_the_last_maps_of_each_stride_and_the_feature_map(name: str) -> None:
    trunk = TRUNKS[name].build().eval()
    stir_batch_norm(trunk)
    image = noise(2, 3, 131, 256)
    before = {"slim": (3, 7), "paper": (2, 5)}[name]  # how many layers are in front of each pooling
    with torch.inference_mode():
        stages = trunk.stages(image)
        assert len(stages) == 3 and stages[-1].equal(trunk(image))
        for layers, found in zip(before, stages, strict=False):
            assert isinstance(trunk[layers], nn.MaxPool2d)
            assert found.equal(nn.Sequential(*list(trunk)[:layers])(trunk.normalised(image))), layers
    if name == "slim":
        assert [tuple(one.shape[1:]) for one in stages] == [(32, 33, 64), (96, 17, 32), (128, 9, 16)]


@pytest.mark.slow
@pytest.mark.parametrize(("side", "cells"), [(227, 13), (448, 27), (600, 36)])
def test_paper_has_alexnets_map(side: int, cells: int) -> None:
    trunk = paper().eval()
    with torch.inference_mode():
        assert trunk(noise(1, 3, 227, side)).shape == (1, 256, 13, cells)


def test_slim_has_alexnets_layout_at_half_its_width() -> None:
    ours = [(one.out_channels, one.kernel_size, one.stride) for one in slim() if isinstance(one, nn.Conv2d)]
    theirs = [(one.out_channels, one.kernel_size, one.stride) for one in paper() if isinstance(one, nn.Conv2d)]
    assert [(2 * channels, *rest) for channels, *rest in ours] == [tuple(one) for one in theirs]
    assert sum(values.numel() for values in slim().parameters()) == pytest.approx(0.6e6, abs=0.05e6)


def test_paper_is_torchvisions_alexnet_without_its_last_pooling() -> None:
    """What each detector puts in place of that pooling is its idea."""
    torch.manual_seed(0)
    peer = alexnet(weights=None).eval()
    trunk = paper().eval()
    trunk.load_state_dict(peer.features.state_dict())
    image = noise(1, 3, 227, 227)
    normalised = normalize(image / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    with torch.inference_mode():
        pooled = functional.max_pool2d(trunk(image), 3, 2)
        torch.testing.assert_close(pooled, peer.features(normalised), rtol=1e-4, atol=1e-5)
    assert pooled.shape == (1, 256, 6, 6)


def test_the_mean_colour_is_0_to_the_network() -> None:
    trunk = slim().eval()
    grey = trunk.mean.expand(1, 3, 64, 64)
    with torch.inference_mode():
        assert (trunk(grey) == 0).all(), "without a bias nothing comes of nothing"


def test_pixels_may_be_bytes_or_floats() -> None:
    trunk = slim().eval()
    image = noise(1, 3, 64, 64)
    with torch.inference_mode():
        assert trunk(image).equal(trunk(image.float()))


def test_where_the_cells_of_slim_look() -> None:
    """A column of light moves across a dark picture: cell j sees it from column 16 j - 81 to 16 j + 81."""
    trunk = nn.Sequential(*slim()).eval()
    for layer in trunk.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
    side, cell = 384, 12
    pictures = torch.eye(side)[:, None, None, :].expand(side, 3, STRIDE, side)
    with torch.inference_mode():
        seen = (trunk(pictures)[:, 0, 0, cell] > 0).nonzero()[:, 0]
    assert (seen[0].item(), seen[-1].item()) == (STRIDE * cell - 81, STRIDE * cell + 81)


def test_entries_are_called_as_they_are_found() -> None:
    assert list(TRUNKS) == ["slim", "paper", "lite0"]
    assert all(trunk.name == name for name, trunk in TRUNKS.items())
    assert [trunk.for_timing for trunk in TRUNKS.values()] == [False, True, False]


@pytest.mark.parametrize(
    ("name", "second", "width", "crop", "square"),
    [("slim", nn.BatchNorm2d, 256, 256, 256), ("paper", nn.ReLU, 4096, 227, 448)],
)
def test_sizes(name: str, second: type[nn.Module], width: int, crop: int, square: int) -> None:
    entry = TRUNKS[name]
    trunk = entry.build()
    assert isinstance(trunk, Backbone) and type(trunk[1]) is second and trunk.stride == STRIDE
    layers = entry.fully_connected(40)
    assert [type(layer) for layer in layers] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU]
    assert layers(torch.zeros(3, 40)).shape == (3, width) and entry.width == width
    assert (entry.crop_side, entry.square_side) == (crop, square)


def test_depthwise_convolutions_that_learn_are_not_in_bfloat16_under_autocast() -> None:
    layer = SameConvolution(4, 4, 3, groups=4)
    maps = torch.randn(1, 4, 6, 6).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(maps).dtype == torch.float32
        torch.testing.assert_close(layer(maps), layer(maps.float()))
        assert layer.requires_grad_(False)(maps).dtype == torch.bfloat16, "one that is frozen"
        assert SameConvolution(4, 4, 3)(maps).dtype == torch.bfloat16, "one that is not depthwise"


def test_another_short_side_is_another_scale() -> None:
    entry = TRUNKS["lite0"]
    assert entry.scale(300, 400) == pytest.approx(320 / 300)
    assert entry.scale(300, 400, 600) == pytest.approx(2)
    assert entry.scale(100, 400, 640) == pytest.approx(2 * 533 / 400), "the long side grows in proportion"


def test_folding_the_batch_norm_changes_no_output() -> None:
    trunk = slim().eval()
    stir_batch_norm(trunk)
    folded = copy.deepcopy(trunk)
    fold_batch_norm(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        expected = trunk(noise(2, 3, 128, 96))
        assert expected.std() > 0.1
        torch.testing.assert_close(folded(noise(2, 3, 128, 96)), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_detector_folds(name: str) -> None:
    detector = build(name)
    fold_batch_norm(detector)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in detector.modules())


def test_a_folded_head_with_another_activation_says_the_same() -> None:
    head = build("yolo").get_submodule("head")
    stir_batch_norm(head)
    features = torch.randn(1, 128, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = head(features)
        fold_batch_norm(head)
        torch.testing.assert_close(head(features), expected, rtol=1e-4, atol=1e-4)
