"""Every way to enlarge against PyTorch's own, in values and in gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models import MODELS
from core.segmentation.study import UPSAMPLERS
from core.segmentation.upsampling import (
    BedOfNails,
    Bicubic,
    Bilinear,
    FixedDeconvolution,
    LearnedDeconvolution,
    MaxUnpool,
    Nearest,
    PixelShuffle,
    ResizeConvolution,
    UnevenDeconvolution,
    Upsampler,
    bed_of_nails,
    bicubic,
    bilinear,
    bilinear_kernel,
    max_unpool,
    nearest,
    pixel_shuffle,
    transposed_convolution,
)

CHANNELS = 3
KINDS: dict[str, type[Upsampler]] = {
    "nearest": Nearest,
    "bilinear": Bilinear,
    "bicubic": Bicubic,
    "bed_of_nails": BedOfNails,
    "max_unpool": MaxUnpool,
    "deconvolution_fixed": FixedDeconvolution,
    "deconvolution": LearnedDeconvolution,
    "deconvolution_uneven": UnevenDeconvolution,
    "pixel_shuffle": PixelShuffle,
    "resize_convolution": ResizeConvolution,
}


def made(name: str, channels: int = CHANNELS) -> Upsampler:
    """The way of upsampling called ``name``, as its entry makes it."""
    upsampler: Upsampler = MODELS[name].make(channels)
    return upsampler


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()


def gradients(output: Tensor, *inputs: Tensor) -> list[Tensor]:
    """The gradients of a weighted sum, so that each output cell counts differently."""
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((output * weights).sum(), inputs))


def assert_same(ours: Tensor, twin: Tensor, *inputs: Tensor) -> None:
    torch.testing.assert_close(ours, twin)
    torch.testing.assert_close(gradients(ours, *inputs), gradients(twin, *inputs))


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize(("enlarge", "mode"), [(nearest, "nearest"), (bilinear, "bilinear"), (bicubic, "bicubic")])
@pytest.mark.parametrize("size", [(4, 7), (1, 2)])
def test_interpolation_equals_interpolate(enlarge, mode: str, factor: int, size: tuple[int, int]) -> None:
    maps = random(2, CHANNELS, *size)
    twin = functional.interpolate(maps, scale_factor=factor, mode=mode)
    torch.testing.assert_close(enlarge(maps, factor), twin, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(gradients(enlarge(maps, factor), maps), gradients(twin, maps), atol=1e-5, rtol=1e-5)


def test_nails_stand_in_the_first_corner_of_each_window() -> None:
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    expected = torch.tensor([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(bed_of_nails(maps, 2)[0, 0], expected.float())


def test_nails_are_a_transposed_convolution_by_a_single_one() -> None:
    maps = random(2, CHANNELS, 4, 5)
    nail = torch.zeros(CHANNELS, 1, 3, 3, dtype=maps.dtype)
    nail[:, :, 0, 0] = 1
    assert_same(bed_of_nails(maps, 3), functional.conv_transpose2d(maps, nail, stride=3, groups=CHANNELS), maps)


@pytest.mark.parametrize("factor", [2, 3])
def test_unpooling_equals_max_unpool2d(factor: int) -> None:
    large = random(2, CHANNELS, 4 * factor, 5 * factor)
    _pooled, indices = functional.max_pool2d(large, factor, return_indices=True)
    maps = random(2, CHANNELS, 4, 5)
    assert_same(max_unpool(maps, indices, factor), functional.max_unpool2d(maps, indices, [factor, factor]), maps)


def test_unpooling_takes_the_indices_of_one_channel_for_all() -> None:
    guide = random(2, 1, 8, 6)
    maps = random(2, CHANNELS, 4, 3)
    _pooled, indices = functional.max_pool2d(guide, 2, return_indices=True)
    unpooled = max_unpool(maps, indices, 2)
    twin = functional.max_unpool2d(maps, indices.repeat(1, CHANNELS, 1, 1), [2, 2])
    torch.testing.assert_close(unpooled, twin)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 7])
@pytest.mark.parametrize("stride", [1, 2, 3, 4])
@pytest.mark.parametrize("padding", [0, 1])
def test_transposed_convolution_equals_conv_transpose2d(side: int, stride: int, padding: int) -> None:
    for output_padding in range(stride):
        maps, kernel = random(2, CHANNELS, 4, 5), random(CHANNELS, 2, side, side)
        ours = transposed_convolution(maps, kernel, stride, padding, output_padding)
        twin = functional.conv_transpose2d(maps, kernel, None, stride, padding, output_padding)
        assert_same(ours, twin, maps, kernel)


@pytest.mark.parametrize("factor", [2, 3])
def test_shuffling_equals_pixel_shuffle(factor: int) -> None:
    maps = random(2, CHANNELS * factor**2, 4, 5)
    assert_same(pixel_shuffle(maps, factor), functional.pixel_shuffle(maps, factor), maps)


def test_bilinear_kernel_of_four_by_hand() -> None:
    line = torch.tensor([0.25, 0.75, 0.75, 0.25])
    torch.testing.assert_close(bilinear_kernel(4), line[:, None] * line)
    odd = torch.tensor([0.5, 1.0, 0.5])
    torch.testing.assert_close(bilinear_kernel(3), odd[:, None] * odd)


@pytest.mark.parametrize("stride", [2, 4, 16, 32])
def test_bilinear_kernel_interpolates_but_for_the_edge(stride: int) -> None:
    maps = random(1, 1, 5, 6).float()
    kernel = bilinear_kernel(2 * stride)[None, None]
    ours = functional.conv_transpose2d(maps, kernel, stride=stride, padding=stride // 2)
    twin = functional.interpolate(maps, scale_factor=stride, mode="bilinear")
    inside = (..., slice(stride // 2, -(stride // 2)), slice(stride // 2, -(stride // 2)))
    torch.testing.assert_close(ours[inside], twin[inside])


TWINS = {
    "nearest": lambda module, maps, indices: nearest(maps, 2),
    "bilinear": lambda module, maps, indices: bilinear(maps, 2),
    "bicubic": lambda module, maps, indices: bicubic(maps, 2),
    "bed_of_nails": lambda module, maps, indices: module.fill(bed_of_nails(maps, 2)),
    "max_unpool": lambda module, maps, indices: module.fill(max_unpool(maps, indices, 2)),
    "deconvolution_fixed": lambda module, maps, indices: transposed_convolution(
        maps, torch.eye(CHANNELS)[:, :, None, None] * bilinear_kernel(4), 2, 1
    ),
    "deconvolution": lambda module, maps, indices: transposed_convolution(maps, module.stamp.weight, 2, 1),
    "deconvolution_uneven": lambda module, maps, indices: transposed_convolution(maps, module.stamp.weight, 2, 1, 1),
    "pixel_shuffle": lambda module, maps, indices: pixel_shuffle(module.spread(maps), 2),
    "resize_convolution": lambda module, maps, indices: module.smooth(nearest(maps, 2)),
}


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_module_equals_the_readable_function(name: str) -> None:
    torch.manual_seed(0)
    module = made(name)
    maps, indices = functional.max_pool2d(torch.randn(2, CHANNELS, 8, 10), 2, return_indices=True)
    maps.requires_grad_()
    doubled = module(maps, indices)
    assert doubled.shape == (2, CHANNELS, 8, 10)
    twin = TWINS[name](module, maps, indices)
    torch.testing.assert_close(doubled, twin)
    inputs = [maps, *module.parameters()]
    torch.testing.assert_close(gradients(doubled, *inputs), gradients(twin, *inputs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_enlarging_is_linear(name: str) -> None:
    module = made(name)
    one, other = torch.randn(2, 1, CHANNELS, 4, 4)
    indices = functional.max_pool2d(torch.randn(1, 1, 8, 8), 2, return_indices=True)[1]
    torch.testing.assert_close(
        module(one + 2 * other, indices), module(one, indices) + 2 * module(other, indices), atol=1e-5, rtol=1e-5
    )


def test_learned_deconvolution_starts_as_the_fixed_one() -> None:
    maps = torch.randn(1, CHANNELS, 5, 4)
    fixed, learned = (made(name)(maps, maps) for name in ("deconvolution_fixed", "deconvolution"))
    torch.testing.assert_close(fixed, learned)


@pytest.mark.parametrize("name", UPSAMPLERS)
def test_every_way_begins_by_keeping_the_scores(name: str) -> None:
    """Away from the border a constant stays what it is, each channel its own; unpooling keeps its mean."""
    values = torch.tensor([1.0, -2.0, 3.0])[None, :, None, None]
    indices = functional.max_pool2d(torch.rand(1, 1, 48, 48), 2, return_indices=True)[1]
    doubled = made(name)(values.expand(1, -1, 24, 24), indices)[..., 4:-4, 4:-4]
    tolerance = 0.1 if name == "max_unpool" else 1e-5
    torch.testing.assert_close(doubled.mean((2, 3)), values[..., 0, 0], atol=tolerance, rtol=tolerance)
    assert name == "max_unpool" or doubled.std((2, 3)).max() < 1e-5


def test_trained_numbers_are_the_kernels() -> None:
    counted = {name: made(name, 7).trained_numbers() for name in UPSAMPLERS}
    assert counted == {
        "nearest": 0,
        "bilinear": 0,
        "bicubic": 0,
        "bed_of_nails": 9 * 49,
        "max_unpool": 9 * 49,
        "deconvolution_fixed": 0,
        "deconvolution": 16 * 49,
        "deconvolution_uneven": 9 * 49,
        "pixel_shuffle": 9 * 49 * 4,
        "resize_convolution": 9 * 49,
    }


def test_nothing_that_is_not_trained_is_saved() -> None:
    assert not FixedDeconvolution(7).state_dict()


@pytest.mark.parametrize("upsampler", [BedOfNails, MaxUnpool, ResizeConvolution])
def test_multiply_adds_of_a_convolution_behind_the_enlarging(upsampler: type[BedOfNails]) -> None:
    """Each of the 4 x h x w new cells takes 9 cells of C channels for each of its C."""
    assert upsampler(7).multiply_adds(5, 6) == (10 * 12) * 9 * 7 * 7


def test_multiply_adds_before_the_enlarging() -> None:
    assert PixelShuffle(7).multiply_adds(5, 6) == (5 * 6) * 9 * 7 * 28
    assert made("deconvolution", 7).multiply_adds(5, 6) == (5 * 6) * 16 * 7 * 7
    assert made("deconvolution_uneven", 7).multiply_adds(5, 6) == (5 * 6) * 9 * 7 * 7


def test_multiply_adds_of_interpolation() -> None:
    costs = {name: made(name, 7).multiply_adds(5, 6) for name in ("nearest", "bilinear", "deconvolution_fixed")}
    assert costs == {"nearest": 0, "bilinear": (10 * 12) * 4 * 7, "deconvolution_fixed": (5 * 6) * 16 * 7}
    assert made("bicubic", 7).multiply_adds(5, 6) == (10 * 12) * 16 * 7


def test_entries_make_modules_of_their_own_class() -> None:
    assert {name: type(made(name)) for name in UPSAMPLERS} == KINDS and tuple(KINDS) == UPSAMPLERS
    assert all(issubclass(upsampler, nn.Module) for upsampler in KINDS.values())
