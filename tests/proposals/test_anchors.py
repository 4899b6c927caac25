"""Anchors by hand, beside the table of Faster R-CNN's released code, and on the cells of a map."""

import pytest
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops import box_area, box_iou

from core.proposals.anchors import RATIOS, anchor_shapes, anchors_on

SCALES = (128, 256, 512)

# py-faster-rcnn, lib/rpn/generate_anchors.py, in pixels that count from 1 with both ends included: ratio 1:2 (wide) at
# three scales, then 1:1, then 2:1, for the cell at the image's corner.
RELEASED = torch.tensor(
    [
        [-83.0, -39, 100, 56],
        [-175, -87, 192, 104],
        [-359, -183, 376, 200],
        [-55, -55, 72, 72],
        [-119, -119, 136, 136],
        [-247, -247, 264, 264],
        [-35, -79, 52, 96],
        [-79, -167, 96, 184],
        [-167, -343, 184, 360],
    ]
)


def test_shapes_by_hand() -> None:
    shapes = anchor_shapes((32, 64), (0.25, 1.0, 4.0))
    assert shapes.tolist() == [
        [-32, -8, 32, 8],
        [-64, -16, 64, 16],
        [-16, -16, 16, 16],
        [-32, -32, 32, 32],
        [-8, -32, 8, 32],
        [-16, -64, 16, 64],
    ]


def test_a_scale_is_the_root_of_the_area_and_a_ratio_is_height_to_width() -> None:
    shapes = anchor_shapes(SCALES).view(len(RATIOS), len(SCALES), 4)
    width, height = (shapes[..., 2:] - shapes[..., :2]).unbind(-1)
    torch.testing.assert_close(height / width, torch.tensor(RATIOS)[:, None].expand(3, 3))
    torch.testing.assert_close(
        box_area(shapes.flatten(0, 1)).sqrt().view(3, 3), torch.tensor(SCALES).float().expand(3, 3)
    )


def test_the_released_table_is_ours_but_for_its_rounding() -> None:
    """It rounds the sides of a 16-pixel anchor to whole pixels and multiplies by 8, 16 and 32."""
    half_open = RELEASED - torch.tensor([1.0, 1, 0, 0])
    ours = anchors_on(anchor_shapes(SCALES), 1, 1, 16)
    assert ((half_open[:, :2] + half_open[:, 2:]) / 2).equal((ours[:, :2] + ours[:, 2:]) / 2), "about (8, 8)"
    assert half_open[3:6].equal(ours[3:6]), "squares need no rounding"
    assert (box_iou(half_open, ours).diagonal() > 0.92).all()
    assert box_iou(half_open, ours).argmax(1).equal(torch.arange(9)), "in the same order"
    for row, ratio in enumerate(RATIOS):
        width = round(16 / ratio**0.5)
        sides = torch.tensor([width, round(width * ratio)]) * torch.tensor([[8], [16], [32]])
        rounded = half_open[3 * row : 3 * row + 3]
        assert (rounded[:, 2:] - rounded[:, :2]).equal(sides.float())


def test_shapes_are_torchvisions_before_its_rounding() -> None:
    expected = AnchorGenerator((SCALES,), (RATIOS,)).generate_anchors(list(SCALES), list(RATIOS))
    assert anchor_shapes(SCALES).round().equal(expected)


def test_anchors_lie_about_the_middles_of_cells_row_by_row() -> None:
    shapes = anchor_shapes((32, 64))
    anchors = anchors_on(shapes, 2, 3, 16).view(2, 3, len(shapes), 4)
    for i in range(2):
        for j in range(3):
            middle = torch.tensor([16 * j + 8, 16 * i + 8] * 2)
            torch.testing.assert_close(anchors[i, j] - middle, shapes)


@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (4, 7)])
def test_one_anchor_for_each_cell_and_shape(shape: tuple[int, int]) -> None:
    assert anchors_on(anchor_shapes(SCALES), *shape, 16).shape == (shape[0] * shape[1] * 9, 4)
