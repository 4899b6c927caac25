"""Our Faster R-CNN's weights in ``torchvision.models.detection.FasterRCNN``: the same network in a peer's code."""

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN as TorchvisionFasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import MultiScaleRoIAlign, roi_pool

from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.regions import BINS, RegionHead
from core.proposals import rpn
from core.proposals.anchors import RATIOS
from core.proposals.rpn import RPN
from core.suppression import MOST_DETECTIONS, NMS_THRESHOLD, SCORE_THRESHOLD


class CellAnchors(AnchorGenerator):  # type: ignore[misc] # torchvision is untyped
    """Anchors (not rounded) about the middle of every cell of the trunk's stride.

    torchvision's own are rounded to whole pixels, lie about the cells' corners, and drift: it takes image side //
    map side for the stride, which is 15 for a side of 341 pixels and its 22 cells.
    """

    def __init__(self, scales: tuple[int, ...], shapes: Tensor, stride: int):
        super().__init__((scales,), (RATIOS,))
        self.stride = stride
        self.cell_anchors = [shapes + stride / 2]

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        strides = [[torch.tensor(self.stride), torch.tensor(self.stride)]]
        (anchors,) = self.grid_anchors([list(values.shape[-2:]) for values in feature_maps], strides)
        return [anchors] * len(image_list.image_sizes)


class RoIPool(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's RoI pooling where torchvision's Faster R-CNN insists on a ``MultiScaleRoIAlign``."""

    def __init__(self, stride: int):
        super().__init__(["0"], BINS, sampling_ratio=0)
        self.stride = stride

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        return roi_pool(x["0"], boxes, self.output_size, 1 / self.stride)


def twin(detector: FasterRCNN) -> TorchvisionFasterRCNN:
    """Return torchvision's Faster R-CNN with ``detector``'s weights, anchors and thresholds, ready to detect.

    It takes a list of images (3, H, W) float from 0 to 255. An image whose short side is not the network's is
    scaled by torchvision's rule, without antialiasing, so that detections agree on others only.
    """
    facts, stride = detector.facts, detector.trunk.stride
    trunk = nn.Sequential(*detector.trunk)
    trunk.out_channels = detector.trunk.channels  # type: ignore[assignment] # where torchvision looks for it
    made = TorchvisionFasterRCNN(
        trunk,
        min_size=facts.short_side,
        max_size=facts.long_side,
        image_mean=detector.trunk.mean.flatten().tolist(),
        image_std=detector.trunk.std.flatten().tolist(),
        size_divisible=1,
        rpn_anchor_generator=CellAnchors(facts.anchors, detector.rpn.shapes, stride),
        rpn_head=_rpn_head(detector.rpn),
        rpn_pre_nms_top_n_test=max(facts.before_nms, detector.max_regions),
        rpn_post_nms_top_n_test=detector.max_regions,
        rpn_nms_thresh=rpn.NMS_THRESHOLD,
        box_roi_pool=RoIPool(stride),
        box_head=_box_head(detector.head, facts.width),
        box_predictor=_box_predictor(detector.head),
        box_score_thresh=SCORE_THRESHOLD,
        box_nms_thresh=NMS_THRESHOLD,
        box_detections_per_img=MOST_DETECTIONS,
        bbox_reg_weights=(1.0, 1.0, 1.0, 1.0),
    )
    made.rpn.min_size = facts.least_proposal
    return made.eval()


def _rpn_head(rpn: RPN) -> RPNHead:
    head = RPNHead(rpn.conv.in_channels, rpn.objectness.out_channels)
    head.conv[0][0] = rpn.conv
    head.cls_logits = rpn.objectness
    head.bbox_pred = rpn.offset
    return head


@torch.no_grad()
def _box_head(head: RegionHead, width: int) -> TwoMLPHead:
    """Copy fc6 and fc7; torchvision flattens a pooled region channel by channel, we cell by cell."""
    fc6, fc7 = head.layers[0], head.layers[2]
    assert isinstance(fc6, nn.Linear)
    assert isinstance(fc7, nn.Linear)
    made = TwoMLPHead(fc6.in_features, width)
    made.fc6.weight.copy_(fc6.weight.unflatten(1, (BINS, BINS, -1)).permute(0, 3, 1, 2).flatten(1))
    made.fc6.bias.copy_(fc6.bias)
    made.fc7 = fc7
    return made


@torch.no_grad()
def _box_predictor(head: RegionHead) -> FastRCNNPredictor:
    """Copy the two heads; torchvision also has offsets for the background, and leaves the targets' units to us."""
    made = FastRCNNPredictor(head.score.in_features, head.score.out_features)
    made.cls_score = head.score
    made.bbox_pred.weight.zero_()[4:] = head.offset.weight * head.target_std.flatten()[:, None]
    made.bbox_pred.bias.zero_()[4:] = head.offset.bias * head.target_std.flatten() + head.target_mean.flatten()
    return made
