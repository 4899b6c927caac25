"""YOLO's loss against a slow derivation of the paper's equation 3."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from core.detectors.yolo import Grid, lay_into_grid, loss_parts, loss_terms, responsible
from tests.detectors.grids import PIXELS, PREDICTIONS, SIDE, TARGETS, empty_grid, parts_of, random_grid

PARTS = ("box regression", "confidence", "classification")


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


@pytest.mark.slow
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
