"""The SVM head: margins and boxes worked by hand, scales, and that it travels with the weights."""

import math

import pytest
import torch

from core.boxes import decode
from core.detectors.svm import SVMHead

REGIONS = torch.tensor([[10.0, 20, 30, 60], [0, 0, 8, 8]])


@pytest.fixture
def head() -> SVMHead:
    """Two classes, three pooled and two hidden features."""
    made = SVMHead(pooled=3, hidden=2, classes=2)
    made.svm.copy_(torch.tensor([[1.0, 2, -3], [0, -1, 0.5]]))
    made.ridge[0, :, 0] = torch.tensor([0.1, 0, 0, 0.2])  # class 1 moves to the right
    made.ridge[1, :, 3] = torch.tensor([0, 0.5, 0, 0])  # class 2 grows downwards and upwards
    return made


def test_a_margin_is_the_weighted_sum_and_the_bias(head: SVMHead) -> None:
    hidden = torch.tensor([[2.0, 1], [0, 4]])
    assert head.margins(hidden).tolist() == [[2 + 2 - 3, -1 + 0.5], [8 - 3, -4 + 0.5]]


def test_features_are_scaled_before_the_bias_is_added(head: SVMHead) -> None:
    head.hidden_scale.fill_(0.5)
    assert head.margins(torch.tensor([[2.0, 1]])).tolist() == [[1 + 1 - 3, -0.5 + 0.5]]


def test_each_class_moves_the_boxes_its_own_way(head: SVMHead) -> None:
    boxes = head.boxes(torch.tensor([[1.0, 0, 5], [0, 2, 0]]), REGIONS)
    growth = math.e  # one pooled feature of 2, times 0.5
    assert boxes.shape == (2, 2, 4)
    torch.testing.assert_close(boxes[0, 0], torch.tensor([10 + 0.3 * 20, 20, 30 + 0.3 * 20, 60]))
    torch.testing.assert_close(boxes[0, 1], REGIONS[0])
    torch.testing.assert_close(boxes[1, 0], torch.tensor([0.2 * 8, 0, 8 + 0.2 * 8, 8]))
    torch.testing.assert_close(boxes[1, 1], torch.tensor([0, 4 - 4 * growth, 8, 4 + 4 * growth]))


def test_pooled_features_are_scaled_too(head: SVMHead) -> None:
    head.pooled_scale.fill_(2.0)
    moved = head.boxes(torch.tensor([[1.0, 0, 0]]), REGIONS[:1])[0, 0]
    torch.testing.assert_close(moved, decode(torch.tensor([0.2 + 0.2, 0, 0, 0]), REGIONS[0]))


def test_an_unfitted_head_is_undecided_and_leaves_regions_where_they_are() -> None:
    fresh = SVMHead(3, 2, 4)
    assert (fresh.margins(torch.arange(10.0).view(5, 2)) == 0).all()
    torch.testing.assert_close(fresh.boxes(torch.arange(6.0).view(2, 3), REGIONS), REGIONS[:, None].expand(2, 4, 4))


def test_no_regions_give_no_margins_and_no_boxes(head: SVMHead) -> None:
    assert head.margins(torch.zeros(0, 2)).shape == (0, 2)
    assert head.boxes(torch.zeros(0, 3), torch.zeros(0, 4)).shape == (0, 2, 4)


def test_everything_fitted_travels_with_the_weights_and_nothing_is_learnt_by_gradient(head: SVMHead) -> None:
    assert {name: tuple(values.shape) for name, values in head.state_dict().items()} == {
        "svm": (2, 3),
        "ridge": (2, 4, 4),
        "hidden_scale": (),
        "pooled_scale": (),
    }
    assert not list(head.parameters())
    other = SVMHead(3, 2, 2)
    other.load_state_dict(head.state_dict())
    hidden = torch.arange(8.0).view(4, 2)
    assert torch.equal(other.margins(hidden), head.margins(hidden))
