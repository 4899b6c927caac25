"""The last layer, fitted at once: it is softmax regression's one minimum, and says how sure it is."""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from core.transfer.last_layer import directions, fit


def clouds(count: int) -> tuple[Tensor, Tensor]:
    """Features of three classes that overlap a little, ``count`` of each."""
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(3, 20, generator=generator).abs()
    labels = torch.arange(3).repeat_interleave(count)
    return (centres[labels] + 0.5 * torch.randn(3 * count, 20, generator=generator)).clamp(min=0), labels


def test_it_is_what_logistic_regression_finds() -> None:
    features, labels = clouds(10)
    penalty = 0.5
    peer = LogisticRegression(C=1 / penalty, tol=1e-8, max_iter=1000).fit(directions(features), labels)
    found = fit(features, labels, 3, penalty).probabilities(features)
    np.testing.assert_allclose(found, peer.predict_proba(directions(features)), atol=2e-3)


def test_how_strong_a_feature_is_changes_no_answer() -> None:
    features, labels = clouds(5)
    layer = fit(features, labels, 3)
    torch.testing.assert_close(layer.probabilities(7 * features), layer.probabilities(features))
    torch.testing.assert_close(layer.probabilities(features).sum(1), torch.ones(15))


def test_one_picture_of_each_is_enough_to_tell_them_apart_but_not_to_be_sure() -> None:
    features, labels = clouds(1)
    found = fit(features, labels, 3).probabilities(features)
    assert found.argmax(1).tolist() == [0, 1, 2]
    many, of_many = clouds(30)
    sure = fit(many, of_many, 3).probabilities(many).max(1).values.mean()
    assert found.max() < sure


def test_the_same_pictures_give_the_same_layer_where_no_gradient_is_asked_for() -> None:
    features, labels = clouds(5)
    with torch.no_grad():
        one, other = fit(features, labels, 3), fit(features, labels, 3)
    assert torch.equal(one.weight, other.weight) and not one.weight.requires_grad
    assert one.weight.abs().max() > 0.1, "nothing was learnt"
