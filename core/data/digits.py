"""Handwritten digits that need no download: scikit-learn's copy of the UCI set, 8 x 8 pixels."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

CLASSES = 10


def digits(count: int) -> tuple[Tensor, Tensor]:
    """Return the first ``count`` digits: images (N, 1, 8, 8) float32 from 0 to 1, labels (N,) 0 to 9."""
    data = load_digits()
    images = torch.from_numpy(data.images[:count]).float()[:, None] / 16
    return images, torch.from_numpy(data.target[:count]).long()
