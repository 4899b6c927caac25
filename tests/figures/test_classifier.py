"""What the browser gets of the classifier is what it says at each look."""

import base64
from typing import Any

import numpy as np
import pytest
import torch

from core.autograd.classifier import COUNT, Plan, train
from core.figures.classifier import EDGE, SIDE, classifier_data, score_colours
from core.figures.sent.modules import LearntPlane

PLAN = Plan("circles", 0.05, width=6, depth=1, lr=0.05)


@pytest.fixture(scope="module")
def data() -> LearntPlane:
    return classifier_data(PLAN)


def unpacked(text: str, *shape: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "u1").reshape(shape)


@pytest.mark.slow
def test_scores_and_curves_are_those_of_the_training(data: LearntPlane) -> None:
    places = torch.tensor([[EDGE, -EDGE], [-EDGE, EDGE], [0.0, 0.0]])
    looks = train(PLAN, places).looks
    scores = unpacked(data["scores"], len(looks), SIDE, SIDE)
    assert data["at"] == [look.step for look in looks]
    for index in (0, len(looks) // 2, -1):
        expected = 255 * looks[index].logits.sigmoid()
        assert scores[index, 0, -1] == pytest.approx(float(expected[0]), abs=1), "low y comes first, then x"
        assert scores[index, -1, 0] == pytest.approx(float(expected[1]), abs=1)
        for which in (0, 1):
            assert data["losses"][which][index] == pytest.approx(looks[index].losses[which], abs=1e-5)
            assert data["accuracies"][which][index] == pytest.approx(looks[index].accuracies[which])


def test_right_and_wrong_add_up_to_the_accuracies(data: Any) -> None:
    right = unpacked(data["right"], len(data["at"]), 2 * COUNT)
    np.testing.assert_allclose(right[:, :COUNT].mean(1), data["accuracies"][0], atol=1e-5)
    np.testing.assert_allclose(right[:, COUNT:].mean(1), data["accuracies"][1], atol=1e-5)
    assert len(data["points"]) == len(data["labels"]) == len(data["heldOut"]) == len(data["heldOutLabels"]) == COUNT


def test_the_boundary_runs_where_neither_class_is_more_probable(data: LearntPlane) -> None:
    scores = unpacked(data["scores"], len(data["at"]), SIDE, SIDE).astype(float)
    (line, *_others) = data["boundaries"][-1]
    assert len(line) > 5
    for x, y in line:
        column, row = ((value + EDGE) * (SIDE - 1) / (2 * EDGE) for value in (x, y))
        near = scores[-1][max(int(row) - 1, 0) : int(row) + 3, max(int(column) - 1, 0) : int(column) + 3]
        assert near.min() < 128 < near.max() + 1


def test_parameters_are_counted_and_an_overflow_is_told() -> None:
    assert classifier_data(Plan(width=5, depth=1))["parameters"] == 2 * 5 + 5 + 5 * 2 + 2
    diverged = classifier_data(Plan(activation="relu", optimizer="sgd", lr=1e20))
    assert diverged["overflow"] is not None and diverged["losses"][0][-1] is None


def test_colours_run_from_one_class_to_the_other() -> None:
    colours = score_colours()
    assert len(colours) == 256 and colours[0] != colours[-1]
    assert sum(int(colours[128][at : at + 2], 16) for at in (1, 3, 5)) > 3 * 230, "nearly white for one half"
