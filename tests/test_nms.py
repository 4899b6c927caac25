"""NMS against torchvision's, by hand-worked cases and on random and adversarial boxes."""

import math

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.nms import GRID, batched_nms, correct, nms, soft_nms, soft_sweep, sweep, trace

# A overlaps B by 0.6, B overlaps C by 0.6, A and C by 1 / 3.
CHAIN = torch.tensor([[0.0, 0, 8, 10], [2, 0, 10, 10], [4, 0, 12, 10]])
CHAIN_SCORES = torch.tensor([0.9, 0.8, 0.7])


@st.composite
def scored_boxes(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes on a coarse lattice, so that ties, duplicates, zero areas and IoUs equal to a threshold are common."""
    count = draw(st.integers(0, 24))
    numbers = st.lists(st.integers(0, 10), min_size=4 * count, max_size=4 * count)
    corners = torch.tensor(draw(numbers), dtype=torch.float32).view(count, 2, 2)
    scores = draw(st.lists(st.sampled_from([0.1, 0.25, 0.5, 0.9]), min_size=count, max_size=count))
    labels = draw(st.lists(st.integers(1, 3), min_size=count, max_size=count))
    boxes = torch.cat([corners.amin(1), corners.amax(1)], 1)
    return boxes, torch.tensor(scores), torch.tensor(labels, dtype=torch.int64)


thresholds = st.sampled_from(GRID.tolist())


def crowd(count: int = 300, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=rng) * 100
    boxes = torch.cat([corner, corner + 10 + torch.rand(count, 2, generator=rng) * 50], 1)
    return boxes, torch.rand(count, generator=rng), torch.randint(1, 4, (count,), generator=rng)


def by_hand(boxes: Tensor, scores: Tensor, iou_threshold: float, labels: Tensor | None = None) -> list[int]:
    return [choice.box for choice in trace(boxes, scores, iou_threshold, labels)]


@given(scored_boxes(), thresholds)
def test_greedy_by_hand_keeps_what_torchvision_keeps(case: tuple[Tensor, Tensor, Tensor], threshold: float) -> None:
    boxes, scores, _labels = case
    expected = torchvision.ops.nms(boxes, scores, threshold).tolist()
    assert by_hand(boxes, scores, threshold) == expected
    assert nms(boxes, scores, threshold).tolist() == expected


@pytest.mark.slow
@given(scored_boxes(), thresholds)
def test_per_class_is_nms_on_each_class_alone(case: tuple[Tensor, Tensor, Tensor], threshold: float) -> None:
    boxes, scores, labels = case
    kept = batched_nms(boxes, scores, labels, threshold).tolist()
    for label in (1, 2, 3):
        own = (labels == label).nonzero().squeeze(1)
        alone = own[torchvision.ops.nms(boxes[own], scores[own], threshold)].tolist()
        assert [index for index in kept if labels[index] == label] == alone
    assert by_hand(boxes, scores, threshold, labels) == kept


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_crowd_of_boxes(threshold: float, seed: int) -> None:
    boxes, scores, labels = crowd(seed=seed)
    assert nms(boxes, scores, threshold).tolist() == by_hand(boxes, scores, threshold)
    expected = torchvision.ops.batched_nms(boxes, scores, labels, threshold).tolist()
    assert batched_nms(boxes, scores, labels, threshold).tolist() == expected


def test_trace_names_who_suppresses_whom_and_at_which_iou() -> None:
    first, second = trace(CHAIN, CHAIN_SCORES, 0.5)
    assert (first.box, first.suppressed.tolist()) == (0, [1])
    assert first.iou.item() == pytest.approx(0.6)
    assert (second.box, second.suppressed.tolist()) == (2, [])


@settings(max_examples=40)
@given(scored_boxes(), st.booleans())
def test_sweep_is_nms_at_every_threshold(case: tuple[Tensor, Tensor, Tensor], per_class: bool) -> None:
    boxes, scores, labels = case
    swept = sweep(boxes, scores, labels if per_class else None)
    for row, threshold in enumerate(GRID.tolist()):
        expected = batched_nms(boxes, scores, labels, threshold) if per_class else nms(boxes, scores, threshold)
        assert swept.kept[row].nonzero().squeeze(1).tolist() == sorted(expected.tolist()), f"at {threshold}"


def test_sweep_of_a_crowd_names_the_suppressors_of_the_trace() -> None:
    boxes, scores, labels = crowd()
    swept = sweep(boxes, scores, labels)
    for row in (0, 30, 50, 99):
        expected = torch.full((len(boxes),), -1)
        for choice in trace(boxes, scores, GRID[row].item(), labels):
            expected[choice.suppressed] = choice.box
        assert swept.suppressor[row].equal(expected)


def test_a_higher_threshold_can_drop_a_box_again() -> None:
    apart = CHAIN + torch.tensor([[0.0, 0, 0, 0], [1, 0, 1, 0], [1, 0, 1, 0]])  # IoU: A-B 5/11, B-C 3/5, A-C 3/13
    assert sweep(apart, CHAIN_SCORES).kept[[20, 40, 50, 65], 2].tolist() == [False, True, False, True], (
        "C falls to A; then B does, and spares C; then B stays and takes C; then all three stay"
    )


@given(scored_boxes(), thresholds, st.sampled_from([0.2, 0.5, 0.6]))
def test_a_score_threshold_may_come_after(case: tuple[Tensor, Tensor, Tensor], threshold: float, least: float) -> None:
    boxes, scores, _labels = case
    high = (scores >= least).nonzero().squeeze(1)
    before = high[nms(boxes[high], scores[high], threshold)]
    after = nms(boxes, scores, threshold)
    assert before.tolist() == after[scores[after] >= least].tolist()


def test_of_two_claims_on_one_ground_truth_the_better_scored_is_right() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60], [0, 0, 10, 10]])
    labels = torch.tensor([1, 1, 1, 2])
    scores = torch.tensor([0.6, 0.9, 0.8, 0.7])
    right = correct(sweep(boxes, scores, labels), boxes, labels, torch.tensor([[0.0, 0, 10, 10]]), torch.tensor([1]))
    assert right[[50, 100]].tolist() == [[False, True, False, False]] * 2


def test_nothing_is_right_where_there_is_no_ground_truth() -> None:
    boxes, scores, labels = crowd(5)
    right = correct(sweep(boxes, scores, labels), boxes, labels, torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
    assert right.shape == (101, 5) and not right.any()


def test_soft_nms_lowers_scores_as_in_the_paper() -> None:
    linear = soft_nms(CHAIN, CHAIN_SCORES, "linear", iou_threshold=0.5)
    # B: 0.8 (1 - 0.6) = 0.32, so C (0.7, untouched by A at 1/3) comes before B and lowers it again.
    torch.testing.assert_close(linear, torch.tensor([0.9, 0.8 * 0.4 * 0.4, 0.7]))
    gaussian = soft_nms(CHAIN, CHAIN_SCORES, "gaussian", sigma=0.5)
    third = 0.7 * math.exp(-((1 / 3) ** 2) / 0.5)
    second = 0.8 * math.exp(-(0.6**2) / 0.5) ** 2
    torch.testing.assert_close(gaussian, torch.tensor([0.9, second, third]))


@given(scored_boxes(), thresholds)
def test_soft_nms_raises_no_score_and_keeps_the_best(case: tuple[Tensor, Tensor, Tensor], threshold: float) -> None:
    boxes, scores, labels = case
    linear = soft_nms(boxes, scores, "linear", threshold, labels=labels)
    gaussian = soft_nms(boxes, scores, "gaussian", labels=labels)
    for softened in (linear, gaussian):
        assert (softened <= scores).all()
    if len(boxes):
        assert linear.max() == gaussian.max() == scores.max()


def test_soft_nms_leaves_other_classes_alone() -> None:
    twice = CHAIN[[0, 0]]
    scores = torch.tensor([0.9, 0.8])
    assert soft_nms(twice, scores, "linear", labels=torch.tensor([1, 2])).equal(scores)
    assert soft_nms(twice, scores, "linear").tolist() == pytest.approx([0.9, 0.0])


def test_soft_sweep_is_soft_nms_at_every_threshold() -> None:
    boxes, scores, labels = crowd(40)
    swept = soft_sweep(boxes, scores, "linear", labels=labels)
    for row in (0, 30, 77, 100):
        assert swept[row].equal(soft_nms(boxes, scores, "linear", GRID[row].item(), labels=labels))


def test_nan_is_refused() -> None:
    broken = CHAIN.clone()
    broken[1, 2] = torch.nan
    for function in (nms, trace):
        with pytest.raises(ValueError, match="NaN"):
            function(broken, CHAIN_SCORES, 0.5)
        with pytest.raises(ValueError, match="NaN"):
            function(CHAIN, torch.tensor([0.9, torch.nan, 0.7]), 0.5)
    with pytest.raises(ValueError, match="NaN"):
        batched_nms(broken, CHAIN_SCORES, torch.ones(3), 0.5)
    with pytest.raises(ValueError, match="NaN"):
        sweep(broken, CHAIN_SCORES)


def test_wrong_shapes_and_thresholds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        nms(CHAIN, CHAIN_SCORES[:2], 0.5)
    with pytest.raises(ValueError, match=r"\(N, 4\)"):
        nms(CHAIN[:, :3], CHAIN_SCORES, 0.5)
    for threshold in (-0.1, 1.1, torch.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            nms(CHAIN, CHAIN_SCORES, threshold)


def test_no_boxes() -> None:
    empty, none = torch.zeros(0, 4), torch.zeros(0)
    assert nms(empty, none, 0.5).shape == (0,)
    assert batched_nms(empty, none, none.long(), 0.5).shape == (0,)
    assert trace(empty, none, 0.5) == ()
    assert sweep(empty, none).kept.shape == (101, 0)
    assert soft_sweep(empty, none, "linear").shape == (101, 0)
