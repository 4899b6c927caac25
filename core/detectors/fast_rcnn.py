"""Fast R-CNN (Girshick 2015).

1. Region proposals: selective search, about 2000 of them.
2. The whole image goes through the convolutions once.
3. RoI pooling takes a 6 x 6 feature for every region from that one map (section 2.1).
4. Fully connected layers, all regions in one matrix product; optionally each as two, by truncated SVD (section 3.1).
5. Softmax over K + 1 classes.
6. A box offset for every class.
7. Non-maximum suppression for each class.

Scores, offsets and convolutions are trained together, with one loss (section 2.3). Regions that meet the map in the
same cells are computed once, as in the released code.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn

from core.backbones import TRUNKS
from core.boxes import clip
from core.data.scenes import CLASSES
from core.detectors.regions import BINS, RegionHead, joined, sample, to_input
from core.pooling import flatten_cells, pool_windows, roi_pool_each, roi_windows
from core.proposals import selective_search
from core.stages import Detector, Progress, Proposer, Step
from core.suppression import candidates, suppress
from core.values import FeatureMap, RegionFeatures, Regions, Scores

ROIS_PER_IMAGE = 64
POSITIVE_PART = 0.25
NEGATIVE_IOU = (0.1, 0.5)


class FastRCNN(Detector):
    """Fast R-CNN on the shared trunk, with at most ``max_regions`` region proposals."""

    name = "fast_rcnn"
    max_regions: int = 2000
    propose: Proposer

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.facts = TRUNKS[trunk]
        self.propose = partial(selective_search, mode=self.facts.search)
        self.trunk = self.facts.build()
        self.head = RegionHead(BINS * BINS * self.trunk.channels, len(classes) - 1, self.facts)

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        regions = self.propose(image).boxes[: self.max_regions].to(image.device)
        yield Step("Region proposals", Regions(regions))

        pixels, scale = to_input(image, self.facts)
        features = self.trunk(pixels)[0]
        yield Step("Convolution", FeatureMap(features, self.trunk.stride))

        windows = roi_windows(regions * scale, 1 / self.trunk.stride)
        first, place = distinct(windows)
        pooled = pool_windows(features, windows[first], BINS)
        yield Step("RoI pooling", RegionFeatures(pooled, regions[first]))

        hidden = self.head.layers(flatten_cells(pooled))[place]
        yield Step("Fully connected", RegionFeatures(hidden, regions))

        scores = self.head.score(hidden).softmax(1)
        yield Step("Softmax", Scores(scores, regions))

        boxes = clip(self.head.boxes(hidden, regions), *image.shape[1:])
        found = candidates(boxes, scores[:, 1:])
        yield Step("Box regression", found)
        yield Step("NMS", suppress(found))

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The multi-task loss; targets also hold ``proposals`` (R, 4). Ground truth joins the proposals."""
        maps = self.trunk(images)
        samples = [
            sample(
                torch.cat([target["boxes"], target["proposals"]]), target, ROIS_PER_IMAGE, POSITIVE_PART, NEGATIVE_IOU
            )
            for target in targets
        ]
        pooled = roi_pool_each(maps, [one.regions for one in samples], 1 / self.trunk.stride, BINS)
        return self.head.losses(self.head.layers(flatten_cells(pooled)), joined(samples))


def distinct(windows: Tensor) -> tuple[Tensor, Tensor]:
    """Return which of ``windows`` (R, 4) are the first of their kind, (D,), and each one's place among those, (R,)."""
    kinds, kind = windows.unique(dim=0, return_inverse=True)
    index = torch.arange(len(windows), device=windows.device)
    first, order = index.new_zeros(len(kinds)).scatter_reduce(0, kind, index, "amin", include_self=False).sort()
    return first, order.argsort()[kind]


def truncate(detector: FastRCNN) -> None:
    """Replace fc6 and fc7 by their best approximations of low rank, two thin layers each (section 3.1).

    On a trunk that is for timing only the thin layers are random, as the thick ones were: they cost the same, and
    factoring AlexNet's fc6 would take minutes.
    """
    layers = detector.head.layers
    for index, rank in zip((0, 2), detector.facts.svd_ranks, strict=True):
        layer = layers[index]
        assert isinstance(layer, nn.Linear)
        layers[index] = (
            nn.Sequential(*thin_layers(layer, rank)) if detector.facts.for_timing else truncated(layer, rank)
        )


def truncated(layer: nn.Linear, rank: int) -> nn.Sequential:
    """Factor ``layer``'s weights W ~ U S V' by SVD, cut to ``rank``: a layer S V' without bias, then U with it.

    Fast R-CNN, section 3.1: from u v weights to t (u + v).
    """
    u, s, v = torch.linalg.svd(layer.weight.detach(), full_matrices=False)
    first, second = thin_layers(layer, rank)
    with torch.no_grad():
        first.weight.copy_(s[:rank, None] * v[:rank])
        second.weight.copy_(u[:, :rank])
        second.bias.copy_(layer.bias)
    return nn.Sequential(first, second)


def thin_layers(layer: nn.Linear, rank: int) -> tuple[nn.Linear, nn.Linear]:
    """Return two layers with random weights in place of ``layer``, the first without bias, ``rank`` wide between."""
    return nn.Linear(layer.in_features, rank, bias=False), nn.Linear(rank, layer.out_features)
