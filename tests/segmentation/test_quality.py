"""Figures of segmentations: against the paper's formulas, and boundaries counted by hand."""

import json
import math

import pytest
import torch
from torch import Tensor

from core.segmentation.base import VOID
from core.segmentation.quality import as_report, boundary_f_score, summed_up

CLASSES = ("background", "ellipse", "rectangle", "triangle")


def square(left: int, side: int = 20, label: int = 1, size: int = 60) -> Tensor:
    labels = torch.zeros(size, size, dtype=torch.int64)
    labels[20 : 20 + side, left : left + side] = label
    return labels


def random_maps(count: int, classes: int = 4) -> list[tuple[Tensor, Tensor, float]]:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randint(classes, (count, 2, 12, 17), generator=generator)
    return [(one[0], one[1], 0.1 * index) for index, one in enumerate(maps)]


def papers_figures(counts: list[list[int]]) -> dict[str, float]:
    """Long, Shelhamer and Darrell 2015, section 5: ``counts[i][j]`` are pixels of class i predicted to be class j."""
    n = range(len(counts))
    t = [sum(counts[i]) for i in n]
    union = [t[i] + sum(counts[j][i] for j in n) - counts[i][i] for i in n]
    seen = [i for i in n if t[i]]
    either = [i for i in n if union[i]]
    return {
        "pixel_accuracy": sum(counts[i][i] for i in n) / sum(t),
        "mean_accuracy": sum(counts[i][i] / t[i] for i in seen) / len(seen),
        "mean_iou": sum(counts[i][i] / union[i] for i in either) / len(either),
        "frequency_weighted_iou": sum(t[i] * counts[i][i] / union[i] for i in seen) / sum(t),
    }


@pytest.mark.parametrize("classes", [4, 3, 2])
def test_the_figures_are_the_papers_formulas(classes: int) -> None:
    """Where there are fewer than four, a class that is named occurs nowhere."""
    quality = summed_up(random_maps(5, classes), CLASSES)
    expected = papers_figures(quality.confusion.tolist())
    assert {name: getattr(quality, name) for name in expected} == pytest.approx(expected, abs=1e-6)
    assert list(quality.iou_per_class) == list(CLASSES[:classes])
    assert quality.seconds_per_image == pytest.approx(0.2)


def test_a_class_that_only_the_prediction_has_costs_iu_but_no_accuracy() -> None:
    truth = torch.tensor([[0, 0, 1, 1]])
    quality = summed_up([(torch.tensor([[0, 2, 1, 1]]), truth, 0.0)], CLASSES)
    assert quality.pixel_accuracy == pytest.approx(3 / 4)
    assert quality.mean_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert quality.mean_iou == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert quality.frequency_weighted_iou == pytest.approx((1 / 2 + 1) / 2)
    assert quality.iou_per_class == pytest.approx({"background": 0.5, "ellipse": 1.0, "rectangle": 0.0})


def test_a_row_of_the_confusion_is_a_true_class() -> None:
    quality = summed_up([(torch.tensor([[1, 1, 2]]), torch.tensor([[0, 0, 2]]), 0.0)], CLASSES)
    assert quality.confusion.tolist() == [[0, 2, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]]


def test_the_background_counts_as_a_class() -> None:
    quality = summed_up([(square(20), torch.zeros(60, 60, dtype=torch.int64), 0.0)], CLASSES)
    assert quality.mean_iou == pytest.approx((3200 / 3600 + 0) / 2)


@pytest.mark.parametrize(
    ("shift", "tolerance", "expected"),
    [
        (0, 0, 1.0),
        (1, 1, 1.0),
        (2, 2, 1.0),
        # Of the 76 pixels along its edge: 19 of the top and bottom each lie on the truth's, and no others do.
        (1, 0, 38 / 76),
        # 17 of the top and 17 of the bottom are within 2 pixels, and two more at each end of the side inside.
        (5, 2, 38 / 76),
        (25, 2, 0.0),
    ],
)
def test_a_shifted_square_counted_by_hand(shift: int, tolerance: float, expected: float) -> None:
    assert boundary_f_score(square(20 + shift), square(20), tolerance) == pytest.approx(expected)
    assert boundary_f_score(square(20), square(20 + shift), tolerance) == pytest.approx(expected)


def test_precision_and_recall_are_weighed_against_each_other() -> None:
    """Every pixel of the small square's 36 is right; of the large one's 76, the 19 + 19 of the corner they share."""
    small, large = square(20, side=10), square(20, side=20)
    precision, recall = 19 / 36, 19 / 76
    assert boundary_f_score(small, large, 0) == pytest.approx(2 * precision * recall / (precision + recall))


def test_a_class_in_only_one_of_the_maps_is_wrong() -> None:
    both = square(10)
    both[:5, :5] = 2
    assert boundary_f_score(square(10), both) == pytest.approx(0.5)
    assert boundary_f_score(both, square(10)) == pytest.approx(0.5)


def test_the_tolerance_is_a_share_of_the_diagonal() -> None:
    """0.75 % of 256 x 256 pixels' diagonal are 2.7 pixels: 2 are within, 3 are not."""
    truth = square(100, size=256)
    assert boundary_f_score(square(102, size=256), truth) == pytest.approx(1.0)
    assert boundary_f_score(square(103, size=256), truth) < 1.0


def test_the_edge_of_the_image_is_no_boundary() -> None:
    half = torch.zeros(10, 10, dtype=torch.int64)
    half[:, :5] = 1
    other = torch.zeros(10, 10, dtype=torch.int64)
    other[:, :8] = 1
    assert boundary_f_score(half, other, 1) == 0.0


def test_without_a_boundary_there_is_no_score() -> None:
    nothing = torch.zeros(8, 8, dtype=torch.int64)
    assert math.isnan(boundary_f_score(nothing, nothing))
    assert math.isnan(boundary_f_score(nothing + 1, nothing + 1)), "it fills the image"
    quality = summed_up([(nothing, nothing, 0.0), (square(20), square(20), 0.0)], CLASSES)
    assert quality.boundary_f == 1.0, "an image without a boundary says nothing about boundaries"


def test_pixels_of_which_nothing_is_known_count_in_no_figure() -> None:
    truth = torch.tensor([[0, 1, VOID], [1, VOID, VOID]])
    predicted = torch.tensor([[0, 1, 2], [0, 1, 0]])
    quality = summed_up(
        [(predicted, truth, 0.1), (predicted, torch.full_like(truth, VOID), 0.1)], ("none", "one", "two")
    )
    assert quality.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0]]
    assert quality.pixel_accuracy == pytest.approx(2 / 3) and quality.mean_iou == pytest.approx(0.5)
    assert math.isnan(quality.boundary_f), "where a boundary is, is not known"


def test_no_image_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="choose at least one"):
        summed_up([], CLASSES)


def test_the_report_is_json_even_without_boundaries() -> None:
    nothing = torch.zeros(8, 8, dtype=torch.int64)
    report = json.loads(json.dumps(as_report(summed_up([(nothing, nothing, 0.00123456)], CLASSES)), allow_nan=False))
    assert report["boundary_f"] is None and report["mean_iou"] == 1.0 and report["seconds_per_image"] == 0.001235
    assert report["confusion"][0] == [64, 0, 0, 0] and report["iou_per_class"] == {"background": 1.0}
