"""SPPNet: spatial pyramid pooling in deep convolutional networks (He, Zhang, Ren and Sun 2014), the detector.

1. Region proposals: selective search, about 2000 of them.
2. The whole image goes through the convolutions once.
3. Each region's window on the map is pooled by a pyramid of 6 x 6, 3 x 3, 2 x 2 and 1 x 1 bins (section 4.1).
4. Fully connected layers.
5. One linear SVM a class, 6. one ridge regression of boxes a class, 7. suppression: as R-CNN.

Only the fully connected layers are fine-tuned; the convolutions stay as they were pre-trained. One scale, where the
paper also has a version with five.
"""

from collections.abc import Iterator
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

ROIS_PER_IMAGE = 64
POSITIVE_PART = 0.25
NEGATIVE_IOU = (0.1, 0.5)


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

        pixels, scale = to_input(image, self.facts)
        features = self.trunk(pixels)[0]
        yield Step("Convolution", FeatureMap(features, self.trunk.stride))

        pooled = pyramid_pool(features, regions * scale, self.trunk.stride)
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
        pixels, scale = to_input(image, self.facts)
        pooled = pyramid_pool(self.trunk(pixels)[0], regions * scale, self.trunk.stride)
        return pooled, self.layers(pooled)

    def train(self, mode: bool = True) -> "SPPNet":
        """Set the training mode; the convolutions and their normalisation stay as they are."""
        super().train(mode)
        self.trunk.eval().requires_grad_(False)
        return self

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The fine-tuning's cross-entropy over K + 1 classes of pooled regions; targets also hold ``proposals``."""
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
