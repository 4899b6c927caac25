"""Small grids of YOLO and the objects that fall into them."""

import torch
from torch import Tensor

from core.detectors.yolo import Grid, lay_into_grid, loss_parts

SIDE, PIXELS, CLASSES = 4, 64, 3
PREDICTIONS = ("xy", "root_wh", "confidence", "classes")

TARGETS = [
    {
        # The second's centre lies in the cell of the first, (1, 1); the third's in the last cell, on its far corner.
        "boxes": torch.tensor([[10.0, 14, 40, 40], [18, 20, 26, 28], [63, 62, 64, 64], [0, 40, 16, 60]]),
        "labels": torch.tensor([2, 3, 1, 3]),
    },
    {"boxes": torch.tensor([[32.0, 0, 48, 10]]), "labels": torch.tensor([1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def random_grid(images: int = 3, seed: int = 0) -> Grid:
    rng = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return torch.rand(images, SIDE, SIDE, *shape, generator=rng, dtype=torch.float64)

    return Grid(some(2, 2), some(2, 2) * 0.8, some(2) * 1.2 - 0.1, some(CLASSES) * 1.4 - 0.2)


def empty_grid(images: int = 1, side: int = SIDE) -> Grid:
    cells = images, side, side
    return Grid(
        torch.zeros(*cells, 2, 2), torch.zeros(*cells, 2, 2), torch.zeros(*cells, 2), torch.zeros(*cells, CLASSES)
    )


def parts_of(grid: Grid, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return loss_parts(grid, lay_into_grid(targets, grid.xy.shape[1], PIXELS))
