"""What YOLO's grid says, by hand, and what pulls at one of its boxes."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck
from torchvision.ops import box_iou

from core.detectors import build
from core.detectors.yolo import STEP, YOLO, Grid, lay_into_grid, loss_parts, paired_iou, pull, responsible
from core.stages import run
from core.values import Scores
from tests.detectors.grids import PIXELS, PREDICTIONS, SIDE, TARGETS, empty_grid, random_grid


def test_a_cell_holds_the_first_box_that_falls_into_it() -> None:
    truth = lay_into_grid(TARGETS, SIDE, PIXELS)
    assert truth.present.nonzero().tolist() == [[0, 1, 1], [0, 3, 0], [0, 3, 3], [1, 0, 2]]
    assert truth.labels[0, 1, 1] == 2
    torch.testing.assert_close(truth.boxes[0, 1, 1], torch.tensor([10.0, 14, 40, 40]) / 64)
    assert truth.labels[0, 3, 0] == 3 and truth.labels[0, 3, 3] == 1 and truth.labels[1, 0, 2] == 1


def test_a_centre_on_the_far_border_belongs_to_the_last_cell() -> None:
    edge = {"boxes": torch.tensor([[64.0, 64, 64, 64]]), "labels": torch.tensor([1])}
    truth = lay_into_grid([edge], SIDE, PIXELS)
    assert truth.present.nonzero().tolist() == [[0, 3, 3]]
    grid = empty_grid()
    grid.xy[0, 3, 3] = 1.0
    assert loss_parts(grid, truth)["box regression"] == 0


def test_boxes_of_a_grid_by_hand() -> None:
    grid = empty_grid()
    grid.xy[0, 1, 2, 0] = torch.tensor([0.5, 0.25])  # row 1, column 2: about (2.5, 1.25) of 4 cells
    grid.root_wh[0, 1, 2, 0] = torch.tensor([0.5, math.sqrt(0.5)])  # a quarter wide, half high
    assert grid.boxes.shape == (1, SIDE, SIDE, 2, 4)
    expected = torch.tensor([0.625 - 0.125, 0.3125 - 0.25, 0.625 + 0.125, 0.3125 + 0.25])
    torch.testing.assert_close(grid.boxes[0, 1, 2, 0], expected)
    assert grid.boxes[0, 3, 1, 1].tolist() == [0.25, 0.75, 0.25, 0.75], "row 3, column 1, of no size"


def test_paired_iou_is_torchvisions() -> None:
    rng = torch.Generator().manual_seed(0)
    corners = torch.rand(2, 50, 2, 2, generator=rng)
    boxes, others = torch.cat([corners.amin(2), corners.amax(2)], -1)
    torch.testing.assert_close(paired_iou(boxes, others), box_iou(boxes, others).diagonal())
    point = torch.zeros(1, 4)
    assert paired_iou(point, point).tolist() == [0], "a point overlaps nothing"


def test_how_channels_are_read() -> None:
    yolo = YOLO().eval()
    last = yolo.head[-1]
    assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
    torch.nn.init.zeros_(last.weight)
    with torch.no_grad():
        last.bias.copy_(torch.arange(16))
        grid = yolo.grid(torch.zeros(1, 128, 2, 2))
    for cell in ((0, 0), (1, 0)):
        assert grid.xy[0][cell].tolist() == [[0, 1], [5, 6]]
        assert grid.root_wh[0][cell].tolist() == [[2, 3], [7, 8]]
        assert grid.confidence[0][cell].tolist() == [4, 9]
        assert grid.classes[0][cell].tolist() == [10, 11, 12, 13, 14, 15]


def test_a_score_is_the_boxs_confidence_times_its_cells_class_probability() -> None:
    torch.manual_seed(0)
    yolo = YOLO().eval()
    image = torch.randint(0, 256, (3, 100, 180), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    trace = run(yolo, image)
    scores = next(step.value for step in trace.steps if step.name == "Grid")
    assert isinstance(scores, Scores)
    pixels = torch.nn.functional.interpolate(image[None], (256, 256), mode="bilinear", antialias=True).float()
    with torch.inference_mode():
        grid = yolo.grid(yolo.trunk(pixels))
    row, column, box = 5, 9, 1
    index = (row * 16 + column) * 2 + box
    assert scores.values.shape == (16 * 16 * 2, 7) and scores.values[index, 0] == -torch.inf
    expected = grid.confidence[0, row, column, box] * grid.classes[0, row, column]
    torch.testing.assert_close(scores.values[index, 1:], expected)
    expected = grid.boxes[0, row, column, box] * torch.tensor([180, 100, 180, 100])
    torch.testing.assert_close(scores.boxes[index], expected)


def test_a_box_is_put_where_it_was_asked_for_and_no_other_moves() -> None:
    grid = random_grid(1)
    box = torch.tensor([0.3, 0.7, 0.2, 0.1], dtype=torch.float64)
    moved = grid.with_box((2, 1, 1), box, torch.tensor(0.4, dtype=torch.float64))
    expected = torch.tensor([0.2, 0.65, 0.4, 0.75], dtype=torch.float64)
    torch.testing.assert_close(moved.boxes[0, 2, 1, 1], expected)
    assert moved.confidence[0, 2, 1, 1] == 0.4
    elsewhere = torch.ones(1, SIDE, SIDE, 2, dtype=torch.bool)
    elsewhere[0, 2, 1, 1] = False
    assert (moved.boxes[elsewhere] == grid.boxes[elsewhere]).all()
    assert (moved.confidence[elsewhere] == grid.confidence[elsewhere]).all()


def test_gradients_reach_a_box_that_was_put_there() -> None:
    grid, truth = random_grid(1), lay_into_grid(TARGETS[:1], SIDE, PIXELS)

    def loss(box: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
        parts = loss_parts(grid.with_box((1, 1, 0), box, confidence), truth)
        return parts["box regression"], parts["confidence"]

    box = torch.tensor([0.4, 0.43, 0.5, 0.4], dtype=torch.float64, requires_grad=True)
    confidence = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert (
        responsible(grid.with_box((1, 1, 0), box, confidence).boxes[0, 1, 1][None], truth.boxes[0, 1, 1][None])[0] == 0
    )
    assert gradcheck(lambda box: loss(box, confidence)[0], box)
    assert gradcheck(lambda confidence: loss(box, confidence)[1], confidence)


def pulled_at(box: list[float], predictor: int = 0) -> tuple[Grid, Tensor]:
    """A grid with one object in cell (1, 1) and a twin that is far off; its box in pixels."""
    grid = empty_grid()
    grid.root_wh[0, 1, 1, 1 - predictor] = 0.01
    return grid, torch.tensor(box)


TRUTH = lay_into_grid([{"boxes": torch.tensor([[10.0, 14, 40, 40]]), "labels": torch.tensor([2])}], SIDE, PIXELS)


def test_the_pull_is_the_slope_of_the_loss() -> None:
    grid, box = pulled_at([28.0, 30, 20, 30])
    confidence = torch.tensor(0.25)
    found = pull(grid, TRUTH, (1, 1, 0), box, confidence, (PIXELS, PIXELS))

    def loss(shift: Tensor) -> float:
        moved = grid.with_box((1, 1, 0), (box.double() + shift) / PIXELS, confidence.double())
        return loss_parts(moved, TRUTH)["box regression"].item()

    grid = Grid(*(getattr(grid, name).double() for name in PREDICTIONS))
    for axis in range(4):
        shift = torch.zeros(4, dtype=torch.float64)
        shift[axis] = 1e-4
        assert found.box[axis].item() == pytest.approx((loss(shift) - loss(-shift)) / 2e-4, rel=1e-3), axis
    overlap = box_iou(torch.tensor([[18.0, 15, 38, 45]]), torch.tensor([[10.0, 14, 40, 40]])).item()
    assert found.outputs[4].item() == pytest.approx(2 * (0.25 - overlap), rel=1e-5)
    assert found.next_confidence.item() == pytest.approx(0.25 - STEP * 2 * (0.25 - overlap), rel=1e-5)
    assert found.parts == loss_parts(found.grid, TRUTH)


def test_one_step_of_descent_halves_the_error_of_the_outputs() -> None:
    grid, box = pulled_at([28.0, 30, 20, 30])
    found = pull(grid, TRUTH, (1, 1, 0), box, torch.tensor(0.0), (PIXELS, PIXELS))
    centre, sides = torch.tensor([25.0, 27]), torch.tensor([30.0, 26])
    torch.testing.assert_close(found.next_box[:2] - centre, (box[:2] - centre) / 2)
    torch.testing.assert_close(found.next_box[2:].sqrt() - sides.sqrt(), (box[2:].sqrt() - sides.sqrt()) / 2)


def test_nothing_pulls_at_the_box_that_does_not_answer() -> None:
    grid, _box = pulled_at([0.0] * 4)
    found = pull(grid, TRUTH, (1, 1, 0), torch.tensor([60.0, 60, 4, 4]), torch.tensor(0.5), (PIXELS, PIXELS))
    assert (found.box == 0).all() and (found.outputs[:4] == 0).all()
    assert found.outputs[4].item() == pytest.approx(2 * 0.5 * 0.5), "its confidence is to be 0"


def test_the_size_of_an_image_that_is_not_square_is_width_and_height() -> None:
    found = pull(empty_grid(), TRUTH, (1, 1, 0), torch.tensor([50.0, 20, 100, 10]), torch.tensor(0.0), (200, 40))
    torch.testing.assert_close(found.grid.boxes[0, 1, 1, 0], torch.tensor([0.0, 0.375, 0.5, 0.625]))


def test_one_look_is_what_the_stages_start_from() -> None:
    torch.manual_seed(0)
    yolo = YOLO().eval()
    image = torch.randint(0, 256, (3, 100, 180), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    scores = next(step.value for step in run(yolo, image).steps if isinstance(step.value, Scores))
    with torch.inference_mode():
        grid = yolo.look(image)
    expected = (grid.confidence[0][..., None] * grid.classes[0][:, :, None]).flatten(0, 2)
    torch.testing.assert_close(scores.values[:, 1:], expected)


def test_on_photos_a_cell_is_32_pixels_and_the_head_has_a_stride() -> None:
    of_photos = build("yolo", "photos")
    assert isinstance(of_photos, YOLO)
    with torch.inference_mode():
        grid = of_photos.look(torch.zeros(3, 240, 320, dtype=torch.uint8))
    assert grid.xy.shape == (1, 10, 10, 2, 2) and grid.classes.shape == (1, 10, 10, 6)
    strides = [layer.stride[0] for layer in of_photos.head if isinstance(layer, nn.Conv2d)]
    assert strides == [2, 1, 1]
