"""SPPNet: spatial pyramid pooling in deep convolutional networks (He, Zhang, Ren and Sun 2014), the detector.

1. Region proposals: selective search, about 2000 of them.
2. The whole image goes through the convolutions once.
3. Each region's window on the map is pooled by a pyramid of 6 x 6, 3 x 3, 2 x 2 and 1 x 1 bins (section 4.1).
4. Fully connected layers.
5. One linear SVM a class, 6. one ridge regression of boxes a class, 7. suppression: as R-CNN.

Only the fully connected layers are fine-tuned; the convolutions stay as they were pre-trained. Where the trunk has
several ``short_sides``, as the paper's second version five, the whole image goes through the convolutions at each of
them, and a region is pooled from the map on which its area is nearest 224 x 224 pixels, or as much less as the sides
are shorter than the paper's; fine-tuning shows each batch at one of them at random (sections 3.1.3 and 4.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS
from core.boxes import clip
from core.data.scenes import CLASSES
from core.detectors.rcnn import SVM_THRESHOLD
from core.detectors.regions import classification_loss, joined, sample, to_input
from core.detectors.svm import SVMHead
from core.pooling import PYRAMID, pyramid_pool
from core.proposals import selective_search
from core.stages import Detector, Progress, Proposer, Step
from core.suppression import candidates, suppress
from core.values import FeatureMap, RegionFeatures, Regions, Scores

WANTED = 224  # pixels, the side of what the paper's trunk was trained on
MIDDLE_SIDE = 688  # of the paper's five
ROIS_PER_IMAGE = 64
POSITIVE_PART = 0.25
NEGATIVE_IOU = (0.1, 0.5)


@dataclass(frozen=True)
class ScaledMap:
    """The map of an image at one scale: ``values`` (C, H, W), and the ``scale`` from its pixels to the input's."""

    values: Tensor
    scale: float


class SPPNet(Detector):
    """SPPNet on the shared trunk, with at most ``max_regions`` region proposals; scores as ``RCNN``'s."""

    name = "sppnet"
    max_regions: int = 2000
    propose: Proposer

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.facts = TRUNKS[trunk]
        self.propose = partial(selective_search, mode=self.facts.search)
        self.trunk = self.facts.build()
        pooled = sum(level * level for level in PYRAMID) * self.trunk.channels
        self.layers = self.facts.fully_connected(pooled)
        self.score = nn.Linear(self.facts.width, len(classes))  # the softmax of the fine-tuning, not used to detect
        self.svms = SVMHead(pooled, self.facts.width, len(classes) - 1)

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        regions = self.propose(image).boxes[: self.max_regions].to(image.device)
        yield Step("Region proposals", Regions(regions))

        maps = self.maps(image)
        yield Step("Convolution", FeatureMap(maps[len(maps) // 2].values, self.trunk.stride, len(maps)))

        pooled = self.pool(maps, regions)
        yield Step("Spatial pyramid pooling", RegionFeatures(pooled, regions))

        hidden = self.layers(pooled)
        yield Step("Fully connected", RegionFeatures(hidden, regions))

        margins = self.svms.margins(hidden)
        yield Step("SVM", Scores(functional.pad(margins, (1, 0), value=-torch.inf), regions))

        boxes = clip(self.svms.boxes(pooled, regions), *image.shape[1:])
        found = candidates(boxes, margins.sigmoid(), SVM_THRESHOLD)
        yield Step("Box regression", found)
        yield Step("NMS", suppress(found))

    def region_features(self, image: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled (R, P) and the fc7 (R, D) features of ``regions`` (R, 4)."""
        pooled = self.pool(self.maps(image), regions)
        return pooled, self.layers(pooled)

    def maps(self, image: Tensor) -> list[ScaledMap]:
        """Return the map of ``image`` (3, H, W) at each of the trunk's scales, the smallest first."""
        inputs = [to_input(image, self.facts, side) for side in self.facts.short_sides]
        return [ScaledMap(self.trunk(pixels)[0], scale) for pixels, scale in inputs]

    def pool(self, maps: list[ScaledMap], regions: Tensor) -> Tensor:
        """Pool each of ``regions`` (R, 4) from the one of ``maps`` on which its size is right: (R, P)."""
        if len(maps) == 1:
            return pyramid_pool(maps[0].values, regions * maps[0].scale, self.trunk.stride)
        choice = nearest_scale(regions, [one.scale for one in maps], self.facts.short_sides)
        pooled = [
            pyramid_pool(one.values, regions[choice == number] * one.scale, self.trunk.stride)
            for number, one in enumerate(maps)
        ]
        return torch.cat(pooled)[choice.argsort(stable=True).argsort()]

    def train(self, mode: bool = True) -> "SPPNet":
        """Set the training mode; the convolutions and their normalisation stay as they are."""
        super().train(mode)
        self.trunk.eval().requires_grad_(False)
        return self

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The fine-tuning's cross-entropy over K + 1 classes of pooled regions; targets also hold ``proposals``."""
        images, targets = self._at_a_scale(images, targets)
        maps = self.trunk(images)
        samples = [
            sample(
                torch.cat([target["boxes"], target["proposals"]]), target, ROIS_PER_IMAGE, POSITIVE_PART, NEGATIVE_IOU
            )
            for target in targets
        ]
        pooled = [
            pyramid_pool(features, one.regions, self.trunk.stride) for features, one in zip(maps, samples, strict=True)
        ]
        scores = self.score(self.layers(torch.cat(pooled)))
        return {"classification": classification_loss(scores.float(), joined(samples).labels)}

    def _at_a_scale(self, images: Tensor, targets: list[dict[str, Tensor]]) -> tuple[Tensor, list[dict[str, Tensor]]]:
        """Scale ``images`` and the boxes of ``targets`` to one of the trunk's sides, drawn at random."""
        sides = self.facts.short_sides
        if len(sides) == 1:
            return images, targets
        factor = sides[int(torch.randint(len(sides), ()))] / self.facts.short_side
        shape = [round(length * factor) for length in images.shape[2:]]
        scaled = functional.interpolate(images.float(), shape, mode="bilinear", antialias=True)
        moved = [
            target | {name: target[name] * factor for name in ("boxes", "proposals") if name in target}
            for target in targets
        ]
        return scaled, moved


def nearest_scale(regions: Tensor, scales: Sequence[float], short_sides: Sequence[int]) -> Tensor:
    """Return for each of ``regions`` (R, 4) which of ``scales`` brings its area nearest to what is wanted: (R,).

    That is 224 x 224 where the ``short_sides`` are the paper's, in proportion where they are others.
    """
    wanted = (WANTED * short_sides[len(short_sides) // 2] / MIDDLE_SIDE) ** 2
    areas = (regions[:, 2:] - regions[:, :2]).prod(1)[:, None] * regions.new_tensor(scales).square()
    return (areas - wanted).abs().argmin(1)
