"""The region proposal network (Ren et al. 2015, section 3.1): objectness and an offset for every anchor."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import box_iou, nms

from core.boxes import clip, decode, encode
from core.proposals.anchors import RATIOS, anchor_shapes, anchors_on
from core.values import Regions

POSITIVE_IOU = 0.7
NEGATIVE_IOU = 0.3
ANCHORS_PER_IMAGE = 256
WIDTH = 256  # channels, as with the paper's ZF net
NMS_THRESHOLD = 0.7
SMOOTH_L1_BETA = 1 / 9  # sigma = 3 in the released code


@dataclass(frozen=True)
class AnchorLabels:
    """What each of A anchors is to learn: ``labels`` (A,) int64, 1 positive, 0 negative, -1 ignored, and ``truth``
    (A, 4), the ground-truth box that it overlaps most.

    Why: ``overlap`` (A,) is the IoU with that box, 0 for anchors that are not ``inside`` (A,) the image, and ``best``
    (A,) tells the best anchors of a box.
    """

    labels: Tensor
    truth: Tensor
    overlap: Tensor
    inside: Tensor
    best: Tensor


class RPN(nn.Module):
    """A 3 x 3 convolution to ``WIDTH`` channels, or as many as the map has where those are fewer, then two 1 x 1:
    objectness (A a cell) and box offsets (4 A a cell).

    ``scales`` are the anchors' sides, ``stride`` the map's, in input pixels; all new layers start from N(0, 0.01).
    """

    shapes: Tensor

    def __init__(self, channels: int, scales: tuple[int, ...], stride: int):
        super().__init__()
        count = len(scales) * len(RATIOS)
        self.stride = stride
        self.register_buffer("shapes", anchor_shapes(scales), persistent=False)
        width = min(channels, WIDTH)
        self.conv = nn.Conv2d(channels, width, 3, padding=1)
        self.objectness = nn.Conv2d(width, count, 1)
        self.offset = nn.Conv2d(width, 4 * count, 1)
        for layer in (self.conv, self.objectness, self.offset):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Map ``features`` (B, C, H, W) to objectness logits (B, H W A) and offsets (B, H W A, 4)."""
        hidden = functional.relu(self.conv(features))
        logits = self.objectness(hidden).permute(0, 2, 3, 1).flatten(1)
        offsets = self.offset(hidden).permute(0, 2, 3, 1).reshape(len(features), -1, 4)
        return logits.float(), offsets.float()

    def anchors(self, features: Tensor) -> Tensor:
        """Return the anchors of a map (..., H, W): (H W A, 4) in input pixels."""
        height, width = features.shape[-2:]
        return anchors_on(self.shapes, height, width, self.stride)

    def losses(
        self,
        logits: Tensor,
        offsets: Tensor,
        reference: Tensor,
        targets: list[dict[str, Tensor]],
        shape: tuple[int, int],
    ) -> dict[str, Tensor]:
        """The RPN's two losses over ``ANCHORS_PER_IMAGE`` sampled anchors an image, at most half of them positive.

        Both are divided by the number of sampled anchors, with smooth L1's sigma 3, as in the released code (the
        paper divides the second by the number of locations and weighs it by 10, which is about the same).
        """
        objectness, regression, count = logits.new_zeros(()), logits.new_zeros(()), 0
        for logit, offset, target in zip(logits, offsets, targets, strict=True):
            wanted = label_anchors(reference, target["boxes"], shape)
            positive, negative = sample_anchors(wanted.labels)
            chosen = torch.cat([positive, negative])
            objectness = objectness + functional.binary_cross_entropy_with_logits(
                logit[chosen], wanted.labels[chosen].to(logit.dtype), reduction="sum"
            )
            truth = encode(wanted.truth[positive], reference[positive])
            regression = regression + functional.smooth_l1_loss(
                offset[positive], truth, beta=SMOOTH_L1_BETA, reduction="sum"
            )
            count += len(chosen)
        return {"objectness": objectness / count, "proposal regression": regression / count}


def propose(
    logits: Tensor,
    offsets: Tensor,
    reference: Tensor,
    shape: tuple[int, int],
    before: int,
    after: int,
    least_side: float,
) -> Regions:
    """Turn one image's objectness (A,) and offsets (A, 4) into at most ``after`` proposals, best first.

    Take the ``before`` best anchors, decode, clip to the image's ``shape``, drop sides under ``least_side`` input
    pixels, suppress at IoU 0.7 (Ren et al. 2015, section 3.3).
    """
    order, boxes = before_nms(logits, offsets, reference, shape, before, least_side)
    kept = nms(boxes, logits[order], NMS_THRESHOLD)[:after]
    return Regions(boxes[kept], logits[order[kept]].sigmoid())


def before_nms(
    logits: Tensor, offsets: Tensor, reference: Tensor, shape: tuple[int, int], before: int, least_side: float
) -> tuple[Tensor, Tensor]:
    """Return what ``propose`` hands to its NMS, best first: which anchors (M,) int64, and their boxes (M, 4)."""
    order = logits.topk(min(before, len(logits))).indices
    boxes = clip(decode(offsets[order], reference[order]), *shape)
    large = ((boxes[:, 2:] - boxes[:, :2]) >= least_side).all(1)
    return order[large], boxes[large]


def label_anchors(reference: Tensor, boxes: Tensor, shape: tuple[int, int]) -> AnchorLabels:
    """Label ``reference`` anchors (A, 4) against ground-truth ``boxes`` (N, 4) of an image of ``shape``.

    Positive: the best anchor of a box (all ties), or IoU >= 0.7 with any. Negative: IoU < 0.3 with all. Anchors that
    cross the image's border, and all between, are ignored (section 3.1.2 and 3.3).
    """
    height, width = shape
    inside = (reference[:, :2] >= 0).all(1) & (reference[:, 2] <= width) & (reference[:, 3] <= height)
    labels = torch.full((len(reference),), -1, device=reference.device)
    if not len(boxes):
        labels[inside] = 0
        return AnchorLabels(labels, reference, reference.new_zeros(len(reference)), inside, torch.zeros_like(inside))
    iou = box_iou(reference, boxes) * inside[:, None]
    overlap, index = iou.max(1)
    labels[inside & (overlap < NEGATIVE_IOU)] = 0
    highest = iou.max(0).values
    best = inside & ((iou == highest) & (highest > 0)).any(1)
    labels[best | (inside & (overlap >= POSITIVE_IOU))] = 1
    return AnchorLabels(labels, boxes[index], overlap, inside, best)


def sample_anchors(labels: Tensor, count: int = ANCHORS_PER_IMAGE) -> tuple[Tensor, Tensor]:
    """Choose at random at most ``count`` / 2 positives, and negatives up to ``count``: two lists of indices."""
    positive, negative = ((labels == wanted).nonzero()[:, 0] for wanted in (1, 0))
    positive = positive[torch.randperm(len(positive), device=labels.device)[: count // 2]]
    negative = negative[torch.randperm(len(negative), device=labels.device)[: count - len(positive)]]
    return positive, negative
