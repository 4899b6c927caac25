"""What the region-based detectors have in common: the input's scale, the two-headed network, the sampling of RoIs."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import Trunk
from core.boxes import assign, decode, encode

BINS = 6  # AlexNet's pool5


def to_input(image: Tensor, trunk: Trunk, short_side: int | None = None) -> tuple[Tensor, float]:
    """Scale ``image`` (3, H, W) to the input of a network on ``trunk``, or to another ``short_side``.

    Returns the pixels (1, 3, h, w) float and the factor from image to input pixels. Fast R-CNN, section 3.
    """
    height, width = image.shape[1:]
    scale = trunk.scale(height, width, short_side)
    pixels = image[None]
    if scale != 1:
        shape = (max(trunk.least_side, round(height * scale)), max(trunk.least_side, round(width * scale)))
        pixels = functional.interpolate(pixels, shape, mode="bilinear", antialias=True)
    return pixels.float(), scale


@dataclass(frozen=True)
class Samples:
    """RoIs of one image sampled for training: ``regions`` (R, 4), ``truth`` (R, 4), the ground-truth box that each
    overlaps most, and ``labels`` (R,), that box's class or 0 for the background."""

    regions: Tensor
    truth: Tensor
    labels: Tensor


def sample(
    regions: Tensor, target: dict[str, Tensor], count: int, positive_part: float, negative_iou: tuple[float, float]
) -> Samples:
    """Choose ``count`` of ``regions`` (R, 4) at random, at most ``positive_part`` of them positives (IoU >= 0.5).

    Negatives overlap their best ground truth by ``negative_iou``, a half-open range; where positives or negatives
    are few, the other kind does not fill the gap beyond what there is.
    """
    iou, best = assign(regions, target["boxes"])
    low, high = negative_iou
    positive = _some((iou >= 0.5).nonzero()[:, 0], round(count * positive_part))
    negative = _some(((iou >= low) & (iou < high)).nonzero()[:, 0], count - len(positive))
    chosen = torch.cat([positive, negative])
    labels = target["labels"][best[chosen]] if len(target["labels"]) else torch.zeros_like(chosen)
    truth = target["boxes"][best[chosen]] if len(target["boxes"]) else regions[chosen]
    labels = labels.where(torch.arange(len(chosen), device=chosen.device) < len(positive), 0)
    return Samples(regions[chosen], truth, labels)


def _some(indices: Tensor, count: int) -> Tensor:
    return indices[torch.randperm(len(indices), device=indices.device)[:count]]


def joined(samples: list[Samples]) -> Samples:
    """Lay the samples of several images one after another."""
    return Samples(
        torch.cat([one.regions for one in samples]),
        torch.cat([one.truth for one in samples]),
        torch.cat([one.labels for one in samples]),
    )


def classification_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy of ``scores`` (R, K + 1) against ``labels`` (R,), 0 where there is no RoI."""
    return functional.cross_entropy(scores, labels) if len(labels) else scores.sum()


class RegionHead(nn.Module):
    """Fast R-CNN's network behind the pooling: fc6, fc7, then class scores and one box offset for each class.

    Offsets are predicted in units of ``target_std`` about ``target_mean`` (K, 4), so that the two losses weigh alike
    (Fast R-CNN, section 2.3). Initial weights: N(0, 0.01) for the scores, N(0, 0.001) for the offsets.
    """

    target_mean: Tensor
    target_std: Tensor

    def __init__(self, inputs: int, classes: int, trunk: Trunk):
        super().__init__()
        self.layers = trunk.fully_connected(inputs)
        self.score = nn.Linear(trunk.width, classes + 1)
        self.offset = nn.Linear(trunk.width, 4 * classes)
        for layer, std in ((self.score, 0.01), (self.offset, 0.001)):
            nn.init.normal_(layer.weight, std=std)
            nn.init.zeros_(layer.bias)
        self.register_buffer("target_mean", torch.zeros(classes, 4))
        self.register_buffer("target_std", torch.tensor([0.1, 0.1, 0.2, 0.2]).expand(classes, 4).clone())

    def boxes(self, features: Tensor, regions: Tensor) -> Tensor:
        """Move ``regions`` (R, 4) by the offsets that fc7's ``features`` (R, D) give for each class: (R, K, 4)."""
        offsets = self.offset(features).unflatten(1, (-1, 4)) * self.target_std + self.target_mean
        return decode(offsets, regions[:, None])

    def losses(self, features: Tensor, samples: Samples) -> dict[str, Tensor]:
        """The multi-task loss of Fast R-CNN (equations 1 to 3), both parts over the number of sampled RoIs.

        ``classification``: cross-entropy over K + 1 classes. ``box regression``: smooth L1 of the true class's
        offsets, positives only, lambda = 1.
        """
        scores = self.score(features).to(self.target_std)
        offsets = self.offset(features).to(self.target_std).unflatten(1, (-1, 4))
        positive = samples.labels.nonzero()[:, 0]
        column = samples.labels[positive] - 1
        wanted = (encode(samples.truth[positive], samples.regions[positive]) - self.target_mean[column]) / (
            self.target_std[column]
        )
        regression = functional.smooth_l1_loss(offsets[positive, column], wanted, reduction="sum")
        return {
            "classification": classification_loss(scores, samples.labels),
            "box regression": regression / max(1, len(samples.labels)),
        }
