"""The last layer alone, fitted at once to features that a frozen trunk has computed: softmax regression."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PENALTY = 0.1  # on the squares of the weights, over the number of pictures
MOST_STEPS = 60


@dataclass(frozen=True)
class LastLayer:
    """A linear layer behind directions of features: ``weight`` (K, C) and ``bias`` (K,)."""

    weight: Tensor
    bias: Tensor

    def probabilities(self, features: Tensor) -> Tensor:
        """Return how probable each class is for each of ``features`` (N, C): (N, K), rows that add up to 1."""
        return self.logits(directions(features)).softmax(1)

    def logits(self, inputs: Tensor) -> Tensor:
        """Return the logits (N, K) for directions (N, C)."""
        return functional.linear(inputs, self.weight, self.bias)


def directions(features: Tensor) -> Tensor:
    """Return ``features`` (N, C) at the length of 1: how strong an answer is depends on the light, what it is does not.

    Compare Wang et al. 2019, SimpleShot.
    """
    return functional.normalize(features)


def fit(features: Tensor, labels: Tensor, classes: int, penalty: float = PENALTY) -> LastLayer:
    """Return the layer with the least cross-entropy of ``features`` (N, C) against ``labels`` (N,) and a penalty.

    The sum has one minimum, which L-BFGS finds in some dozens of steps from zero: nothing is random.
    """
    inputs = directions(features)
    layer = LastLayer(torch.zeros(classes, inputs.shape[1]), torch.zeros(classes))
    learning = [layer.weight.requires_grad_(), layer.bias.requires_grad_()]
    optimizer = torch.optim.LBFGS(learning, max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        squares = layer.weight.square().sum() / (2 * len(inputs))
        total = functional.cross_entropy(layer.logits(inputs), labels) + penalty * squares
        total.backward()
        return total

    with torch.enable_grad():
        optimizer.step(loss)
    return LastLayer(layer.weight.detach(), layer.bias.detach())
