"""Box arithmetic: offsets there and back, against torchvision's coder, and the 8 symmetries with their masks."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou, clip_boxes_to_image, masks_to_boxes

from core.boxes import assign, clip, decode, encode, turn, turn_map

CODER = BoxCoder((1.0, 1.0, 1.0, 1.0))
SIDE = 12


def random_boxes(count: int, seed: int, side: float = 256.0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng) * side
    return torch.cat([corner, corner + 1 + torch.rand(count, 2, generator=rng) * side / 2], 1)


@st.composite
def boxes_with_area(draw: st.DrawFn) -> Tensor:
    x, y = (draw(st.floats(-500, 500, width=32)) for _ in range(2))
    width, height = (draw(st.floats(1, 500, width=32)) for _ in range(2))
    return torch.tensor([[x, y, x + width, y + height]])


@given(boxes_with_area(), boxes_with_area())
def test_decode_undoes_encode(box: Tensor, anchor: Tensor) -> None:
    box, anchor = box.double(), anchor.double()
    centre, sides = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
    half = torch.minimum(sides, 1000 / 16 * (anchor[:, 2:] - anchor[:, :2])) / 2  # no box grows beyond that
    expected = torch.cat([centre - half, centre + half], 1)
    torch.testing.assert_close(decode(encode(box, anchor), anchor), expected, rtol=1e-9, atol=1e-9)


def test_offsets_by_hand() -> None:
    anchor = torch.tensor([[10.0, 20.0, 30.0, 60.0]])  # 20 x 40 about (20, 40)
    box = torch.tensor([[20.0, 40.0, 60.0, 60.0]])  # 40 x 20 about (40, 50)
    expected = torch.tensor([[1.0, 0.25, math.log(2), -math.log(2)]])
    torch.testing.assert_close(encode(box, anchor), expected)


def test_encode_and_decode_are_torchvisions() -> None:
    boxes, anchors = random_boxes(200, 0), random_boxes(200, 1)
    offsets = CODER.encode_single(boxes, anchors)
    torch.testing.assert_close(encode(boxes, anchors), offsets)
    wild = offsets * 3  # up to the bound of the exponent and beyond
    assert (wild[:, 2:] > math.log(1000 / 16)).any()
    torch.testing.assert_close(decode(wild, anchors), CODER.decode_single(wild, anchors))


def test_decode_broadcasts_one_region_over_its_classes() -> None:
    anchors = random_boxes(5, 2)
    offsets = torch.randn(5, 3, 4, generator=torch.Generator().manual_seed(0))
    together = decode(offsets, anchors[:, None])
    for column in range(3):
        assert together[:, column].equal(decode(offsets[:, column], anchors))


def test_zero_area_stays_zero_area() -> None:
    """There is no inclusive pixel here: width is x1 - x0, with nothing added."""
    anchor = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    point = torch.tensor([[4.0, 5.0, 4.0, 5.0]])
    assert decode(encode(point, anchor), anchor).equal(point)
    assert decode(torch.ones(1, 4), point).equal(point)
    iou, _index = assign(point, point)
    assert not (iou > 0).any(), "a point overlaps nothing, itself included"


def test_clip_is_torchvisions() -> None:
    boxes = random_boxes(200, 3) - 60
    assert clip(boxes, 90, 160).equal(clip_boxes_to_image(boxes, (90, 160)))
    for_classes = boxes.view(50, 4, 4)
    assert clip(for_classes, 90, 160).equal(clip(boxes, 90, 160).view(50, 4, 4))


def test_a_box_beyond_the_border_becomes_one_of_zero_area_on_it() -> None:
    beyond = torch.tensor([[200.0, -20.0, 220.0, -10.0]])
    assert clip(beyond, 100, 150).tolist() == [[150, 0, 150, 0]]


def test_assign_takes_the_best_overlap() -> None:
    boxes, truth = random_boxes(60, 4), random_boxes(7, 5)
    iou, index = assign(boxes, truth)
    for row, box in enumerate(boxes):
        overlaps = [box_iou(box[None], one[None]).item() for one in truth]
        assert iou[row].item() == max(overlaps)
        assert index[row].item() == overlaps.index(max(overlaps)), "the first of equals"


def test_assign_without_ground_truth_or_boxes() -> None:
    iou, index = assign(random_boxes(3, 6), torch.zeros(0, 4))
    assert iou.tolist() == [0, 0, 0] and index.tolist() == [0, 0, 0]
    iou, index = assign(torch.zeros(0, 4), random_boxes(3, 6))
    assert iou.shape == index.shape == (0,)


@pytest.mark.parametrize("turns", range(8))
def test_a_box_turns_with_its_mask(turns: int) -> None:
    box = torch.tensor([[1.0, 3.0, 6.0, 11.0]])
    mask = torch.zeros(1, SIDE, SIDE, dtype=torch.bool)
    mask[0, 3:11, 1:6] = True
    around = masks_to_boxes(turn_map(mask, turns))
    around[:, 2:] += 1  # masks_to_boxes names the last pixel
    assert turn(box, turns, SIDE).equal(around)


def test_turns_are_the_8_symmetries_of_the_square() -> None:
    picture = torch.arange(SIDE * SIDE).view(SIDE, SIDE)
    turned = [turn_map(picture, turns) for turns in range(8)]
    assert turned[0].equal(picture)
    assert len({tuple(one.flatten().tolist()) for one in turned}) == 8
    assert turned[1].equal(picture.fliplr()), "bit 0 mirrors left to right"
    assert turned[2].equal(picture.flipud()), "bit 1 mirrors top to bottom"
    assert turned[4].equal(picture.T), "bit 2 swaps the axes"
    quarter_turns = [picture.rot90(times) for times in range(4)]
    assert sum(any(one.equal(quarter) for quarter in quarter_turns) for one in turned) == 4


def test_turns_keep_leading_axes_and_no_boxes() -> None:
    stack = torch.arange(2 * 3 * SIDE * SIDE).view(2, 3, SIDE, SIDE)
    assert turn_map(stack, 5)[1, 2].equal(turn_map(stack[1, 2], 5))
    assert turn(torch.zeros(0, 4), 7, SIDE).shape == (0, 4)
