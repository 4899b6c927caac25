"""Images as large as segmenters see them, and what these made of them at the images' own size.

Scenes are seen at their own scale. Photos, which come in all sizes, are brought to that of those that were learnt from.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from core.backbones import Trunk
from core.values import Instances, LabelMap, Value


def fitted(image: Tensor, trunk: Trunk) -> Tensor:
    """Return ``image`` (3, H, W) uint8 as large as segmenters on ``trunk`` see it."""
    height, width = image.shape[1:]
    scale = trunk.segmented_scale(height, width)
    if scale == 1:
        return image
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return functional.interpolate(image[None], size, mode="bilinear", antialias=True)[0]


def fitted_truth(truth: Mapping[str, Tensor], height: int, width: int) -> dict[str, Tensor]:
    """Return a ``truth`` with masks in pixels of its image scaled to ``height`` x ``width``."""
    before = truth["masks"].shape[1:]
    maps = {name: nearest(truth[name], height, width) for name in ("masks", "void", "pixel_labels") if name in truth}
    scale = torch.tensor([width / before[1], height / before[0]] * 2)
    return {**truth, **maps, "boxes": truth["boxes"] * scale}


def at_size(made: Value, height: int, width: int) -> Value:
    """Return the labels or instances that were ``made`` of a fitted image in pixels of the image itself."""
    if isinstance(made, LabelMap):
        return LabelMap(nearest(made.labels, height, width))
    assert isinstance(made, Instances)
    before = made.masks.shape[1:]
    scale = torch.tensor([width / before[1], height / before[0]] * 2)
    return replace(made, boxes=made.boxes * scale, masks=nearest(made.masks, height, width))


def nearest(maps: Tensor, height: int, width: int) -> Tensor:
    """Return ``maps`` (..., h, w) of ``height`` x ``width``, each pixel that of the nearest one before."""
    if maps.shape[-2:] == (height, width):
        return maps
    rows, columns = (
        ((torch.arange(length) + 0.5) * before / length).long()
        for length, before in zip((height, width), maps.shape[-2:], strict=True)
    )
    return maps[..., rows[:, None], columns]
