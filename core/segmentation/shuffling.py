"""What a layer knows of where things stand: shuffle the places of what it is given, and see whether it minds."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.segmentation.patch_cnn import PatchCNN


def shuffled_connected(model: PatchCNN, features: Tensor, order: Tensor, weights: bool) -> Tensor:
    """Score maps (N, C, 5, 5) of patches, flattened, with their numbers in another ``order`` (25 C,): (N, K + 1).

    Where the ``weights`` of the first fully connected layer are put into the same order, its sums have the same
    terms: a flattened map's places have no meaning that training could not give any other order.
    """
    first, *others = model.layers
    assert isinstance(first, nn.Linear)
    kernel = first.weight[:, order] if weights else first.weight
    hidden = functional.linear(features.flatten(1)[:, order], kernel, first.bias)
    return model.score(nn.Sequential(*others)(hidden))


def shuffled_convolution(layer: nn.Conv2d, maps: Tensor, order: Tensor) -> Tensor:
    """Convolve ``maps`` (C, h, w) with their cells in another ``order`` (h w,), and put the results back: (D, h, w).

    The map is padded by half the kernel. The result differs from that of ``maps`` as they are, whatever the weights,
    unless the kernel is 1 x 1: a convolution counts on neighbours.
    """
    shuffled = maps.flatten(1)[:, order].view_as(maps)
    half = layer.weight.shape[-1] // 2
    results = functional.conv2d(shuffled[None], layer.weight, layer.bias, padding=half, groups=layer.groups)[0]
    return results.flatten(1)[:, order.argsort()].view_as(results)


def random_order(length: int, seed: int) -> Tensor:
    """Return the numbers below ``length`` in the order that ``seed`` gives: (length,) int64."""
    return torch.randperm(length, generator=torch.Generator().manual_seed(seed))
