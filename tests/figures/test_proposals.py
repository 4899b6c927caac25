"""What the page on region proposals sends to the browser says the same as the proposers."""

import base64
import json
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import box_iou, nms

from core.data.scenes import ShapeScenes
from core.detectors import load, run
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.recall import COUNTS, Proposed, cover, curve
from core.figures.proposals import (
    BEST,
    BETWEEN,
    BORDER,
    LOOKS,
    NEGATIVE,
    NMS_GRID,
    POSITIVE,
    curves_data,
    hierarchy_data,
    reasons,
    recall_data,
    rpn_data,
)
from core.proposals.rpn import label_anchors
from core.proposals.selective_search import MODES, Hierarchy, Strategy, Weights, hierarchies
from core.values import Regions

TITLES = {name: name.title() for name in LOOKS}
STRATEGY = Strategy("hsv", 100, Weights(1, 0.5, 0, 1))


def unpacked(text: str, dtype: str, *shape: int) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), f"<{dtype}").reshape(*shape or (-1,))


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 6)[5]


@pytest.fixture(scope="module")
def hierarchy(scene: tuple[Tensor, dict[str, Tensor]]) -> Hierarchy:
    return hierarchies(np.ascontiguousarray(scene[0].permute(1, 2, 0).numpy()), [STRATEGY])[0]


@pytest.fixture(scope="module")
def grouped(scene: tuple[Tensor, dict[str, Tensor]]) -> Any:
    return hierarchy_data(scene[0], STRATEGY, scene[1])


@pytest.fixture(scope="module")
def detector() -> FasterRCNN:
    made = load("faster_rcnn")
    assert isinstance(made, FasterRCNN)
    return made


@pytest.fixture(scope="module")
def looked(detector: FasterRCNN, scene: tuple[Tensor, dict[str, Tensor]]) -> Any:
    return rpn_data(detector, *scene)


def test_runs_restore_the_segments(grouped: dict[str, Any], hierarchy: Hierarchy) -> None:
    labels, lengths = (unpacked(grouped[name], "u2") for name in ("labels", "lengths"))
    assert np.array_equal(np.repeat(labels, lengths).reshape(hierarchy.labels.shape), hierarchy.labels)
    assert lengths.max() <= grouped["width"], "a run ends with its row"


def test_nodes_and_merges_are_the_hierarchys(grouped: dict[str, Any], hierarchy: Hierarchy) -> None:
    count = len(hierarchy.sizes)
    assert np.array_equal(unpacked(grouped["merges"], "u2", -1, 2), hierarchy.merges)
    assert np.array_equal(unpacked(grouped["boxes"], "f4", -1, 4), hierarchy.boxes)
    assert np.array_equal(unpacked(grouped["sizes"], "u4"), hierarchy.sizes)
    assert np.array_equal(unpacked(grouped["similarities"], "f4", -1, 4), hierarchy.similarities)
    parents = unpacked(grouped["parent"], "u2")
    assert len(parents) == count and parents[-1] == count - 1
    for merge, (one, other) in enumerate(hierarchy.merges):
        assert parents[one] == parents[other] == len(hierarchy.merges) + 1 + merge
    assert count // 2 + 1 - grouped["start"] == 20, "regions are left at first"


def test_the_total_is_the_mean_that_the_merges_are_chosen_by(grouped: dict[str, Any], hierarchy: Hierarchy) -> None:
    assert grouped["weights"] == [1, 0.5, 0, 1]
    expected = hierarchy.similarities @ np.array([1, 0.5, 0, 1]) / 2.5
    np.testing.assert_allclose(unpacked(grouped["total"], "f4"), expected, rtol=1e-5)


def test_a_node_has_the_mean_colour_of_its_pixels(
    scene: tuple[Tensor, dict[str, Tensor]], grouped: dict[str, Any], hierarchy: Hierarchy
) -> None:
    colours = unpacked(grouped["colours"], "u1", -1, 3)
    members = [{segment} for segment in range(len(hierarchy.merges) + 1)]
    for one, other in hierarchy.merges:
        members.append(members[one] | members[other])
    for node in (0, len(members) // 2, len(members) - 3, len(members) - 1):
        mask = torch.from_numpy(np.isin(hierarchy.labels, list(members[node])))
        expected = scene[0][:, mask].double().mean(1)
        np.testing.assert_allclose(colours[node], expected, atol=0.5 + 1e-6)


def test_nodes_know_the_object_that_they_cover_best(
    scene: tuple[Tensor, dict[str, Tensor]], grouped: dict[str, Any], hierarchy: Hierarchy
) -> None:
    iou = box_iou(torch.from_numpy(hierarchy.boxes), scene[1]["boxes"])
    np.testing.assert_allclose(unpacked(grouped["iou"], "f4"), iou.max(1).values)
    covering = unpacked(grouped["iou"], "f4") > 0
    assert np.array_equal(unpacked(grouped["object"], "u1")[covering], iou.argmax(1).numpy()[covering])
    segments = len(hierarchy.merges) + 1
    so_far = [iou[: segments + merge].max(0).values.mean() for merge in range(segments)]
    np.testing.assert_allclose(unpacked(grouped["abo"], "f4"), so_far, rtol=1e-6)


def test_a_large_image_and_its_truth_are_grouped_smaller() -> None:
    image = torch.zeros(3, 300, 1000, dtype=torch.uint8)
    image[:, 60:180, 200:600] = 255
    truth = {"boxes": torch.tensor([[200.0, 60, 600, 180]]), "labels": torch.tensor([2])}
    data: Any = hierarchy_data(image, MODES["single"][0], truth)
    assert (data["width"], data["height"]) == (500, 150)
    assert data["truth"]["boxes"] == [[100, 30, 300, 90]] and data["truth"]["names"] == ["rectangle"]
    assert unpacked(data["iou"], "f4").max() > 0.97


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (60, 80)])
def test_an_image_of_one_segment_has_no_merges(size: tuple[int, int]) -> None:
    data = hierarchy_data(torch.full((3, *size), 90, dtype=torch.uint8), STRATEGY)
    assert (data["merges"], data["similarities"], data["start"], data["iou"], data["truth"]) == ("", "", 0, None, None)
    assert unpacked(data["boxes"], "f4").tolist() == [0, 0, size[1], size[0]]
    json.dumps(data, allow_nan=False)


def test_without_any_weight_there_is_no_total() -> None:
    image = ShapeScenes("validation", 1)[0][0]
    data = hierarchy_data(image, Strategy("hsv", 100, Weights(0, 0, 0, 0)))
    assert not unpacked(data["total"], "f4").any()


def test_the_best_proposal_of_each_object_is_sent_for_every_count(scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    image, truth = scene
    rng = torch.Generator().manual_seed(0)
    corner = torch.rand(300, 2, generator=rng) * 200
    boxes = torch.cat([corner, corner + 10 + torch.rand(300, 2, generator=rng) * 40], 1)
    data: Any = recall_data(image, {"rpn": Proposed(boxes, 0.25)}, truth, TITLES)
    (method,) = data["methods"]
    assert (method["title"], method["proposals"], method["seconds"]) == ("Rpn", 300, 0.25)
    objects = len(truth["boxes"])
    best = unpacked(method["best"], "i2", len(COUNTS), objects)
    overlaps = unpacked(method["overlaps"], "f4", len(COUNTS), objects)
    sent = torch.from_numpy(unpacked(method["boxes"], "f4", -1, 4).copy())
    for row, count in enumerate(data["counts"]):
        iou = box_iou(truth["boxes"], sent[:count])
        np.testing.assert_allclose(overlaps[row], iou.max(1).values, rtol=1e-6)
        for index in range(objects):
            assert best[row, index] < min(count, 300)
            assert overlaps[row, index] == (iou[index, best[row, index]] if best[row, index] >= 0 else 0)
        assert method["curves"]["abo"][row] == pytest.approx(iou.max(1).values.mean().item())


@pytest.mark.parametrize("truth", [None, {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}])
def test_without_objects_the_boxes_are_sent_without_curves(truth: dict[str, Tensor] | None) -> None:
    image = torch.zeros(3, 40, 50, dtype=torch.uint8)
    data = recall_data(image, {"rpn": Proposed(torch.tensor([[0.0, 0, 9, 9]]), 0.1)}, truth, TITLES)
    (method,) = data["methods"]
    assert (method["best"], method["overlaps"], method["curves"]) == (None, None, None)
    assert unpacked(method["boxes"], "f4").tolist() == [0, 0, 9, 9]
    assert hierarchy_data(image, STRATEGY, truth)["abo"] is None
    json.dumps(data, allow_nan=False)


def test_curves_join_the_scenes() -> None:
    objects = torch.tensor([[0.0, 0, 10, 10]])
    near, far = (cover(Proposed(torch.tensor([[0.0, 0, 10, side]]), 0.1), objects) for side in (9.0, 3.0))
    data = curves_data([{"rpn": near, "sliding_window": far}, {"rpn": far, "sliding_window": far}], TITLES)
    assert [method["name"] for method in data["methods"]] == ["rpn", "sliding_window"]
    assert data["methods"][0]["curves"] == {
        "recall50": list(curve([near, far]).recall_50),
        "recall70": list(curve([near, far]).recall_70),
        "abo": list(curve([near, far]).abo),
    }
    assert data["methods"][0]["curves"]["recall70"][0] == 0.5
    assert (data["scenes"], data["image"], data["truth"]) == (2, None, None)


def test_nms_is_torchvisions_at_every_threshold(looked: dict[str, Any]) -> None:
    order = unpacked(looked["order"], "u2")
    boxes = torch.from_numpy(unpacked(looked["proposals"], "f4", -1, 4)[order].copy())
    scores = torch.arange(len(order), 0, -1, dtype=torch.float32)
    suppressor = unpacked(looked["suppressor"], "i2", len(NMS_GRID), len(order))
    assert looked["thresholds"][0] == 0.1 and 0.7 in [round(one, 2) for one in looked["thresholds"]]
    for threshold, row in zip(NMS_GRID.tolist(), suppressor, strict=True):
        assert np.flatnonzero(row < 0).tolist() == nms(boxes, scores, threshold).tolist(), f"at {threshold}"


def test_what_nms_leaves_are_the_detectors_proposals(
    detector: FasterRCNN, scene: tuple[Tensor, dict[str, Tensor]], looked: dict[str, Any]
) -> None:
    (expected,) = [step.value for step in run(detector, scene[0]).steps if isinstance(step.value, Regions)]
    order = unpacked(looked["order"], "u2")
    suppressor = unpacked(looked["suppressor"], "i2", len(NMS_GRID), len(order))
    row = [round(threshold, 2) for threshold in looked["thresholds"]].index(0.7)
    kept = order[suppressor[row] < 0][: detector.max_regions]
    np.testing.assert_allclose(unpacked(looked["proposals"], "f4", -1, 4)[kept], expected.boxes, atol=1e-4)
    assert expected.scores is not None
    np.testing.assert_allclose(unpacked(looked["objectness"], "f4")[kept], expected.scores, atol=1e-6)


def test_anchors_have_the_labels_that_the_rpn_is_trained_with(
    scene: tuple[Tensor, dict[str, Tensor]], looked: dict[str, Any]
) -> None:
    anchors = torch.from_numpy(unpacked(looked["anchors"], "f4", -1, 4).copy())
    assert len(anchors) == looked["rows"] * looked["columns"] * len(looked["shapes"])
    wanted = label_anchors(anchors, scene[1]["boxes"], (256, 256)).labels
    reason = torch.from_numpy(unpacked(looked["reason"], "u1").copy())
    assert torch.equal((reason >= BEST).long() - (reason < NEGATIVE).long(), wanted)
    iou, index = box_iou(anchors, scene[1]["boxes"]).max(1)
    np.testing.assert_allclose(unpacked(looked["iou"], "f4"), iou, atol=1e-6)
    assert (iou[reason == POSITIVE] >= 0.7).all() and (iou[reason == NEGATIVE] < 0.3).all()
    assert ((iou[reason == BETWEEN] >= 0.3) & (iou[reason == BETWEEN] < 0.7)).all()
    crosses = (anchors < 0).any(1) | (anchors > 256).any(1)
    assert torch.equal(reason == BORDER, crosses)
    moved = torch.from_numpy(unpacked(looked["proposals"], "f4", -1, 4).copy())
    expected = box_iou(moved, scene[1]["boxes"]).gather(1, index[:, None])[:, 0]
    seen = torch.from_numpy(unpacked(looked["moved"], "f4").copy())
    torch.testing.assert_close(seen[iou > 0], expected[iou > 0])


def test_an_anchor_says_why_it_has_its_label() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [50, 50, 70, 60]])
    anchors = torch.tensor(
        [[0.0, 0, 10, 9], [0, 0, 10, 5], [80, 80, 90, 90], [50, 50, 60, 60], [60, 50, 70, 60], [-1, 0, 10, 10]]
    )
    found = reasons(label_anchors(anchors, boxes, (100, 100)))
    # The fourth and the fifth share the second object: both overlap it by 0.5, and none more.
    assert found.tolist() == [POSITIVE, BETWEEN, NEGATIVE, BEST, BEST, BORDER]
    empty = reasons(label_anchors(anchors, torch.zeros(0, 4), (100, 100)))
    assert empty.tolist() == [NEGATIVE] * 5 + [BORDER]


def test_anchors_of_a_photo_are_in_its_own_pixels_and_have_no_labels(detector: FasterRCNN) -> None:
    image = torch.randint(0, 256, (3, 400, 600), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    data = rpn_data(detector, image)
    assert (data["rows"], data["columns"]) == (16, 24)
    assert data["cell"] == pytest.approx(16 * 400 / 256)
    assert data["shapes"][4] == [100, 100], "64 pixels of the network's input"
    first = unpacked(data["anchors"], "f4", -1, 4)[4]
    np.testing.assert_allclose(first, [12.5 - 50, 12.5 - 50, 12.5 + 50, 12.5 + 50], rtol=1e-5)
    assert (data["reason"], data["object"], data["iou"], data["moved"]) == (None, None, None, None)
    proposals = unpacked(data["proposals"], "f4", -1, 4)
    assert proposals.min() >= 0 and (proposals.max(0) <= [600.1, 400.1, 600.1, 400.1]).all()
    assert len(json.dumps(data, allow_nan=False)) < 600_000
