"""YOLO's loss against a slow derivation of the paper's equation 3, and what its grid says, by hand."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torchvision.ops import box_iou

from core.detectors.yolo import (
    STEP,
    YOLO,
    Grid,
    lay_into_grid,
    loss_parts,
    loss_terms,
    paired_iou,
    pull,
    responsible,
)
from core.stages import run
from core.values import Scores

SIDE, PIXELS, CLASSES = 4, 64, 3
PARTS = ("box regression", "confidence", "classification")
PREDICTIONS = ("xy", "root_wh", "confidence", "classes")

TARGETS = [
    {
        # The second's centre lies in the cell of the first, (1, 1); the third's in the last cell, on its far corner.
        "boxes": torch.tensor([[10.0, 14, 40, 40], [18, 20, 26, 28], [63, 62, 64, 64], [0, 40, 16, 60]]),
        "labels": torch.tensor([2, 3, 1, 3]),
    },
    {"boxes": torch.tensor([[32.0, 0, 48, 10]]), "labels": torch.tensor([1])},
    {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
]


def random_grid(images: int = 3, seed: int = 0) -> Grid:
    rng = torch.Generator().manual_seed(seed)

    def some(*shape: int) -> Tensor:
        return torch.rand(images, SIDE, SIDE, *shape, generator=rng, dtype=torch.float64)

    return Grid(some(2, 2), some(2, 2) * 0.8, some(2) * 1.2 - 0.1, some(CLASSES) * 1.4 - 0.2)


def empty_grid(images: int = 1, side: int = SIDE) -> Grid:
    cells = images, side, side
    return Grid(
        torch.zeros(*cells, 2, 2), torch.zeros(*cells, 2, 2), torch.zeros(*cells, 2), torch.zeros(*cells, CLASSES)
    )


def parts_of(grid: Grid, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return loss_parts(grid, lay_into_grid(targets, grid.xy.shape[1], PIXELS))


def iou_of(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    across = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - across * down
    return across * down / union


def equation_3(grid: Grid, targets: list[dict[str, Tensor]]) -> dict[str, float]:
    """The loss as the paper has it, cell by cell and box by box, over the number of images."""
    coordinates = confidence = classification = 0.0
    for b, target in enumerate(targets):
        objects = [tuple(x / PIXELS for x in box) for box in target["boxes"].tolist()]
        centres = [((x0 + x1) / 2 * SIDE, (y0 + y1) / 2 * SIDE) for x0, y0, x1, y1 in objects]
        for i in range(SIDE):
            for j in range(SIDE):
                mine = [index for index, (x, y) in enumerate(centres) if (int(y), int(x)) == (i, j)]
                answering = None
                if mine:
                    index = mine[0]
                    x0, y0, x1, y1 = objects[index]
                    predicted = []
                    for k in range(2):
                        x, y = (grid.xy[b, i, j, k].tolist()[axis] + (j, i)[axis] for axis in (0, 1))
                        w, h = (root**2 for root in grid.root_wh[b, i, j, k].tolist())
                        predicted.append((x / SIDE - w / 2, y / SIDE - h / 2, x / SIDE + w / 2, y / SIDE + h / 2))
                    overlaps = [iou_of(one, objects[index]) for one in predicted]
                    answering = overlaps.index(max(overlaps))
                    if max(overlaps) == 0:
                        errors = [math.dist(one, objects[index]) for one in predicted]
                        answering = errors.index(min(errors))
                    x, y = grid.xy[b, i, j, answering].tolist()
                    w, h = grid.root_wh[b, i, j, answering].tolist()
                    coordinates += (x - (centres[index][0] - j)) ** 2 + (y - (centres[index][1] - i)) ** 2
                    coordinates += (w - math.sqrt(x1 - x0)) ** 2 + (h - math.sqrt(y1 - y0)) ** 2
                    confidence += (grid.confidence[b, i, j, answering].item() - overlaps[answering]) ** 2
                    for c, probability in enumerate(grid.classes[b, i, j].tolist(), start=1):
                        classification += (probability - (c == target["labels"][index].item())) ** 2
                for k in range(2):
                    if k != answering:
                        confidence += 0.5 * grid.confidence[b, i, j, k].item() ** 2
    parts = (5 * coordinates, confidence, classification)
    return {name: value / len(targets) for name, value in zip(PARTS, parts, strict=True)}


@pytest.mark.parametrize("seed", range(5))
def test_loss_is_equation_3(seed: int) -> None:
    grid = random_grid(seed=seed)
    expected = equation_3(grid, TARGETS)
    parts = parts_of(grid, TARGETS)
    assert set(parts) == set(PARTS)
    for name, value in parts.items():
        assert value.item() == pytest.approx(expected[name], rel=1e-6), name


def test_loss_is_equation_3_where_no_box_overlaps_the_truth() -> None:
    """Tiny predictions at the far corners of their cells: every IoU with the truth is 0."""
    grid = random_grid()
    grid.root_wh.mul_(0.01)
    grid.xy.mul_(0.01).add_(torch.tensor([[0.0], [0.99]], dtype=torch.float64))
    targets = [{"boxes": torch.tensor([[6.0, 6, 10, 10]]), "labels": torch.tensor([1])}] * 3
    _index, iou = responsible(grid.boxes[:, 0, 0], torch.tensor([[6.0, 6, 10, 10]]).expand(3, 4) / PIXELS)
    assert (iou == 0).all()
    expected = equation_3(grid, targets)
    for name, value in parts_of(grid, targets).items():
        assert value.item() == pytest.approx(expected[name], rel=1e-6), name


def test_a_perfect_grid_costs_nothing() -> None:
    truth = lay_into_grid(TARGETS[:1], SIDE, PIXELS)
    grid = empty_grid()
    for i, j in truth.present[0].nonzero().tolist():
        x0, y0, x1, y1 = truth.boxes[0, i, j].tolist()
        grid.xy[0, i, j, 1] = torch.tensor([(x0 + x1) / 2 * SIDE - j, (y0 + y1) / 2 * SIDE - i])
        grid.root_wh[0, i, j, 1] = torch.tensor([x1 - x0, y1 - y0]).sqrt()
        grid.confidence[0, i, j, 1] = 1
        grid.classes[0, i, j, truth.labels[0, i, j] - 1] = 1
    assert sum(loss_parts(grid, truth).values()).item() == pytest.approx(0, abs=1e-9)  # type: ignore[union-attr]


def test_the_responsible_box_overlaps_most_or_is_nearest() -> None:
    truth = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 4], [0, 0, 4, 4]])
    boxes = torch.tensor(
        [
            [[0.0, 0, 4, 2], [0, 0, 4, 3]],  # IoU 0.5 and 0.75
            [[0, 0, 1, 1], [4, 4, 5, 5]],  # 1 / 16 and 0, though it is the farther one that counts for nothing
            [[90, 0, 94, 4], [5, 0, 9, 4]],  # no overlap: the second is nearer
        ]
    )
    index, iou = responsible(boxes, truth)
    assert index.tolist() == [1, 0, 1]
    torch.testing.assert_close(iou, torch.tensor([[0.5, 0.75], [1 / 16, 0], [0, 0]]))


def test_overlap_beats_nearness() -> None:
    truth = torch.tensor([[0.0, 0, 10, 10]])
    overlapping, near = [9.0, 9, 30, 30], [10.0, 0, 20, 10]
    index, _iou = responsible(torch.tensor([[near, overlapping]]), truth)
    assert index.tolist() == [1]


def test_the_twin_of_the_responsible_box_is_to_say_no_object() -> None:
    grid = empty_grid()
    grid.root_wh[0, 1, 1, 0] = 0.5
    grid.confidence[0, 1, 1] = torch.tensor([0.0, 0.6])
    box = {"boxes": torch.tensor([[16.0, 16, 32, 32]]), "labels": torch.tensor([1])}
    overlap = 1 / 7  # the prediction is a cell's size about its corner, a quarter of it in the truth
    assert parts_of(grid, [box])["confidence"].item() == pytest.approx(overlap**2 + 0.5 * 0.6**2)


def test_the_confidence_to_learn_is_held_constant() -> None:
    leaves = {name: getattr(random_grid(), name).requires_grad_() for name in PREDICTIONS}
    parts_of(Grid(**leaves), TARGETS)["confidence"].backward()
    assert leaves["confidence"].grad is not None
    for name in ("xy", "root_wh", "classes"):
        gradient = leaves[name].grad
        assert gradient is None or (gradient == 0).all(), f"the confidence moves {name}"


def test_classes_are_learnt_only_where_an_object_is_and_boxes_only_by_the_responsible() -> None:
    grid = random_grid()
    leaves = {name: getattr(grid, name).requires_grad_() for name in PREDICTIONS}
    parts = parts_of(Grid(**leaves), TARGETS)
    (parts["classification"] + parts["box regression"]).backward()
    truth = lay_into_grid(TARGETS, SIDE, PIXELS)
    gradients = {name: leaves[name].grad for name in ("classes", "xy", "root_wh")}
    for name, gradient in gradients.items():
        assert gradient is not None
        assert (gradient[~truth.present] == 0).all(), f"{name} of an empty cell"
        assert (gradient[truth.present] != 0).any()
    assert gradients["xy"] is not None
    moved = (gradients["xy"][truth.present] != 0).any(-1)
    assert (moved.sum(1) == 1).all(), "one of two boxes"


@pytest.mark.parametrize(
    ("part", "names"),
    [
        ("box regression", ("xy", "root_wh")),
        ("confidence", ("confidence",)),
        ("classification", ("classes",)),
    ],
)
def test_gradient_of_each_part(part: str, names: tuple[str, ...]) -> None:
    grid = random_grid()
    fixed = {name: getattr(grid, name) for name in PREDICTIONS}

    def loss(*values: Tensor) -> Tensor:
        return parts_of(Grid(**{**fixed, **dict(zip(names, values, strict=True))}), TARGETS)[part]

    assert gradcheck(loss, tuple(fixed[name].requires_grad_() for name in names))


def test_without_objects_only_the_confidence_costs() -> None:
    parts = parts_of(random_grid(1), TARGETS[2:])
    assert parts["box regression"] == 0 and parts["classification"] == 0
    assert parts["confidence"].item() == pytest.approx(0.5 * random_grid(1).confidence.square().sum().item())


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
    pixels = torch.nn.functional.interpolate(image[None].float(), (256, 256), mode="bilinear", antialias=True)
    with torch.inference_mode():
        grid = yolo.grid(yolo.trunk(pixels))
    row, column, box = 5, 9, 1
    index = (row * 16 + column) * 2 + box
    assert scores.values.shape == (16 * 16 * 2, 7) and scores.values[index, 0] == -torch.inf
    expected = grid.confidence[0, row, column, box] * grid.classes[0, row, column]
    torch.testing.assert_close(scores.values[index, 1:], expected)
    expected = grid.boxes[0, row, column, box] * torch.tensor([180, 100, 180, 100])
    torch.testing.assert_close(scores.boxes[index], expected)


def test_the_cells_terms_sum_to_the_training_loss() -> None:
    grid, truth = random_grid(1), lay_into_grid(TARGETS[:1], SIDE, PIXELS)
    terms = loss_terms(grid, truth)
    parts = loss_parts(grid, truth, lambda_coord=3.0, lambda_noobj=0.25)
    torch.testing.assert_close(3 * (terms.centre.sum() + terms.sides.sum()), parts["box regression"])
    torch.testing.assert_close(terms.object.sum() + 0.25 * terms.no_object.sum(), parts["confidence"])
    torch.testing.assert_close(terms.classification.sum(), parts["classification"])


def test_each_cell_costs_what_it_would_cost_alone() -> None:
    grid = random_grid(1)
    terms = loss_terms(grid, lay_into_grid(TARGETS[:1], SIDE, PIXELS))
    for index, (row, column) in ((0, (1, 1)), (2, (3, 3)), (3, (3, 0))):
        alone = lay_into_grid([{name: values[[index]] for name, values in TARGETS[0].items()}], SIDE, PIXELS)
        parts = loss_parts(grid, alone, lambda_coord=1.0, lambda_noobj=0.0)
        here = (0, row, column)
        torch.testing.assert_close(terms.centre[here] + terms.sides[here], parts["box regression"])
        torch.testing.assert_close(terms.object[here], parts["confidence"])
        torch.testing.assert_close(terms.classification[here], parts["classification"])


def test_an_empty_cell_costs_both_its_confidences_and_nothing_else() -> None:
    grid, truth = random_grid(1), lay_into_grid(TARGETS[:1], SIDE, PIXELS)
    terms = loss_terms(grid, truth)
    empty = ~truth.present
    torch.testing.assert_close(terms.no_object[empty], grid.confidence[empty].square().sum(-1))
    for values in (terms.centre, terms.sides, terms.object, terms.classification):
        assert (values[empty] == 0).all()


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
