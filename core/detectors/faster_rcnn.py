"""Faster R-CNN: towards real-time object detection with region proposal networks (Ren, He, Girshick and Sun 2015).

1. The whole image goes through the convolutions once.
2. The RPN scores 9 anchors at every cell of the map and moves them; the best, after suppression, are the proposals.
3. RoI pooling, 4. fully connected layers, 5. softmax, 6. box regression and 7. suppression are Fast R-CNN's, on the
   same map.

Trained by approximate joint training, the released Python code's default: one backward pass for all four losses,
proposals held constant. Anchors of 32, 64 and 128 pixels fit scenes of 256 as 128, 256 and 512 fit the paper's.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from core.backbones import TRUNKS
from core.boxes import clip
from core.data.scenes import CLASSES
from core.detectors.regions import BINS, RegionHead, joined, sample, to_input
from core.pooling import flatten_cells, roi_pool, roi_pool_each
from core.proposals.rpn import RPN, propose
from core.stages import Detector, Progress, Step
from core.suppression import candidates, suppress
from core.values import FeatureMap, RegionFeatures, Regions, Scores

TRAINING_BEFORE_NMS = 1000
TRAINING_AFTER_NMS = 300
ROIS_PER_IMAGE = 64
POSITIVE_PART = 0.25
NEGATIVE_IOU = (0.0, 0.5)


class FasterRCNN(Detector):
    """Faster R-CNN on the shared trunk, with at most ``max_regions`` proposals from its RPN."""

    name = "faster_rcnn"
    max_regions: int = 300

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.facts = TRUNKS[trunk]
        self.trunk = self.facts.build()
        self.rpn = RPN(self.trunk.channels, self.facts.anchors, self.trunk.stride)
        self.head = RegionHead(BINS * BINS * self.trunk.channels, len(classes) - 1, self.facts)

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        pixels, scale = to_input(image, self.facts)
        maps = self.trunk(pixels)
        yield Step("Convolution", FeatureMap(maps[0], self.trunk.stride))

        logits, offsets = self.rpn(maps)
        shape = (pixels.shape[2], pixels.shape[3])
        before = max(self.facts.before_nms, self.max_regions)
        proposals = propose(
            logits[0], offsets[0], self.rpn.anchors(maps), shape, before, self.max_regions, self.facts.least_proposal
        )
        regions = proposals.boxes / scale
        yield Step("RPN", Regions(regions, proposals.scores))

        pooled = roi_pool(maps[0], proposals.boxes, 1 / self.trunk.stride, BINS)
        yield Step("RoI pooling", RegionFeatures(pooled, regions))

        hidden = self.head.layers(flatten_cells(pooled))
        yield Step("Fully connected", RegionFeatures(hidden, regions))

        scores = self.head.score(hidden).softmax(1)
        yield Step("Softmax", Scores(scores, regions))

        boxes = clip(self.head.boxes(hidden, regions), *image.shape[1:])
        found = candidates(boxes, scores[:, 1:])
        yield Step("Box regression", found)
        yield Step("NMS", suppress(found))

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Four parts: the RPN's objectness and proposal regression, the head's classification and box regression."""
        shape = (images.shape[2], images.shape[3])
        maps = self.trunk(images)
        logits, offsets = self.rpn(maps)
        regions = self.regions_to_learn(maps, logits, offsets, targets, shape)
        return self.detection_losses(maps, logits, offsets, regions, targets, shape)

    def regions_to_learn(
        self, maps: Tensor, logits: Tensor, offsets: Tensor, targets: list[dict[str, Tensor]], shape: tuple[int, int]
    ) -> list[Tensor]:
        """Return each image's ground truth and, held constant, its proposals: (R, 4)."""
        reference = self.rpn.anchors(maps)
        least = self.facts.least_proposal
        return [
            torch.cat(
                [
                    target["boxes"],
                    propose(logit, offset, reference, shape, TRAINING_BEFORE_NMS, TRAINING_AFTER_NMS, least).boxes,
                ]
            )
            for logit, offset, target in zip(logits.detach(), offsets.detach(), targets, strict=True)
        ]

    def detection_losses(
        self,
        maps: Tensor,
        logits: Tensor,
        offsets: Tensor,
        regions: list[Tensor],
        targets: list[dict[str, Tensor]],
        shape: tuple[int, int],
    ) -> dict[str, Tensor]:
        """Return the four parts of the loss: on ``maps`` of images of ``shape``, and on RoIs of their ``regions``."""
        samples = [
            sample(boxes, target, ROIS_PER_IMAGE, POSITIVE_PART, NEGATIVE_IOU)
            for boxes, target in zip(regions, targets, strict=True)
        ]
        pooled = roi_pool_each(maps, [one.regions for one in samples], 1 / self.trunk.stride, BINS)
        return self.rpn.losses(logits, offsets, self.rpn.anchors(maps), targets, shape) | self.head.losses(
            self.head.layers(flatten_cells(pooled)), joined(samples)
        )
