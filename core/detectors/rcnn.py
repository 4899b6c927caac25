"""R-CNN: rich feature hierarchies for accurate object detection (Girshick, Donahue, Darrell and Malik 2014).

1. Region proposals: selective search, about 2000 of them.
2. Each region is cut out with some context and warped to the network's input (appendix A).
3. Every warped region goes through the convolutions on its own. This is what costs.
4. Fully connected layers.
5. One linear SVM a class scores each region.
6. One ridge regression a class moves its box (appendix C).
7. Non-maximum suppression for each class.

The network is fine-tuned first, as a softmax classifier of warped proposals (section 2.3); then the SVMs and the
regressions are fitted to its features (``core.training.svm``).
"""

from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.backbones import TRUNKS
from core.boxes import clip
from core.data.scenes import CLASSES
from core.detectors.regions import BINS, classification_loss, joined, sample
from core.detectors.svm import SVMHead
from core.pooling import flatten_cells
from core.proposals import selective_search
from core.stages import Detector, Progress, Proposer, Step
from core.suppression import candidates, suppress
from core.values import Crops, RegionFeatures, Regions, Scores

MEAN_COLOUR = (124, 116, 104)  # fills what lies outside the image, and is 0 to the network
BATCH = 32
ROIS_PER_IMAGE = 16
POSITIVE_PART = 0.25  # 32 of 128
NEGATIVE_IOU = (0.0, 0.5)


class RCNN(Detector):
    """R-CNN on the shared trunk, with at most ``max_regions`` region proposals.

    The scores of its detections are the SVMs' margins put through a logistic function, so that they lie between 0
    and 1 as the other detectors' do; their order, and so the average precision, is the margins'.
    """

    name = "rcnn"
    max_regions: int = 2000
    propose: Proposer

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__()
        self.classes = classes
        self.facts = TRUNKS[trunk]
        self.side = self.facts.crop_side
        self.propose = partial(selective_search, mode=self.facts.search)
        self.trunk = self.facts.build()
        pooled = BINS * BINS * self.trunk.channels
        self.layers = self.facts.fully_connected(pooled)
        self.score = nn.Linear(self.facts.width, len(classes))  # the softmax of the fine-tuning, not used to detect
        self.svms = SVMHead(pooled, self.facts.width, len(classes) - 1)

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        regions = self.propose(image).boxes[: self.max_regions]
        yield Step("Region proposals", Regions(regions))

        crops = self.warped(image, regions)
        yield Step("Warp", Crops(crops, regions))

        pooled = image.new_empty((len(crops), BINS, BINS, self.trunk.channels), dtype=torch.float32)
        for start in range(0, len(crops), BATCH):
            batch = slice(start, start + BATCH)
            pooled[batch] = self.convolve(crops[batch]).permute(0, 2, 3, 1)
            yield Progress("Convolution", min(start + BATCH, len(crops)), len(crops))
        regions = regions.to(pooled.device)
        yield Step("Convolution", RegionFeatures(pooled.permute(0, 3, 1, 2), regions))

        flat = pooled.flatten(1)
        hidden = self.layers(flat)
        yield Step("Fully connected", RegionFeatures(hidden, regions))

        margins = self.svms.margins(hidden)
        yield Step("SVM", Scores(functional.pad(margins, (1, 0), value=-torch.inf), regions))

        boxes = clip(self.svms.boxes(flat, regions), *image.shape[1:])
        found = candidates(boxes, margins.sigmoid(), SVM_THRESHOLD)
        yield Step("Box regression", found)
        yield Step("NMS", suppress(found))

    def warped(self, image: Tensor, regions: Tensor) -> Tensor:
        """Warp ``regions`` (R, 4) of ``image`` (3, H, W) uint8 to the network's input: (R, 3, S, S) uint8."""
        return warp(image, regions, self.side, self.facts.context)

    def convolve(self, crops: Tensor) -> Tensor:
        """Map ``crops`` (R, 3, S, S) uint8 to their pool5 features (R, C, 6, 6)."""
        return functional.adaptive_max_pool2d(self.trunk(crops.to(self.trunk.mean.device)), BINS)

    def region_features(self, image: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the pooled (R, P) and the fc7 (R, D) features of ``regions`` (R, 4)."""
        crops = self.warped(image, regions)
        pooled = torch.cat([flatten_cells(self.convolve(batch)) for batch in crops.split(BATCH)])
        return pooled, self.layers(pooled)

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """The fine-tuning's cross-entropy over K + 1 classes of warped regions; targets also hold ``proposals``."""
        samples = [
            sample(
                torch.cat([target["boxes"], target["proposals"]]), target, ROIS_PER_IMAGE, POSITIVE_PART, NEGATIVE_IOU
            )
            for target in targets
        ]
        crops = [self.warped(image, one.regions) for image, one in zip(images, samples, strict=True)]
        scores = self.score(self.layers(flatten_cells(self.convolve(torch.cat(crops)))))
        return {"classification": classification_loss(scores.float(), joined(samples).labels)}


SVM_THRESHOLD = 0.2  # a margin of -1.4, beyond the edge of the SVMs' negatives


def warp(image: Tensor, regions: Tensor, side: int, context: int) -> Tensor:
    """Cut ``regions`` (R, 4) out of ``image`` (3, H, W) uint8 and warp each to ``side`` x ``side``: (R, 3, S, S) uint8.

    A region is grown about its centre so that it leaves ``context`` pixels of the crop on each side; what lies
    outside the image is the mean colour; bilinear without antialiasing, as in the released code (appendix A).
    """
    pixels = np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())
    crops = np.empty((len(regions), side, side, 3), np.uint8)
    grown = side / (side - 2 * context)
    for crop, (x0, y0, x1, y1) in zip(crops, regions.tolist(), strict=True):
        across, down = grown * (x1 - x0) / side, grown * (y1 - y0) / side
        left, top = (x0 + x1 - across * side) / 2, (y0 + y1 - down * side) / 2
        # From the crop's pixel centres to the image's, which lie half a pixel inside their corners.
        place = np.array([[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(pixels, place, (side, side), crop, flags, cv2.BORDER_CONSTANT, MEAN_COLOUR)
    return torch.from_numpy(crops).permute(0, 3, 1, 2)
