"""A slice through a real network's loss: two random directions from the trained weights (Li et al. 2018)."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from core.autograd.descent import Surface
from core.data.points import labelled_points

SHAPES = ((8, 2), (8, 8), (1, 8))  # of the weights: two coordinates in, one logit out, tanh between
POINTS = 48
NOISE = 0.25
PENALTY = 1e-3  # on the sum of squared weights; with it the loss has a minimum at finite weights
SEED = 9
ITERATIONS = 500

Weights = list[Tensor]  # (out, in) of each layer


@lru_cache(maxsize=1)
def loss_slice() -> Surface:
    """Train a small classifier of two moons and return its loss on a plane through its weights.

    At (a, b) the weights are w* + a d + b e: (0, 0) is the trained network, d and e are random directions. The biases
    stay as they are, as in the authors' plots. float64; the same each time.
    """
    generator = torch.Generator().manual_seed(SEED)
    points, labels = labelled_points("moons", POINTS, NOISE, SEED)
    weights, biases = _train(points.double(), labels, generator)
    directions = torch.stack(
        [_flat([filter_normalised(_random(w.shape, generator), w) for w in weights]) for _axis in range(2)]
    )

    def function(a: Tensor, b: Tensor) -> Tensor:
        places = torch.stack([a.flatten(), b.flatten()], 1)
        moved = torch.addmm(_flat(weights), places, directions)
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


def _flat(weights: Weights) -> Tensor:
    return torch.cat([weight.flatten() for weight in weights])


def _losses(flat: Tensor, biases: Weights, points: Tensor, labels: Tensor) -> Tensor:
    """Return the losses (P,) on ``points`` (N, 2) of P networks with the weights ``flat`` (P, W).

    Their mean cross-entropy and the penalty.
    """
    values = points.expand(len(flat), -1, -1)
    parts = flat.split([n_out * n_in for n_out, n_in in SHAPES], 1)
    for number, (part, shape, bias) in enumerate(zip(parts, SHAPES, biases, strict=True)):
        values = torch.baddbmm(bias, values.tanh() if number else values, part.unflatten(1, shape).mT)
    signs = 2 * labels - 1
    return functional.softplus(-signs * values[..., 0]).mean(1) + PENALTY * flat.square().sum(1)


def _train(points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Weights, Weights]:
    """Return weights and biases at a minimum of the loss: L-BFGS goes all the way down."""
    weights = [(_random(shape, generator) / shape[1] ** 0.5).requires_grad_() for shape in SHAPES]
    biases = [torch.zeros(shape[0], dtype=torch.float64, requires_grad=True) for shape in SHAPES]
    optimizer = torch.optim.LBFGS(
        [*weights, *biases], max_iter=ITERATIONS, history_size=50, tolerance_change=1e-14, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = _losses(_flat(weights)[None], biases, points, labels).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return [weight.detach() for weight in weights], [bias.detach() for bias in biases]
