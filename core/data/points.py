"""Points in the plane in two classes that no straight line divides: moons, circles, spirals."""

import numpy as np
import torch
from torch import Tensor

SHAPES = ("moons", "circles", "spirals")
TURNS = 1.5  # of each spiral about the centre


def labelled_points(shape: str, count: int, noise: float, seed: int) -> tuple[Tensor, Tensor]:
    """Draw ``count`` points of a ``shape``: points (N, 2) float32 about within -1.5 to 1.5, labels (N,) 0 or 1.

    ``noise`` is the standard deviation of what is added to each coordinate. The moons and circles are scikit-learn's.
    """
    from sklearn.datasets import make_circles, make_moons  # a second, which whoever wants no points need not wait

    if shape == "moons":
        points, labels = make_moons(count, noise=noise, random_state=seed)
        points = points - (0.5, 0.25)  # their middle
    elif shape == "circles":
        points, labels = make_circles(count, noise=noise, factor=0.45, random_state=seed)
    else:
        points, labels = _spirals(count, noise, np.random.default_rng(seed))
    return torch.from_numpy(points).float(), torch.from_numpy(labels).long()


def _spirals(count: int, noise: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(count) % 2
    along = np.sqrt(random.uniform(0.02, 1, count))  # as dense everywhere along the arm
    angle = 2 * np.pi * TURNS * along + np.pi * labels
    points = 1.2 * along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points + random.normal(0, noise, points.shape), labels
