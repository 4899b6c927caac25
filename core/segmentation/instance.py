"""Mask R-CNN (He, Gkioxari, Dollar and Girshick 2017) on Faster R-CNN.

1. - 7. Faster R-CNN detects, unchanged.
8. RoIAlign takes a 14 x 14 feature for every detection from the same map, rounding nothing (section 3).
9. The mask head, four convolutions, a deconvolution and a 1 x 1 convolution, gives each class a mask of 28 x 28 of its
   own: classes do not compete for a pixel (figure 4, right, at half the width).
10. The mask of the detected class is enlarged to its box and cut at one half.

Trained as in the paper, everything together by the multi-task loss L = L_cls + L_box + L_mask beside the RPN's
(section 3), or the masks alone on a Faster R-CNN that is trained already, so that its detections stay what they were:
so the shipped weights were made. The masks learn on regions that overlap an object by 0.5, if its pixels are known.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection.roi_heads import paste_masks_in_image
from torchvision.ops import roi_align as roi_align_each

from core.boxes import assign
from core.data.scenes import CLASSES, label_map
from core.detectors.faster_rcnn import FasterRCNN
from core.pooling import roi_align
from core.stages import Progress, Step, run
from core.values import Detections, FeatureMap, Instances, RegionFeatures

BINS = 14
MASK = 28
WIDTH = 128
POSITIVE_IOU = 0.5
ROIS_PER_IMAGE = 8
SURE = 0.5  # the score of an instance that a label map shows


class MaskRCNN(FasterRCNN):
    """Faster R-CNN with a mask for each detection: the last step's value is ``Instances``.

    ``masks_alone`` says whether only the mask head learns, which may be set before the training.
    """

    name = "mask_rcnn"

    def __init__(self, trunk: str = "slim", classes: tuple[str, ...] = CLASSES):
        super().__init__(trunk, classes)
        self.mask = _mask_head(self.trunk.channels, len(classes) - 1)
        self.masks_alone = True

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        for stage in super().steps(image):
            yield stage
            if isinstance(stage, Step) and isinstance(stage.value, FeatureMap):
                features = stage.value.values
        assert isinstance(stage, Step)
        assert isinstance(stage.value, Detections)
        found = stage.value

        height, width = image.shape[1:]
        boxes = found.boxes * self.facts.scale(height, width)
        pooled = roi_align(features, boxes, 1 / self.trunk.stride, BINS)
        yield Step("RoIAlign", RegionFeatures(pooled, found.boxes))

        masks = self.mask(pooled)[torch.arange(len(found)), found.labels - 1].sigmoid()
        yield Step("Mask head", RegionFeatures(masks[:, None], found.boxes))

        pasted = paste_masks_in_image(masks[:, None], found.boxes, (height, width))[:, 0] >= 0.5
        yield Step("Paste", Instances(found.boxes, found.scores, found.labels, pasted))

    def segment(self, image: Tensor) -> Instances:
        """Return the objects in ``image`` (3, H, W) uint8, best first, each with its mask."""
        made = run(self, image).result
        assert isinstance(made, Instances)
        return made

    def predict(self, image: Tensor) -> Tensor:
        """Return the class of every pixel of ``image``, that of the surest object there, or 0: (H, W) int64."""
        return painted(self.segment(image))

    def train(self, mode: bool = True) -> "MaskRCNN":
        """Set the training mode; where the masks alone learn, all else stays as it was trained."""
        super().train(mode)
        if self.masks_alone:
            for trained in (self.trunk, self.rpn, self.head):
                trained.eval().requires_grad_(False)
        return self

    def losses(self, images: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return Faster R-CNN's four parts, unless the masks learn alone, and ``mask``.

        That is the binary cross-entropy of the true class's mask, mean over the pixels of sampled RoIs. Targets hold
        ``boxes``, ``labels`` and ``instances`` (H, W), the number of the object at each pixel from 1, and -1 where it
        is not known: no mask learns from such a pixel, nor from an object without any of its own.
        """
        shape = (images.shape[2], images.shape[3])
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.masks_alone):
            maps = self.trunk(images)
            logits, offsets = self.rpn(maps)
        regions = self.regions_to_learn(maps, logits, offsets, targets, shape)
        parts = {} if self.masks_alone else self.detection_losses(maps, logits, offsets, regions, targets, shape)
        return parts | {"mask": self._mask_loss(maps, regions, targets)}

    def _mask_loss(self, maps: Tensor, regions: list[Tensor], targets: list[dict[str, Tensor]]) -> Tensor:
        pooled, labels, truth = [], [], []
        for features, boxes, target in zip(maps, regions, targets, strict=True):
            instances = target["instances"]
            chosen, objects = _positives(boxes, target["boxes"], have_pixels(instances, len(target["boxes"])))
            pooled.append(roi_align(features, chosen, 1 / self.trunk.stride, BINS))
            labels.append(target["labels"][objects])
            truth.append(_true_masks(chosen, objects, instances))
        label, wanted = torch.cat(labels), torch.cat(truth)
        masks = self.mask(torch.cat(pooled))[torch.arange(len(label)), label - 1].float()
        known = wanted >= 0
        if not known.any():
            return 0 * masks.sum()  # nothing to learn: 0, where a mean would be none
        return functional.binary_cross_entropy_with_logits(masks[known], wanted[known])


def painted(found: Instances, least_score: float = SURE) -> Tensor:
    """Return the class of every pixel, of the object with the best score there and at least ``least_score``: (H, W)."""
    sure = found.scores >= least_score
    return topmost(found.masks[sure], found.labels[sure])


def topmost(masks: Tensor, numbers: Tensor) -> Tensor:
    """Give every pixel the number of the first of ``masks`` (N, H, W) that holds it, or 0: (H, W) int64."""
    first = masks.cumsum(0) * masks == 1  # of the masks that hold a pixel, the one that counts 1 there
    return label_map(first, numbers)


def have_pixels(instances: Tensor, count: int) -> Tensor:
    """Return which of ``count`` objects have any pixel of their own in the map ``instances`` (H, W): (N,) bool."""
    return (instances.flatten().long() + 1).bincount(minlength=2 + count)[2 : 2 + count] > 0


def _positives(regions: Tensor, boxes: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Choose at random ``regions`` (R, 4) that overlap one of ``boxes`` (N, 4) best, and it is ``wanted`` (N,).

    Return them and which box each overlaps: (r, 4), (r,).
    """
    iou, objects = assign(regions, boxes)
    positive = ((iou >= POSITIVE_IOU) & functional.pad(wanted, (0, 1))[objects]).nonzero()[:, 0]
    chosen = positive[torch.randperm(len(positive), device=regions.device)[:ROIS_PER_IMAGE]]
    return regions[chosen], objects[chosen]


def _true_masks(regions: Tensor, objects: Tensor, instances: Tensor) -> Tensor:
    """Cut the masks of ``objects`` (r,) out of ``instances`` (H, W) at ``regions`` (r, 4): (r, 28, 28), 0 or 1.

    Where it is not known which object is there, it is -1.
    """
    masks = torch.stack([instances == 1 + objects[:, None, None], (instances == -1).expand(len(objects), -1, -1)], 1)
    each = torch.arange(len(regions), device=regions.device)[:, None].to(regions)
    own, unknown = (roi_align_each(masks.float(), torch.cat([each, regions], 1), MASK, aligned=True) >= 0.5).unbind(1)
    return own.float().where(~unknown, -1)


def _mask_head(channels: int, classes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs in (channels, WIDTH, WIDTH, WIDTH):
        layers += [nn.Conv2d(inputs, WIDTH, 3, padding=1), nn.ReLU(inplace=True)]
    layers += [nn.ConvTranspose2d(WIDTH, WIDTH, 2, stride=2), nn.ReLU(inplace=True), nn.Conv2d(WIDTH, classes, 1)]
    return nn.Sequential(*layers)
