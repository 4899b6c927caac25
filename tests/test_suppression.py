"""The common end of all detectors: which boxes are candidates, and which of them stay."""

import pytest
import torch
from torch import Tensor

from core.suppression import (
    MOST_CANDIDATES,
    MOST_DETECTIONS,
    NMS_THRESHOLD,
    SCORE_THRESHOLD,
    candidates,
    suppress,
)
from core.values import Detections

BOXES = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10]])


def apart(count: int) -> Tensor:
    """Boxes that do not touch one another."""
    corner = torch.arange(count, dtype=torch.float32) * 20
    return torch.stack([corner, torch.zeros(count), corner + 10, torch.full((count,), 10.0)], 1)


def detections(boxes: list[list[float]], scores: list[float], labels: list[int]) -> Detections:
    return Detections(torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels))


def test_every_class_score_above_the_threshold_is_a_candidate_best_first() -> None:
    scores = torch.tensor([[0.2, 0.9], [0.5, 0.1], [0.1, 0.6]])
    found = candidates(BOXES, scores, threshold=0.1)
    torch.testing.assert_close(found.scores, torch.tensor([0.9, 0.6, 0.5, 0.2]))
    assert found.labels.tolist() == [2, 2, 1, 1], "from 1; the background is left out"
    assert found.boxes.equal(BOXES[[0, 2, 1, 0]]), "a score of just the threshold is none"


def test_each_class_has_its_own_box() -> None:
    boxes = torch.arange(24.0).view(3, 2, 4)
    found = candidates(boxes, torch.tensor([[0.2, 0.9], [0.5, 0.0], [0.0, 0.6]]))
    assert found.boxes.equal(boxes[[0, 2, 1, 0], [1, 1, 0, 0]])


def test_equal_scores_keep_their_order() -> None:
    found = candidates(BOXES, torch.full((3, 2), 0.5))
    assert found.labels.tolist() == [1, 2] * 3 and found.boxes.equal(BOXES.repeat_interleave(2, 0))


def test_the_default_threshold() -> None:
    scores = torch.tensor([[SCORE_THRESHOLD + 1e-4], [SCORE_THRESHOLD - 1e-4], [-torch.inf]])
    assert len(candidates(BOXES, scores)) == 1


def test_only_so_many_candidates_go_on() -> None:
    scores = torch.linspace(0.1, 0.9, MOST_CANDIDATES + 200)[:, None]
    found = candidates(apart(len(scores)), scores)
    assert len(found) == MOST_CANDIDATES and found.scores.equal(scores[:, 0].flip(0)[:MOST_CANDIDATES])


def test_suppression_is_within_a_class() -> None:
    found = detections([[0.0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 9]], [0.9, 0.8, 0.7], [1, 1, 2])
    kept = suppress(found)
    assert kept.labels.tolist() == [1, 2]
    torch.testing.assert_close(kept.scores, torch.tensor([0.9, 0.7]))
    assert kept.boxes.equal(found.boxes[[0, 2]])


@pytest.mark.parametrize(("threshold", "count"), [(0.49, 1), (0.5, 2)])
def test_an_overlap_of_just_the_threshold_stays(threshold: float, count: int) -> None:
    found = detections([[0.0, 0, 10, 10], [0, 0, 10, 5]], [0.9, 0.8], [1, 1])
    assert len(suppress(found, threshold)) == count


def test_the_default_overlap() -> None:
    def pair(iou: float) -> Detections:
        return detections([[0.0, 0, 10, 10], [0, 0, 10, 10 * iou]], [0.9, 0.8], [1, 1])

    assert len(suppress(pair(NMS_THRESHOLD + 0.01))) == 1 and len(suppress(pair(NMS_THRESHOLD - 0.01))) == 2


def test_the_best_come_first_and_only_so_many_stay() -> None:
    count = MOST_DETECTIONS + 30
    shuffled = torch.rand(count, generator=torch.Generator().manual_seed(0))
    kept = suppress(Detections(apart(count), shuffled, torch.arange(count) % 3 + 1))
    assert kept.scores.equal(shuffled.sort(descending=True).values[:MOST_DETECTIONS])


def test_nothing_found() -> None:
    for boxes in (torch.zeros(0, 4), torch.zeros(0, 6, 4)):
        kept = suppress(candidates(boxes, torch.zeros(0, 6)))
        assert len(kept) == 0 and kept.boxes.shape == (0, 4)
        assert kept.labels.dtype == torch.int64
