"""Anchors: the reference boxes of a region proposal network (Ren et al. 2015, section 3.1.1)."""

import torch
from torch import Tensor

RATIOS = (0.5, 1.0, 2.0)  # height to width


def anchor_shapes(scales: tuple[int, ...], ratios: tuple[float, ...] = RATIOS) -> Tensor:
    """Return the anchors about the origin, for each ratio all ``scales`` (square roots of areas, pixels): (A, 4)."""
    scale = torch.tensor(scales, dtype=torch.float32)[None]
    root = torch.tensor(ratios, dtype=torch.float32)[:, None].sqrt()
    half = torch.stack([scale / root, scale * root], -1).flatten(0, 1) / 2
    return torch.cat([-half, half], 1)


def anchors_on(shapes: Tensor, height: int, width: int, stride: int) -> Tensor:
    """Centre ``shapes`` (A, 4) on every cell of a map of ``height`` x ``width``: (H * W * A, 4), cell by cell.

    Cell (i, j) is centred on input pixel (stride (i + 1/2), stride (j + 1/2)).
    """
    rows, columns = (stride * (torch.arange(length, device=shapes.device) + 0.5) for length in (height, width))
    ys, xs = torch.meshgrid(rows, columns, indexing="ij")
    centres = torch.stack([xs, ys, xs, ys], -1).view(-1, 1, 4)
    return (centres + shapes).flatten(0, 1)
