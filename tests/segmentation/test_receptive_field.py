"""Receptive fields: against the pixels that a cell's gradient reaches."""

import pytest
import torch
from torch import Tensor, nn

from core.backbones import slim
from core.segmentation.receptive_field import ReceptiveField, receptive_fields

# AlexNet's trunk as Krizhevsky et al. lay it out, with every layer padded by half its kernel, as slim() is.
EXPECTED = [
    ("conv1", 32, 11, 4, -5),
    ("pool1", 32, 19, 8, -9),
    ("conv2", 96, 51, 8, -25),
    ("pool2", 96, 67, 16, -33),
    ("conv3", 192, 99, 16, -49),
    ("conv4", 128, 131, 16, -65),
    ("conv5", 128, 163, 16, -81),
]
SIDE = 320


def linear(layers: nn.Sequential) -> nn.Sequential:
    """Make every cell of ``layers`` depend on all that it can see: positive weights, and means instead of maxima."""
    kept = []
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
        elif isinstance(layer, nn.MaxPool2d):
            layer = nn.AvgPool2d(layer.kernel_size, layer.stride, layer.padding)
        kept.append(layer)
    return nn.Sequential(*kept).double().eval()


def reached(layers: nn.Sequential, side: int, row: int, column: int) -> tuple[int, int, int, int]:
    """Return the edges of the pixels whose gradient from one cell is not zero, and make sure that they are a box."""
    pixels = torch.ones(1, 3, side, side, dtype=torch.float64, requires_grad=True)
    out: Tensor = layers(pixels)
    (gradient,) = torch.autograd.grad(out[0, :, row, column].sum(), pixels)
    ys, xs = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    box = int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1
    assert len(xs) == (box[2] - box[0]) * (box[3] - box[1]), "it has holes"
    return box


def inside(window: tuple[int, int, int, int], side: int) -> tuple[int, ...]:
    return tuple(min(max(edge, 0), side) for edge in window)


def test_the_trunks_fields_are_those_of_its_layout() -> None:
    assert receptive_fields(slim()) == [ReceptiveField(*one) for one in EXPECTED]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(EXPECTED)))
def test_a_cell_of_the_trunk_sees_the_pixels_that_its_gradient_reaches(index: int) -> None:
    trunk = slim()
    ends = [i for i, layer in enumerate(trunk) if isinstance(layer, nn.Conv2d | nn.MaxPool2d)]
    field = receptive_fields(trunk)[index]
    layers = linear(nn.Sequential(*list(trunk)[: ends[index] + 1]))
    last = -(-SIDE // field.stride) - 1
    for row, column in ((last // 2, last // 2), (0, last), (last, 1)):
        assert reached(layers, SIDE, row, column) == inside(field.window(row, column), SIDE)


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 5, 5), nn.Conv2d(5, 7, 1)],
        [nn.Conv2d(3, 4, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, padding=2, dilation=2), nn.AvgPool2d(3, 2, 1)],
    ],
)
def test_other_layers_follow_the_same_recurrence(layers: list[nn.Module]) -> None:
    *_before, field = receptive_fields(layers)
    for row, column in ((0, 0), (2, 4), (5, 5)):
        assert reached(linear(nn.Sequential(*layers)), 64, row, column) == inside(field.window(row, column), 64)


def test_the_window_of_a_cell_at_the_edge_leaves_the_image() -> None:
    field = receptive_fields(slim())[-1]
    assert field.window(0, 2) == (-49, -81, 114, 82)


@pytest.mark.parametrize("layer", [nn.ConvTranspose2d(3, 3, 4, 2), nn.Conv2d(3, 3, (3, 5)), nn.Conv2d(3, 3, 3, (1, 2))])
def test_what_it_cannot_say_is_an_error(layer: nn.Module) -> None:
    with pytest.raises(ValueError, match=r"do not all see|both directions"):
        receptive_fields([layer])


def test_a_padding_by_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="both directions"):
        receptive_fields([nn.Conv2d(3, 3, 3, padding="same")])
