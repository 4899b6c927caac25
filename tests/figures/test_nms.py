"""What is sent to the browser says the same as NMS does."""

import base64
import json

import numpy as np
import pytest
import torch

from core.figures.nms import MOST_BOXES, explorer_data
from core.nms import GRID, batched_nms, nms, soft_nms
from core.values import Detections

CLASSES = ("background", "star", "ring")
IMAGE = torch.zeros(3, 80, 100, dtype=torch.uint8)


def crowd(count: int) -> Detections:
    rng = torch.Generator().manual_seed(1)
    corner = torch.rand(count, 2, generator=rng) * 50
    boxes = torch.cat([corner, corner + 10 + torch.rand(count, 2, generator=rng) * 30], 1)
    return Detections(boxes, torch.rand(count, generator=rng), torch.randint(1, 3, (count,), generator=rng))


def best_first(found: Detections) -> Detections:
    order = found.scores.argsort(descending=True)
    return Detections(found.boxes[order], found.scores[order], found.labels[order])


@pytest.mark.parametrize("per_class", [True, False])
def test_runs_hold_the_answer_of_every_threshold(per_class: bool) -> None:
    found = crowd(60)
    data = explorer_data(IMAGE, found, CLASSES, per_class, "linear")
    ordered = best_first(found)
    for row, threshold in enumerate(GRID.tolist()):
        state = [[run for run in runs if run[0] <= row][-1] for runs in data["runs"]]
        kept = [box for box, (_row, suppressor, _iou, _right) in enumerate(state) if suppressor < 0]
        if per_class:
            expected = batched_nms(ordered.boxes, ordered.scores, ordered.labels, threshold)
        else:
            expected = nms(ordered.boxes, ordered.scores, threshold)
        assert kept == expected.tolist(), f"at {threshold}"
        assert all(iou > threshold - 5e-4 for _row, suppressor, iou, _right in state if suppressor >= 0)


def test_boxes_are_best_first_and_at_most_so_many() -> None:
    data = explorer_data(IMAGE, crowd(MOST_BOXES + 20), CLASSES, True, "gaussian")
    assert len(data["boxes"]) == len(data["runs"]) == len(data["labels"]) == MOST_BOXES
    assert data["scores"] == sorted(data["scores"], reverse=True)


@pytest.mark.parametrize(("decay", "rows"), [("linear", 101), ("gaussian", 1)])
def test_soft_scores_travel_as_sixteen_bits(decay: str, rows: int) -> None:
    found = best_first(crowd(30))
    data = explorer_data(IMAGE, found, CLASSES, True, decay)  # type: ignore[arg-type]
    sent = np.frombuffer(base64.b64decode(data["soft"]), "<u2").reshape(rows, 30) / 65535
    row = min(40, rows - 1)
    expected = soft_nms(found.boxes, found.scores, decay, 0.4, labels=found.labels)  # type: ignore[arg-type]
    np.testing.assert_allclose(sent[row], expected.numpy(), atol=1e-5)


def test_a_box_on_the_truth_is_right_and_one_beside_it_is_not() -> None:
    found = Detections(
        torch.tensor([[0.0, 0, 10, 10], [50, 50, 60, 60]]), torch.tensor([0.9, 0.8]), torch.tensor([1, 1])
    )
    truth = {"boxes": torch.tensor([[0.0, 0, 10, 11]]), "labels": torch.tensor([1])}
    data = explorer_data(IMAGE, found, CLASSES, True, "linear", truth)
    assert data["runs"] == [[[0, -1, 0.0, 1]], [[0, -1, 0.0, 0]]]
    assert data["truth"] == {"boxes": [[0.0, 0.0, 10.0, 11.0]], "labels": [1]}


def test_the_whole_is_json_and_small() -> None:
    data = explorer_data(IMAGE, crowd(MOST_BOXES), CLASSES, True, "linear")
    assert len(json.dumps(data, allow_nan=False)) < 200_000
    assert (data["width"], data["height"], data["truth"]) == (100, 80, None)
    assert data["image"].startswith("data:image/jpeg;base64,")
