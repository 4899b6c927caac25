"""What YOLO's page is sent says the same as the detector, its loss and autograd do."""

import json
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image

from core.data.scenes import ShapeScenes
from core.detectors import Trace, load, run
from core.detectors.yolo import YOLO, Grid, loss_parts
from core.figures.yolo import (
    LARGE,
    SMALL,
    SMOOTHED,
    BoxError,
    answer_data,
    cell_truth,
    drag_data,
    grid_data,
    look,
    loss_data,
    read_box,
    root_data,
    training_data,
)
from core.suppression import NMS_THRESHOLD
from core.training.loop import TrainingStep
from core.training.short_training import Watched
from core.values import Detections

CELLS, SIDE = 256, 16


@pytest.fixture(scope="module")
def yolo() -> YOLO:
    detector = load("yolo")
    assert isinstance(detector, YOLO)
    return detector


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 10, "hard")[3]


@pytest.fixture(scope="module")
def grid(yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]]) -> Grid:
    return look(yolo, scene[0])


@pytest.fixture(scope="module")
def trace(yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]]) -> Trace:
    return run(yolo, scene[0])


def test_a_detection_knows_the_box_that_it_is(yolo: YOLO, trace: Trace, grid: Grid) -> None:
    data = grid_data(yolo, trace, grid)
    assert len(data["boxes"]) == len(data["scores"]) == 2 * CELLS and len(data["probabilities"]) == CELLS
    assert len(data["detections"]) == len(trace.detections) > 3
    sources = [one["box"] for one in data["detections"]]
    boxes = clip_boxes_to_image(torch.tensor(data["boxes"])[sources], (256, 256))
    torch.testing.assert_close(boxes, trace.detections.boxes, atol=1e-3, rtol=0)
    for one in data["detections"]:
        product = data["confidence"][one["box"]] * data["probabilities"][one["box"] // 2][one["label"] - 1]
        assert product == pytest.approx(one["score"], abs=2e-3)
    assert data["start"] == sources[0] // 2


@pytest.mark.parametrize("threshold", [0.02, 0.1, 0.2, 0.4, 0.6])
def test_a_threshold_after_nms_is_one_before(yolo: YOLO, trace: Trace, grid: Grid, threshold: float) -> None:
    """So that the slider on the page is exact."""
    before = trace.candidates
    chosen = before.scores >= threshold
    kept = batched_nms(before.boxes[chosen], before.scores[chosen], before.labels[chosen], NMS_THRESHOLD)
    shown = [one["score"] for one in grid_data(yolo, trace, grid)["detections"] if one["score"] >= threshold]
    assert shown == pytest.approx(before.scores[chosen][kept].tolist(), abs=1e-4)


def test_an_image_without_detections_starts_at_the_surest_cell(yolo: YOLO, trace: Trace, grid: Grid) -> None:
    nothing = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.int64))
    silent = replace(trace, steps=(*trace.steps[:-1], replace(trace.steps[-1], value=nothing)))
    data = grid_data(yolo, silent, grid)
    assert data["detections"] == [] and data["start"] == int(grid.confidence.argmax()) // 2


def test_the_parts_are_the_training_loss(yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], grid: Grid) -> None:
    image, truth = scene
    data = loss_data(yolo, image, grid, truth)
    with torch.no_grad():
        expected = yolo.losses(image[None], [truth])
    assert data["parts"] == pytest.approx({name: value.item() for name, value in expected.items()}, rel=1e-6)


@pytest.mark.parametrize(("coord", "noobj"), [(5.0, 0.5), (1.0, 1.0), (0.0, 0.05)])
def test_weighting_the_terms_is_weighting_the_loss(
    yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], grid: Grid, coord: float, noobj: float
) -> None:
    """The sliders for both weights only multiply in the browser."""
    image, truth = scene
    terms = {name: sum(values) for name, values in loss_data(yolo, image, grid, truth)["terms"].items()}
    parts = loss_parts(grid, cell_truth(truth, image, SIDE), coord, noobj)
    assert coord * (terms["centre"] + terms["sides"]) == pytest.approx(parts["box regression"].item(), rel=1e-5)
    assert terms["object"] + noobj * terms["no_object"] == pytest.approx(parts["confidence"].item(), rel=1e-5)
    assert terms["classification"] == pytest.approx(parts["classification"].item(), rel=1e-5)


def test_the_responsible_predictor_has_the_higher_iou(
    yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], grid: Grid
) -> None:
    data = loss_data(yolo, *scene[:1], grid, scene[1])
    assert len(data["objects"]) + len(data["lost"]) == len(scene[1]["boxes"])
    for one in data["objects"]:
        boxes = torch.tensor(data["boxes"][2 * one["cell"] : 2 * one["cell"] + 2])
        expected = box_iou(boxes, torch.tensor([one["box"]]))[:, 0].tolist()
        assert one["iou"] == pytest.approx(expected, abs=1e-4)
        assert one["iou"][one["responsible"]] == max(one["iou"])


def test_an_object_whose_cell_is_taken_is_named(yolo: YOLO, grid: Grid) -> None:
    truth = {
        "boxes": torch.tensor([[10.0, 10, 30, 30], [12, 12, 28, 28], [100, 100, 120, 130]]),
        "labels": torch.tensor([1, 2, 3]),
    }
    data = loss_data(yolo, torch.zeros(3, 256, 256, dtype=torch.uint8), grid, truth)
    assert data["lost"] == [{"box": [12, 12, 28, 28], "label": 2}]
    assert sorted(one["label"] for one in data["objects"]) == [1, 3]


def test_truth_of_an_image_that_is_not_square_falls_into_its_cells() -> None:
    truth = {"boxes": torch.tensor([[90.0, 30, 110, 50]]), "labels": torch.tensor([4])}
    cells = cell_truth(truth, torch.zeros(3, 80, 160), 4)
    assert cells.present.nonzero().tolist() == [[0, 2, 2]]
    torch.testing.assert_close(cells.boxes[0, 2, 2], torch.tensor([0.5625, 0.375, 0.6875, 0.625]))


GOOD = {"cell": 17, "predictor": 1, "box": [30, 20, 10, 5], "confidence": 0.5}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"box": [30, 20, 0.5, 5]}, "The box is empty"),
        ({"box": [30, 20, 10, -5]}, "The box is empty"),
        ({"box": [30, None, 10, 5]}, "needs a number"),
        ({"box": [30, 20, 10]}, "needs a number"),
        ({"box": [float("nan"), 20, 10, 5]}, "needs a number"),
        ({"box": [float("inf"), 20, 10, 5]}, "needs a number"),
        ({"box": "all"}, "needs a number"),
        ({"box": 7}, "needs a number"),
        ({"confidence": None}, "needs a number"),
        ({"confidence": float("inf")}, "needs a number"),
        ({"cell": 256}, "There is no such cell"),
        ({"cell": -1}, "There is no such cell"),
        ({"cell": float("inf")}, "needs a number"),
        ({"predictor": 2}, "There is no such cell"),
    ],
)
def test_a_wrong_box_is_a_sentence(change: dict[str, Any], words: str) -> None:
    with pytest.raises(BoxError, match=words):
        read_box({**GOOD, **change}, SIDE, 256, 256)


@pytest.mark.parametrize("change", [{"cell": 999}, {"predictor": 5}, {"cell": -1, "predictor": 0}, {"cell": "x"}])
def test_a_wrong_place_is_a_sentence(
    change: dict[str, Any], scene: tuple[Tensor, dict[str, Tensor]], grid: Grid
) -> None:
    with pytest.raises(BoxError):
        answer_data(scene[0], grid, scene[1], change)


def test_a_box_beyond_the_image_is_clipped_and_said() -> None:
    asked = read_box({**GOOD, "box": [-5, 300, 400, 5]}, SIDE, 256, 200)
    assert asked.box.tolist() == [0, 200, 256, 5] and asked.place == (1, 1, 1)
    assert len(asked.notes) == 2 and "outside the image" in asked.notes[0] and "larger" in asked.notes[1]
    assert read_box(GOOD, SIDE, 256, 256).notes == ()
    asked = read_box({**GOOD, "confidence": -1e300}, SIDE, 256, 256)
    assert asked.confidence == -10 and "confidence" in asked.notes[0]


def test_an_answer_without_a_question_is_the_worst_object_as_predicted(
    yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], grid: Grid
) -> None:
    answer = answer_data(scene[0], grid, scene[1], {"alone": False})
    loss = loss_data(yolo, scene[0], grid, scene[1])
    worst = loss["objects"][0]
    assert (answer["cell"], answer["predictor"]) == (worst["cell"], worst["responsible"])
    assert answer["parts"] == pytest.approx(loss["parts"], rel=1e-4)
    assert answer["terms"] == pytest.approx(
        {name: values[worst["cell"]] for name, values in loss["terms"].items()}, rel=1e-3, abs=1e-6
    )
    x0, y0, x1, y1 = loss["boxes"][2 * worst["cell"] + worst["responsible"]]
    assert answer["box"] == pytest.approx([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], abs=1e-3)


def test_the_gradient_points_from_what_is_wanted(scene: tuple[Tensor, dict[str, Tensor]], grid: Grid) -> None:
    """Each squared error's gradient is twice the error times its weight."""
    answer: Any = answer_data(scene[0], grid, scene[1], {})
    for output, wanted, gradient, weight in zip(
        answer["outputs"], answer["wanted"], answer["byOutputs"], [5, 5, 5, 5, 1], strict=True
    ):
        assert gradient == pytest.approx(2 * weight * (output - wanted), abs=1e-4)
    label = answer["object"]["label"]
    wanted = [float(index + 1 == label) for index in range(6)]
    expected = [2 * (value - one) for value, one in zip(answer["probabilities"], wanted, strict=True)]
    assert answer["byClasses"] == pytest.approx(expected, abs=1e-5)


def test_a_box_alone_answers_for_the_object_wherever_it_is(
    yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], grid: Grid
) -> None:
    for one in loss_data(yolo, scene[0], grid, scene[1])["objects"]:
        for predictor in (0, 1):
            asked = {"cell": one["cell"], "predictor": predictor, "confidence": 0.5}
            for box in ([0, 0, 1, 1], [256, 256, 256, 256], [128, 128, 9, 9]):
                answer: Any = answer_data(scene[0], grid, scene[1], {**asked, "box": box})
                assert answer["object"]["responsible"] == predictor and any(answer["byBox"])
                both = answer_data(scene[0], grid, scene[1], {**asked, "box": box, "alone": False})
                assert both["twin"] == answer["twin"]
                assert sum(both["terms"][name] for name in ("object", "no_object")) > 0


def test_a_cell_without_an_object_wants_confidence_0_and_no_more(
    scene: tuple[Tensor, dict[str, Tensor]], grid: Grid
) -> None:
    answer = answer_data(
        scene[0], grid, scene[1], {"cell": 0, "predictor": 0, "box": [9, 9, 20, 20], "confidence": 0.5}
    )
    assert answer["object"] is None and answer["wanted"] == [None, None, None, None, 0]
    assert answer["byBox"] == [0, 0, 0, 0] and answer["byOutputs"] == pytest.approx([0, 0, 0, 0, 0.5])


def test_the_root_makes_an_error_of_a_small_box_cost_more() -> None:
    data = root_data(256)
    for costs, side in ((data["small"], SMALL), (data["large"], LARGE)):
        expected = [(((side + error) / 256) ** 0.5 - (side / 256) ** 0.5) ** 2 for error in data["errors"]]
        assert costs == pytest.approx(expected, abs=1e-6)
    assert all(small > large for small, large, e in zip(data["small"], data["large"], data["errors"], strict=True) if e)
    assert data["plain"] == pytest.approx([(error / 256) ** 2 for error in data["errors"]])


def step(number: int, loss: float) -> TrainingStep:
    return TrainingStep(number, number / 20, {"box regression": loss, "confidence": 1.0}, 1e-3, number / 10)


def test_a_training_shows_the_mean_of_the_last_steps_and_what_was_found() -> None:
    truth = {"boxes": torch.tensor([[0.0, 0, 20, 20], [50, 50, 90, 90]]), "labels": torch.tensor([1, 2])}
    found = Detections(
        torch.tensor([[0.0, 0, 20, 19], [51, 50, 90, 90], [0, 0, 5, 5], [1, 1, 2, 2]]),
        torch.tensor([0.9, 0.8, 0.2, 0.05]),
        torch.tensor([1, 3, 1, 1]),  # the second is of another class, the third unsure, the fourth not to be seen
    )
    losses = [float(number) for number in range(15)]
    events = [Watched(step(number + 1, loss), found if number == 3 else None) for number, loss in enumerate(losses)]
    data = training_data(torch.zeros(3, 100, 100, dtype=torch.uint8), ("background", "a", "b", "c"), events, truth)
    expected = [sum(last := losses[max(0, n + 1 - SMOOTHED) : n + 1]) / len(last) for n in range(15)]
    assert data["losses"]["box regression"] == pytest.approx(expected)
    (look,) = data["looks"]
    assert look["step"] == 3 and look["right"] == 1 and look["labels"] == [1, 3, 1]


def test_a_training_that_has_not_begun_is_an_empty_one() -> None:
    data = training_data(torch.zeros(3, 100, 100, dtype=torch.uint8), ("background", "a"), [])
    assert data["looks"] == [] and data["seconds"] == [] and data["losses"] == {} and data["truth"] is None


def test_all_is_json_and_small(yolo: YOLO, scene: tuple[Tensor, dict[str, Tensor]], trace: Trace, grid: Grid) -> None:
    image, truth = scene
    for data in (
        grid_data(yolo, trace, grid, truth),
        loss_data(yolo, image, grid, truth),
        drag_data(yolo, image, grid, truth),
        answer_data(image, grid, truth, {}),
    ):
        assert len(json.dumps(data, allow_nan=False)) < 200_000
