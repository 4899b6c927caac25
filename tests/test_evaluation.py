"""Average precision and recall, against published evaluations and by hand."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_convert

from core.data import ShapeScenes
from core.evaluation import (
    ELEVEN_POINTS,
    Outcome,
    as_report,
    average_precision,
    evaluate,
    proposal_recall,
    voc_average_precision,
)
from core.suppression import NMS_THRESHOLD, suppress
from core.values import Detections
from tests.shared_data import shared

CLASSES = ("background", "a", "b")
TWO = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40]])


def detections(boxes: Tensor, scores: list[float], labels: list[int]) -> Detections:
    return Detections(boxes, torch.tensor(scores), torch.tensor(labels, dtype=torch.int64))


def outcome(found: Detections, truth: dict[str, Tensor], proposals: Tensor | None = None) -> Outcome:
    return Outcome(found, suppress(found), proposals, 0.25, truth)


def test_coco_average_precision_is_the_published_one() -> None:
    folder = shared("fixtures/coco_val2014_100")
    truth = json.loads((folder / "instances_val2014_100.json").read_text())
    results = json.loads((folder / "instances_val2014_fakebbox100_results.json").read_text())
    expected = json.loads((folder / "expected_bbox.json").read_text())["stats"]
    found, targets = [], []
    for image in sorted(truth["images"], key=lambda one: one["id"]):  # equal scores keep this order
        own = [one for one in results if one["image_id"] == image["id"]]
        boxes = torch.tensor([one["bbox"] for one in own]).reshape(-1, 4)
        found.append(
            detections(
                box_convert(boxes, "xywh", "xyxy"), [one["score"] for one in own], [one["category_id"] for one in own]
            )
        )
        objects = [one for one in truth["annotations"] if one["image_id"] == image["id"]]
        boxes = torch.tensor([one["bbox"] for one in objects]).reshape(-1, 4)
        targets.append(
            {
                "boxes": box_convert(boxes, "xywh", "xyxy"),
                "labels": torch.tensor([one["category_id"] for one in objects], dtype=torch.int64),
                "iscrowd": torch.tensor([one["iscrowd"] for one in objects], dtype=torch.int64),
                "area": torch.tensor([float(one["area"]) for one in objects]),
            }
        )
    computed = average_precision(found, targets)
    for ours, theirs in (("map", "AP"), ("map_50", "AP50"), ("map_75", "AP75"), ("map_small", "APs")):
        assert float(computed[ours]) == pytest.approx(expected[theirs], abs=1e-5), theirs


@pytest.mark.parametrize(("name", "recalls"), [("eleven_point", ELEVEN_POINTS), ("all_point", None)])
def test_voc_average_precision_is_the_published_one(name: str, recalls: Tensor | None) -> None:
    folder = shared("fixtures/voc_case1")
    expected = json.loads((folder / "expected.json").read_text())[name]
    found, targets = [], []
    for path in sorted((folder / "gts").glob("*.txt")):
        scored = read(folder / "dets" / path.name)
        found.append(detections(half_open(scored[:, 1:]), scored[:, 0].tolist(), [1] * len(scored)))
        boxes = half_open(read(path))
        targets.append({"boxes": boxes, "labels": torch.ones(len(boxes), dtype=torch.int64)})
    for iou, value in expected.items():
        assert voc_average_precision(found, targets, 1, recalls, float(iou)) == pytest.approx(value, abs=1e-6), iou


def read(path: Path) -> Tensor:
    return torch.tensor([[float(word) for word in line.split()[1:]] for line in path.read_text().splitlines()])


def half_open(boxes: Tensor) -> Tensor:
    """Turn (x, y, w, h) whose last pixel x + w belongs to the box into corners."""
    corners = box_convert(boxes, "xywh", "xyxy")
    return corners + torch.tensor([0, 0, 1, 1])


def test_voc_ignores_difficult_objects_and_counts_a_second_hit_as_wrong() -> None:
    truth = {"boxes": TWO, "labels": torch.tensor([1, 1]), "iscrowd": torch.tensor([0, 1])}
    found = detections(TWO[[1, 0, 0]], [0.9, 0.8, 0.7], [1, 1, 1])
    # The best one meets the difficult object and does not count; the only hit comes first; then a repetition.
    assert voc_average_precision([found], [truth], 1) == 1.0
    late = detections(torch.cat([TWO[:1] + 100, TWO[:1]]), [0.9, 0.8], [1, 1])
    assert voc_average_precision([late], [truth], 1) == pytest.approx(0.5)
    assert voc_average_precision([late], [truth], 1, ELEVEN_POINTS) == pytest.approx(0.5)


def test_voc_without_detections_is_zero() -> None:
    truth = {"boxes": TWO, "labels": torch.tensor([1, 1])}
    nothing = detections(torch.zeros(0, 4), [], [])
    assert voc_average_precision([nothing], [truth], 1) == 0
    assert voc_average_precision([nothing], [truth], 1, ELEVEN_POINTS) == 0


def test_perfect_detections_score_one_and_the_report_is_plain() -> None:
    truth = {"boxes": TWO, "labels": torch.tensor([1, 2])}
    result = evaluate([outcome(detections(TWO, [0.9, 0.8], [1, 2]), truth, TWO)], CLASSES)
    assert (result.map50, result.map75, result.map, result.map50_voc07) == pytest.approx((1, 1, 1, 1))
    assert result.ap50_per_class == {"a": 1.0, "b": 1.0}
    assert (result.proposal_recall50, result.seconds_per_image) == (1.0, 0.25)
    assert json.loads(json.dumps(as_report(result)))["map50"] == 1.0


def test_one_class_of_two_missed_is_half() -> None:
    truth = {"boxes": TWO, "labels": torch.tensor([1, 2])}
    result = evaluate([outcome(detections(TWO[:1], [0.9], [1]), truth)], CLASSES)
    assert result.map50 == pytest.approx(0.5)
    assert result.ap50_per_class == {"a": pytest.approx(1.0), "b": pytest.approx(0.0)}
    assert result.proposal_recall50 is None


def test_each_nms_threshold_is_measured_on_the_candidates() -> None:
    """Two neighbours that overlap by 1/3: below that threshold NMS loses one."""
    boxes = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10]])
    truth = {"boxes": boxes, "labels": torch.tensor([1, 1])}
    by_threshold = evaluate([outcome(detections(boxes, [0.9, 0.8], [1, 1]), truth)], CLASSES).map50_by_nms_threshold
    assert by_threshold["0.30"] == pytest.approx(0.505, abs=0.002)  # 51 of 101 recalls
    assert by_threshold["0.40"] == pytest.approx(1)
    assert f"{NMS_THRESHOLD:.2f}" in by_threshold, "the detectors' own threshold is not among them"


def test_recall_counts_objects_without_a_proposal() -> None:
    truth = {"boxes": TWO, "labels": torch.tensor([1, 1])}
    nothing = detections(torch.zeros(0, 4), [], [])
    made = [outcome(nothing, truth, TWO[:1]), outcome(nothing, truth, torch.zeros(0, 4))]
    assert proposal_recall(made, 0.5) == pytest.approx(1 / 4)


def test_images_without_objects_are_refused() -> None:
    truth = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    with pytest.raises(ValueError, match="no object"):
        evaluate([outcome(detections(TWO, [0.9, 0.8], [1, 1]), truth)], CLASSES)


def test_another_seed_gives_other_scenes() -> None:
    (first, _), (second, _) = ShapeScenes("test", 1, seed=0)[0], ShapeScenes("test", 1, seed=1)[0]
    assert not torch.equal(first, second)
