"""The region proposal network: who learns what, the losses by hand, the proposals against torchvision's."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torchvision.models.detection._utils import Matcher
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead, concat_box_prediction_layers
from torchvision.ops import box_iou

from core.boxes import encode
from core.proposals.anchors import anchor_shapes, anchors_on
from core.proposals.rpn import (
    ANCHORS_PER_IMAGE,
    NEGATIVE_IOU,
    NMS_THRESHOLD,
    POSITIVE_IOU,
    RPN,
    label_anchors,
    propose,
    sample_anchors,
)

SHAPE = (128, 160)
ANCHORS = anchors_on(anchor_shapes((32, 64)), 8, 10, 16)


@pytest.fixture
def rpn() -> RPN:
    torch.manual_seed(0)
    return RPN(8, (32, 64), 16)


def random_boxes(count: int, seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng) * torch.tensor([100.0, 70.0])
    return torch.cat([corner, corner + 20 + torch.rand(count, 2, generator=rng) * 40], 1)


def inside_of(anchors: Tensor, shape: tuple[int, int] = SHAPE) -> Tensor:
    height, width = shape
    return (anchors >= 0).all(1) & (anchors[:, 2] <= width) & (anchors[:, 3] <= height)


def labels_of(anchors: list[list[float]], boxes: list[list[float]], shape: tuple[int, int] = (100, 100)) -> list[int]:
    return label_anchors(torch.tensor(anchors), torch.tensor(boxes).view(-1, 4), shape).labels.tolist()


def test_forward_lays_cells_and_anchors_as_torchvision(rpn: RPN) -> None:
    features = torch.randn(2, 8, 3, 4, generator=torch.Generator().manual_seed(1))
    head = RPNHead(8, 6)
    head.conv[0][0], head.cls_logits, head.bbox_pred = rpn.conv, rpn.objectness, rpn.offset
    expected_logits, expected_offsets = concat_box_prediction_layers(*head([features]))
    logits, offsets = rpn(features)
    assert logits.shape == (2, 3 * 4 * 6) and offsets.shape == (2, 3 * 4 * 6, 4)
    assert logits.flatten().equal(expected_logits.flatten())
    assert offsets.flatten(0, 1).equal(expected_offsets)
    assert rpn.anchors(features).shape == (3 * 4 * 6, 4)


def test_new_layers_start_small(rpn: RPN) -> None:
    torch.manual_seed(0)
    wide = RPN(128, (32, 64, 128), 16)
    for layer in (wide.conv, wide.objectness, wide.offset):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert layer.bias is not None and (layer.bias == 0).all()


def test_an_anchor_is_positive_from_0_7_and_negative_below_0_3() -> None:
    box = [[0.0, 0, 10, 10]]
    heights = {10: 1, 7: 1, 6.9: -1, 3: -1, 2.9: 0}  # the anchor's height is its IoU with the box, in tenths
    assert labels_of([[0.0, 0, 10, height] for height in heights], box) == list(heights.values())
    assert labels_of([[0.0, 0, 10, 10], [50, 50, 60, 60]], box) == [1, 0]


def test_the_best_anchor_of_a_box_is_positive_however_low() -> None:
    far, near = [0.0, 0, 10, 10], [20.0, 0, 30, 10]
    assert labels_of([far, near], [[28.0, 0, 40, 10]]) == [0, 1], "an IoU of 1 / 10"


def test_all_ties_for_the_best_are_positive() -> None:
    left, right, other = [0.0, 0, 10, 10], [10.0, 0, 20, 10], [50.0, 0, 60, 10]
    assert labels_of([left, right, other], [[5.0, 0, 15, 10]]) == [1, 1, 0]


def test_a_box_that_meets_no_anchor_makes_none_positive() -> None:
    assert labels_of([[0.0, 0, 10, 10], [20, 0, 30, 10]], [[70.0, 70, 80, 80]]) == [0, 0]


def test_an_anchor_across_the_border_is_ignored_and_hides_no_other() -> None:
    outside, inside = [-5.0, 0, 15, 20], [0.0, 0, 20, 20]
    box = [[-2.0, 0, 16, 20]]
    assert box_iou(torch.tensor([outside]), torch.tensor(box)) > box_iou(torch.tensor([inside]), torch.tensor(box))
    assert labels_of([outside, inside, [90.0, 0, 101, 10], [0, 95, 10, 101]], box) == [-1, 1, -1, -1]


def test_without_boxes_all_inside_are_negative() -> None:
    anchors = [[0.0, 0, 10, 10], [-1, 0, 9, 10], [90, 90, 100, 100]]
    labelled = label_anchors(torch.tensor(anchors), torch.zeros(0, 4), (100, 100))
    assert labelled.labels.tolist() == [0, -1, 0]
    assert labelled.truth.shape == (3, 4)


@pytest.mark.parametrize("seed", range(5))
def test_labels_and_truth_are_torchvisions_on_anchors_inside(seed: int) -> None:
    inside = inside_of(ANCHORS)
    boxes = random_boxes(4, seed)
    labelled = label_anchors(ANCHORS, boxes, SHAPE)
    assert (labelled.labels[~inside] == -1).all()

    matcher = Matcher(POSITIVE_IOU, NEGATIVE_IOU, allow_low_quality_matches=True)
    matched = matcher(box_iou(boxes, ANCHORS[inside]))
    expected = torch.where(matched >= 0, 1, torch.where(matched == Matcher.BELOW_LOW_THRESHOLD, 0, -1))
    assert labelled.labels[inside].equal(expected)
    assert {1, 0, -1} == set(expected.tolist())
    positive = matched >= 0
    assert labelled.truth[inside][positive].equal(boxes[matched[positive]])


def test_at_most_half_of_the_sampled_anchors_are_positive() -> None:
    labels = torch.tensor([1] * 300 + [0] * 300 + [-1] * 300)
    positive, negative = sample_anchors(labels)
    assert len(positive) == len(negative) == ANCHORS_PER_IMAGE // 2 == 128
    for chosen, label in ((positive, 1), (negative, 0)):
        assert (labels[chosen] == label).all() and len(chosen.unique()) == len(chosen)


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"), [(5, 300, (5, 251)), (200, 60, (128, 60)), (0, 9, (0, 9))]
)
def test_negatives_fill_the_sample_and_positives_never_do(
    positives: int, negatives: int, expected: tuple[int, int]
) -> None:
    positive, negative = sample_anchors(torch.tensor([1] * positives + [0] * negatives + [-1]))
    assert (len(positive), len(negative)) == expected


def test_anchors_are_sampled_at_random() -> None:
    labels = torch.zeros(1000, dtype=torch.int64)
    torch.manual_seed(0)
    first, second = (sample_anchors(labels)[1] for _ in range(2))
    assert not first.sort().values.equal(second.sort().values)


def test_losses_by_hand(rpn: RPN) -> None:
    anchors = torch.tensor([[0.0, 0, 20, 20], [40, 40, 60, 60], [-9, 0, 11, 20]])
    # The first anchor is positive (IoU 2 / 3, the best), the second negative, the third ignored.
    box = torch.tensor([[4.0, 0, 24, 20]])
    logits = torch.tensor([[0.5, -1.0, 7.0]])
    offsets = torch.tensor([[[0.3, 0.05, 0.0, -0.2], [9.0, 9, 9, 9], [9, 9, 9, 9]]])
    parts = rpn.losses(logits, offsets, anchors, [{"boxes": box}], (100, 100))
    assert set(parts) == {"objectness", "proposal regression"}
    entropy = (math.log(1 + math.exp(-0.5)) + math.log(1 + math.exp(-1.0))) / 2
    assert parts["objectness"].item() == pytest.approx(entropy)
    # To learn: (0.2, 0, 0, 0). Errors 0.1 and 0.05 are below 1 / 9 (4.5 e squared), 0.2 is above (e - 1 / 18).
    regression = (4.5 * 0.1**2 + 4.5 * 0.05**2 + 0 + (0.2 - 1 / 18)) / 2
    assert parts["proposal regression"].item() == pytest.approx(regression, rel=1e-5)


def test_losses_of_two_images_are_divided_by_all_their_samples(rpn: RPN) -> None:
    anchors = torch.tensor([[0.0, 0, 20, 20], [40, 40, 60, 60]])
    logits = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    targets = [{"boxes": torch.tensor([[40.0, 40, 60, 60]])}, {"boxes": torch.zeros(0, 4)}]
    parts = rpn.losses(logits, torch.zeros(2, 2, 4), anchors, targets, (100, 50))  # the second lies outside
    log = [math.log(1 + math.exp(x)) for x in (1.0, 3.0)]
    assert parts["objectness"].item() == pytest.approx(sum(log) / 2)
    assert parts["proposal regression"].item() == 0


def test_losses_are_torchvisions() -> None:
    """All labelled anchors inside the image are fewer than a sample, so that chance plays no part."""
    shape = (96, 112)
    anchors = anchors_on(anchor_shapes((32,)), 6, 7, 16)
    inside = inside_of(anchors, shape)
    rng = torch.Generator().manual_seed(3)
    boxes = random_boxes(3, 0).clamp(max=95)
    logits, offsets = torch.randn(1, len(anchors), generator=rng), torch.randn(1, len(anchors), 4, generator=rng)
    parts = RPN(8, (32,), 16).losses(logits, offsets, anchors, [{"boxes": boxes}], shape)

    top = {"training": 0, "testing": 0}
    peer = RegionProposalNetwork(
        None, None, POSITIVE_IOU, NEGATIVE_IOU, ANCHORS_PER_IMAGE, 0.5, top, top, NMS_THRESHOLD
    )
    labels, matched = peer.assign_targets_to_anchors([anchors[inside]], [{"boxes": boxes}])
    objectness, regression = peer.compute_loss(
        logits[:, inside].flatten(), offsets[0, inside], labels, peer.box_coder.encode(matched, [anchors[inside]])
    )
    torch.testing.assert_close(parts["objectness"], objectness)
    torch.testing.assert_close(parts["proposal regression"], regression)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["objectness", "proposal regression"])
def test_gradient_of_each_part(rpn: RPN, part: str) -> None:
    anchors = anchors_on(anchor_shapes((32,)), 4, 4, 16)
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, len(anchors), generator=rng, dtype=torch.float64, requires_grad=True)
    offsets = torch.randn(2, len(anchors), 4, generator=rng, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[2.0, 4, 40, 36], [30, 28, 60, 62]])
    targets = [{"boxes": boxes}, {"boxes": boxes[:1] + 7}]

    def loss(logits: Tensor, offsets: Tensor) -> Tensor:
        return rpn.losses(logits, offsets, anchors, targets, (64, 64))[part]

    assert loss(logits, offsets) > 0
    assert gradcheck(loss, (logits, offsets))


def test_regression_learns_the_offsets_to_the_box_overlapped_most(rpn: RPN) -> None:
    boxes = random_boxes(3, 1)
    labelled = label_anchors(ANCHORS, boxes, SHAPE)
    positive = labelled.labels == 1
    offsets = torch.zeros(1, len(ANCHORS), 4)
    offsets[0, positive] = encode(labelled.truth[positive], ANCHORS[positive])
    parts = rpn.losses(torch.zeros(1, len(ANCHORS)), offsets, ANCHORS, [{"boxes": boxes}], SHAPE)
    assert parts["proposal regression"].item() == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize(("before", "after"), [(1000, 1000), (100, 1000), (1000, 10)])
def test_proposals_are_torchvisions(before: int, after: int) -> None:
    rng = torch.Generator().manual_seed(5)
    logits, offsets = torch.randn(len(ANCHORS), generator=rng), torch.randn(len(ANCHORS), 4, generator=rng) / 3
    proposals = propose(logits, offsets, ANCHORS, SHAPE, before, after, least_side=30)

    peer = RegionProposalNetwork(
        None, None, 0.7, 0.3, 256, 0.5, {"testing": before}, {"testing": after}, NMS_THRESHOLD
    ).eval()
    peer.min_size = 30
    decoded = peer.box_coder.decode(offsets, [ANCHORS])[None, :, 0]
    (boxes,), (scores,) = peer.filter_proposals(decoded, logits[None], [SHAPE], [len(ANCHORS)])
    torch.testing.assert_close(proposals.boxes, boxes)
    assert proposals.scores is not None
    torch.testing.assert_close(proposals.scores, scores)
    assert 0 < len(boxes) <= after


def test_proposals_by_hand() -> None:
    anchors = torch.tensor(
        [
            [0.0, 0, 20, 20],
            [0, 0, 20, 15],  # IoU 0.75 with the first
            [0, 0, 14, 20],  # IoU 0.7 with the first, no more: kept
            [95, 50, 115, 70],  # cut at the border to 5 x 20: too thin
            [50, 80, 70, 110],  # cut to 20 x 20
        ]
    )
    logits = torch.tensor([1.0, 0.5, 0.0, 9.0, 2.0])
    proposals = propose(logits, torch.zeros(5, 4), anchors, (100, 100), 10, 10, least_side=8)
    assert proposals.boxes.tolist() == [[50, 80, 70, 100], [0, 0, 20, 20], [0, 0, 14, 20]], "best first"
    assert proposals.scores is not None
    torch.testing.assert_close(proposals.scores, torch.tensor([2.0, 1.0, 0.0]).sigmoid())


def test_only_the_best_before_nms_and_the_best_after_it() -> None:
    anchors = torch.tensor([[0.0, 0, 20, 20], [0, 0, 20, 19], [50, 50, 70, 70], [80, 0, 100, 20]])
    logits = torch.tensor([3.0, 2, 1, 0])
    assert len(propose(logits, torch.zeros(4, 4), anchors, (100, 100), 2, 9, 8).boxes) == 1
    assert len(propose(logits, torch.zeros(4, 4), anchors, (100, 100), 9, 2, 8).boxes) == 2


def test_no_anchor_large_enough_makes_no_proposal() -> None:
    proposals = propose(torch.zeros(1), torch.zeros(1, 4), torch.tensor([[0.0, 0, 5, 5]]), (100, 100), 9, 9, 8)
    assert proposals.boxes.shape == (0, 4)
