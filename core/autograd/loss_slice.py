"""A slice through a real network's loss: two random directions from the trained weights (Li et al. 2018)."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from core.autograd.descent import Surface
from core.data.points import labelled_points

LAYERS = (2, 8, 8, 1)  # two coordinates in, one logit out, tanh between
POINTS = 48
NOISE = 0.25
PENALTY = 1e-3  # on the sum of squared weights; with it the loss has a minimum at finite weights
SEED = 9
ITERATIONS = 500

Weights = list[Tensor]  # (out, in), or (P, out, in) of P networks, of each layer


@lru_cache(maxsize=1)
def loss_slice() -> Surface:
    """Train a small classifier of two moons and return its loss on a plane through its weights.

    At (a, b) the weights are w* + a d + b e: (0, 0) is the trained network, d and e are random directions. The biases
    stay as they are, as in the authors' plots. float64; the same each time.
    """
    generator = torch.Generator().manual_seed(SEED)
    points, labels = labelled_points("moons", POINTS, NOISE, SEED)
    weights, biases = _train(points.double(), labels, generator)
    across, down = ([filter_normalised(_random(w.shape, generator), w) for w in weights] for _axis in range(2))

    def function(a: Tensor, b: Tensor) -> Tensor:
        a_flat, b_flat = a.reshape(-1, 1, 1), b.reshape(-1, 1, 1)
        moved = [w + a_flat * d + b_flat * e for w, d, e in zip(weights, across, down, strict=True)]
        return _losses(moved, biases, points.double(), labels).reshape(a.shape)

    return Surface(function, (-1.5, 1.5), (-1.5, 1.5), (1.2, 1.2), ((0, 0),))


def filter_normalised(direction: Tensor, weight: Tensor) -> Tensor:
    """Scale each row of ``direction`` (out, in) to the length of that row of ``weight`` (Li et al. 2018, section 4).

    A network of ReLUs or with batch norm computes the same when a filter is scaled and its successor scaled back; so
    normalised, a direction means as much whatever the scale of the weights.
    """
    return direction * (weight.norm(dim=1, keepdim=True) / direction.norm(dim=1, keepdim=True))


def _random(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def _losses(weights: Weights, biases: Weights, points: Tensor, labels: Tensor) -> Tensor:
    """Return the losses (P,) of P networks on ``points`` (N, 2): their mean cross-entropy and the penalty."""
    values = points.expand(len(weights[0]), -1, -1)
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        values = torch.baddbmm(bias, values.tanh() if number else values, weight.mT)
    signs = 2 * labels - 1
    entropy = functional.softplus(-signs * values[..., 0]).mean(1)
    return entropy + PENALTY * sum(weight.square().sum((1, 2)) for weight in weights)


def _train(points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Weights, Weights]:
    """Return weights and biases at a minimum of the loss: L-BFGS goes all the way down."""
    shapes = list(zip(LAYERS[1:], LAYERS[:-1], strict=True))
    weights = [(_random(shape, generator) / shape[1] ** 0.5).requires_grad_() for shape in shapes]
    biases = [torch.zeros(shape[0], dtype=torch.float64, requires_grad=True) for shape in shapes]
    optimizer = torch.optim.LBFGS(
        [*weights, *biases], max_iter=ITERATIONS, history_size=50, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _losses([weight[None] for weight in weights], biases, points, labels).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return [weight.detach() for weight in weights], [bias.detach() for bias in biases]
