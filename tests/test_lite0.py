"""EfficientNet-Lite0: every layer against an independent reading of the published weights, and what is ours on it."""

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS, Lite0, fold_batch_norm
from core.backbones.lite0 import CHANNELS, FRAME, SameConvolution, doubled, framed, same_padding
from core.imagenet import ImageNetClassifier
from core.training.imagenet import published, renamed
from tests.test_backbones import noise, stir_batch_norm

# Kernel, stride and whether what comes in is added, block by block, counted out by hand.
BLOCKS = (
    *((3, 1, False), (3, 2, False), (3, 1, True), (5, 2, False), (5, 1, True), (3, 2, False), (3, 1, True)),
    *((3, 1, True), (5, 1, False), (5, 1, True), (5, 1, True), (5, 2, False), (5, 1, True), (5, 1, True)),
    *((5, 1, True), (3, 1, False)),
)


@pytest.fixture(scope="module")
def weights() -> dict[str, Tensor]:
    return published()


@pytest.fixture(scope="module")
def classifier(weights: dict[str, Tensor]) -> ImageNetClassifier:
    model = ImageNetClassifier()
    model.load_state_dict(renamed(weights, model))
    return model.eval()


def outputs(image: Tensor, weights: dict[str, Tensor]) -> list[Tensor]:
    """What every layer of the published network puts out: the stem, 16 blocks, the head and the logits."""

    def normalised(maps: Tensor, name: str) -> Tensor:
        mean, variance, scale, shift = (
            weights[f"{name}.{part}"][:, None, None] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return (maps - mean) / (variance + 0.001).sqrt() * scale + shift

    def convolved(maps: Tensor, name: str, kernel: int, stride: int, groups: int = 1) -> Tensor:
        for axis in (-2, -1):
            length = maps.shape[axis]
            missing = max(0, ((length + stride - 1) // stride - 1) * stride + kernel - length)
            widths = [missing // 2, missing - missing // 2]
            maps = functional.pad(maps, widths if axis == -1 else [0, 0, *widths])
        return functional.conv2d(maps, weights[f"{name}.weight"], stride=stride, groups=groups)

    maps = ((image.float() - 127) / 128).double()
    found = [normalised(convolved(maps, "_conv_stem", 3, 2), "_bn0").clamp(0, 6)]
    for number, (kernel, stride, adds) in enumerate(BLOCKS):
        before, block = found[-1], f"_blocks.{number}"
        values = before
        if number:
            values = normalised(convolved(values, f"{block}._expand_conv", 1, 1), f"{block}._bn0").clamp(0, 6)
        values = convolved(values, f"{block}._depthwise_conv", kernel, stride, groups=values.shape[1])
        values = normalised(values, f"{block}._bn1").clamp(0, 6)
        values = normalised(convolved(values, f"{block}._project_conv", 1, 1), f"{block}._bn2")
        found.append(before + values if adds else values)
    found.append(normalised(convolved(found[-1], "_conv_head", 1, 1), "_bn1").clamp(0, 6))
    pooled = found[-1].mean((2, 3))
    found.append(pooled @ weights["_fc.weight"].T + weights["_fc.bias"])
    return found


@pytest.mark.parametrize("size", [(75, 50), (64, 96)], ids=["odd sides", "even sides"])
def test_every_layer_puts_out_what_the_published_weights_say(
    size: tuple[int, int], weights: dict[str, Tensor], classifier: ImageNetClassifier
) -> None:
    image = noise(1, 3, *size)
    double = {name: values.double() for name, values in weights.items()}
    found: list[Tensor] = []

    def keep(_module: nn.Module, _given: tuple[Tensor], output: Tensor) -> None:
        found.append(output)

    layers = [*classifier.trunk, classifier.head, classifier.classify]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    with torch.inference_mode():
        classifier(image)
        expected = outputs(image, double)
    for hook in hooks:
        hook.remove()
    assert len(found) == len(expected) == 19
    for number, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        error = (ours - theirs).abs().max() / theirs.abs().max()
        assert ours.shape == theirs.shape and error < 1e-4, f"output {number} is off by {error:.1e}"


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "padding"),
    [
        (224, 3, 2, (0, 1)),
        (225, 3, 2, (1, 1)),
        (112, 5, 2, (1, 2)),
        (113, 5, 2, (2, 2)),
        (7, 3, 1, (1, 1)),
        (8, 5, 1, (2, 2)),
        (8, 1, 1, (0, 0)),
        (1, 3, 2, (1, 1)),
    ],
)
def test_padding_is_tensorflows(length: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    assert same_padding(length, kernel, stride) == padding


def test_a_convolution_has_a_cell_for_every_stride_begun() -> None:
    """Its kernel takes one pixel: which one, its padding says."""
    layer = SameConvolution(1, 1, 3, stride=2)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(3)[1][:, None] * torch.eye(3)[1])
        ramp = torch.arange(12.0).view(1, 1, 2, 6)
        assert layer(ramp).flatten().tolist() == [7, 9, 11], "even: the second of two"
        assert layer(ramp[..., :1, :5]).flatten().tolist() == [0, 2, 4], "odd: the first"


def looking(trunk: Lite0) -> Lite0:
    """Let each convolution take the middle of its kernel alone, so that a cell sees what it is about."""
    for layer in trunk.modules():
        if isinstance(layer, SameConvolution):
            nn.init.zeros_(layer.weight)
            middle = layer.kernel_size[0] // 2
            layer.weight.data[..., middle, middle] = 1 / layer.weight.shape[1]
    return trunk.eval()


@pytest.mark.parametrize("side", [96, 101, 128, 130])
def test_a_cell_looks_at_the_middle_of_its_pixels(side: int) -> None:
    trunk = looking(Lite0())
    image = torch.full((1, 3, 64, side), 128.0, requires_grad=True)  # dark enough for no ReLU6 to end
    middles = torch.arange(side) + 0.5
    for stride, maps in zip((4, 8, 16), trunk.stages(image), strict=True):
        parts = maps.split([CHANNELS[16], CHANNELS[32]], 1) if stride == 16 else [maps]
        for part in parts:
            (seen,) = torch.autograd.grad(part[0, :, 1, 2].sum(), image, retain_graph=True)
            weight = seen.abs().sum((0, 1, 2))
            about = float((weight * middles).sum() / weight.sum())
            assert abs(about - stride * 2.5) <= stride / 2, f"stride {stride}: a cell looks outside itself, at {about}"
            if stride == 16:
                assert about == pytest.approx(16 * 2.5 + 0.5)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 79), (120, 120), (320, 427)])
def test_stages_have_a_cell_for_every_stride_begun(height: int, width: int) -> None:
    trunk = Lite0().eval()
    with torch.inference_mode():
        stages = trunk.stages(noise(2, 3, height, width))
        assert trunk(noise(2, 3, height, width)).equal(stages[-1])
    assert [one.shape[1] for one in stages] == trunk.stage_channels() == [24, 40, trunk.channels]
    for stride, one in zip((4, 8, 16), stages, strict=True):
        assert one.shape[2:] == (-(-height // stride), -(-width // stride))
    assert trunk.stride == 16


def test_a_picture_moved_by_a_cell_gives_a_map_moved_by_a_cell(classifier: ImageNetClassifier) -> None:
    """Far from the edges; what has a stride of 32 pixels needs two cells."""
    wide = noise(1, 3, 96, 1024)
    with torch.inference_mode():
        here, there = (classifier.trunk(wide[..., start : start + 960]) for start in (0, 32))
    torch.testing.assert_close(here[..., 30:34], there[..., 28:32], rtol=1e-3, atol=1e-3)


def test_the_frame_makes_sides_of_whole_cells_and_one() -> None:
    for height in range(1, 40):
        found = framed(torch.ones(1, 1, height, 9))
        assert (
            found.shape[2] % 16 == found.shape[3] % 16 == 1 and FRAME + height <= found.shape[2] < FRAME + height + 16
        )
        assert found[0, 0, FRAME : FRAME + height, FRAME : FRAME + 9].eq(1).all() and found.sum() == height * 9


@pytest.mark.parametrize(("size", "expected"), [(5, [0, 1, 2, 3, 4]), (6, [0, 0, 1, 2, 3, 4])])
def test_enlarging_keeps_each_cell_where_it_looked(size: int, expected: list[float]) -> None:
    coarse = torch.tensor([0.0, 2.0, 4.0]).view(1, 1, 1, 3)
    assert doubled(coarse, torch.Size((1, size))).flatten().tolist() == expected


def test_the_mean_colour_is_0_to_the_network() -> None:
    trunk = Lite0()
    assert (trunk.normalised(torch.full((1, 3, 2, 2), 127)) == 0).all()
    assert trunk.normalised(torch.full((1, 3, 2, 2), 255)).flatten().tolist() == [1.0] * 12


def test_folding_the_batch_norm_changes_no_output() -> None:
    trunk = Lite0().eval()
    stir_batch_norm(trunk)
    folded = copy.deepcopy(trunk)
    fold_batch_norm(folded)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    with torch.inference_mode():
        expected, found = (one(noise(1, 3, 67, 96)) for one in (trunk, folded))
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_batch_normalisation_keeps_its_averages_in_training() -> None:
    trunk = Lite0().train()
    norms = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    assert trunk.training and norms and not any(norm.training for norm in norms)
    trunk(noise(2, 3, 64, 64))
    assert all(norm.running_mean is not None and not norm.running_mean.any() for norm in norms)


def test_what_is_frozen_ends_before_the_last_stride() -> None:
    trunk = TRUNKS["lite0"].build()
    names = [name for name, _layer in trunk.named_children()]
    assert names == ["stem", *(f"block{number}" for number in range(16))]
    assert list(trunk.frozen) == names[: names.index("block11")] and trunk.shared
    layers = [trunk.get_submodule(f"{name}.layers.3") for name in ("block10", "block11")]
    assert [layer.stride for layer in layers if isinstance(layer, SameConvolution)] == [(1, 1), (2, 2)]
    assert not TRUNKS["slim"].build().frozen and not TRUNKS["slim"].build().shared


def test_it_is_the_published_size() -> None:
    assert sum(values.numel() for values in Lite0().parameters()) == 2_958_848
    assert sum(values.numel() for values in ImageNetClassifier().parameters()) == pytest.approx(4.65e6, rel=0.01)
