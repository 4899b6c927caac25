"""The slice is a real network's loss: trained at its middle, and filter-normalised on both axes."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.autograd import loss_slice as slices
from core.autograd.descent import Settings, Surface, descend
from core.autograd.loss_slice import filter_normalised, loss_slice
from core.data.points import labelled_points


@pytest.fixture(scope="module")
def surface() -> Surface:
    return loss_slice()


def test_the_middle_is_a_minimum_of_a_network_that_can_tell_the_moons_apart(surface: Surface) -> None:
    middle = torch.zeros(2, dtype=torch.float64)
    _loss, gradient = surface.slope(middle[None])
    assert gradient.abs().max() < 1e-4
    curvature = torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, middle))
    assert curvature.min() > 0.01
    assert surface.lowest() < 0.2 < 0.69 < float(surface(torch.tensor([1.2, 1.2]).double())), "worse than a guess there"
    grid = torch.cartesian_prod(*(torch.linspace(-1.5, 1.5, 61, dtype=torch.float64),) * 2)
    assert surface(grid).min() >= surface.lowest() - 1e-9


def test_the_losses_are_those_of_a_network_of_pytorch(surface: Surface) -> None:
    generator = torch.Generator().manual_seed(slices.SEED)
    points, labels = labelled_points("moons", slices.POINTS, slices.NOISE, slices.SEED)
    weights, biases = slices._train(points.double(), labels, generator)
    layers = [nn.Linear(w.shape[1], w.shape[0], dtype=torch.float64) for w in weights]
    for layer, weight, bias in zip(layers, weights, biases, strict=True):
        layer.weight.data, layer.bias.data = weight, bias
    network = nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
    logits = network(points.double())[:, 0]
    loss = functional.binary_cross_entropy_with_logits(logits, labels.double())
    penalty = slices.PENALTY * sum(weight.square().sum() for weight in weights)
    assert surface.lowest() == pytest.approx((loss + penalty).item(), rel=1e-9)


def test_any_shape_of_points_is_answered_in_that_shape(surface: Surface) -> None:
    a = torch.linspace(-1, 1, 6, dtype=torch.float64).reshape(2, 3)
    losses = surface.function(a, -a)
    assert losses.shape == (2, 3)
    torch.testing.assert_close(losses[1, 2], surface.function(a[1, 2], -a[1, 2]))


def test_rows_of_a_direction_are_as_long_as_the_weights(surface: Surface) -> None:
    weight, direction = torch.randn(5, 3), torch.randn(5, 3)
    scaled = filter_normalised(direction, weight)
    torch.testing.assert_close(scaled.norm(dim=1), weight.norm(dim=1))
    torch.testing.assert_close(functional.cosine_similarity(scaled, direction, dim=1), torch.ones(5))


def test_gradient_descent_comes_down(surface: Surface) -> None:
    path = descend(surface, "adam", (0.3, 0.2), 100, Settings(0.05))
    assert path.losses[-1] < surface.lowest() + 0.01 < path.losses[0]
