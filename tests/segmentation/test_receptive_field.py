"""Receptive fields: against the pixels that a cell's gradient reaches."""

import pytest
import torch
from torch import Tensor, nn

from core.backbones import Lite0, slim
from core.backbones.lite0 import CHANNELS
from core.segmentation.receptive_field import ReceptiveField, receptive_fields, trunk_fields

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


class Linear(Lite0):
    """Lite0 without anything between its convolutions, each of which takes the mean of what it sees."""

    def __init__(self) -> None:
        super().__init__()
        for module in list(self.modules()):
            if isinstance(module, nn.Conv2d):
                nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            for name, inner in module.named_children():
                if isinstance(inner, nn.BatchNorm2d | nn.ReLU6):
                    setattr(module, name, nn.Identity())
        self.double()


def seen(maps: Tensor, pixels: Tensor, row: int, column: int) -> tuple[int, int, int, int]:
    """Return the edges of the pixels that a cell of ``maps`` depends on."""
    (gradient,) = torch.autograd.grad(maps[0, :, row, column].sum(), pixels, retain_graph=True)
    ys, xs = gradient[0].abs().sum(0).nonzero(as_tuple=True)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def test_a_cell_of_lite0_sees_the_pixels_that_its_gradient_reaches() -> None:
    trunk = Linear()
    fields = {field.name: field for field in trunk_fields(trunk)}
    assert list(fields) == ["stem", *(f"block{number}" for number in range(11)), "map"]
    pixels = torch.full((1, 3, SIDE, SIDE), 130.0, dtype=torch.float64, requires_grad=True)
    quarter, eighth, whole = trunk.stages(pixels)
    for maps, name in ((quarter, "block2"), (eighth, "block4"), (whole[:, : CHANNELS[16]], "block10")):
        field = fields[name]
        assert maps.shape[-1] == -(-SIDE // field.stride) and field.channels == maps.shape[1]
        for row, column in ((maps.shape[2] // 2, maps.shape[3] // 2), (0, maps.shape[3] - 1)):
            assert seen(maps, pixels, row, column) == inside(field.window(row, column), SIDE)


@pytest.mark.parametrize("side", [1600, 1610])
def test_a_cell_of_lite0s_map_sees_at_most_what_two_coarse_ones_do(side: int) -> None:
    trunk = Linear()
    field = trunk_fields(trunk)[-1]
    pixels = torch.full((1, 3, side, 48), 130.0, dtype=torch.float64, requires_grad=True)
    whole = trunk(pixels)
    assert field.channels == whole.shape[1]
    one, other = sorted((seen(whole, pixels, row, 0)[1::2], field.window(row, 0)[1::2]) for row in (50, 51))
    exact, within = (one, other) if one[0] == one[1] else (other, one)
    assert exact[0] == exact[1], "between two coarse cells it sees both"
    assert within[1][0] + 16 == within[0][0] and within[1][1] - 16 == within[0][1]


def test_a_cell_of_the_unpadded_lite0_sees_147_pixels() -> None:
    trunk = Linear()
    trunk.unpad()
    field = trunk_fields(trunk)[-1]
    assert (field.name, field.size, field.stride, field.start) == ("block7", 147, 16, 0)
    pixels = torch.full((1, 3, 227, 240), 130.0, dtype=torch.float64, requires_grad=True)
    assert seen(trunk(pixels), pixels, 2, 4) == field.window(2, 4)


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
