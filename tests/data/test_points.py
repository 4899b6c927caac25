"""Points in the plane: as many, as labelled, as spread and as repeatable as asked."""

import pytest
import torch

from core.data.points import SHAPES, labelled_points


@pytest.mark.parametrize("shape", SHAPES)
def test_half_of_the_points_are_of_each_class_and_all_are_in_sight(shape: str) -> None:
    points, labels = labelled_points(shape, 200, 0.05, 3)
    assert points.shape == (200, 2) and points.dtype == torch.float32
    assert labels.shape == (200,) and labels.sum() == 100
    assert points.abs().max() < 1.8 and points.mean(0).abs().max() < 0.2


@pytest.mark.parametrize("shape", SHAPES)
def test_a_seed_gives_the_same_points_again_and_another_gives_others(shape: str) -> None:
    first, again, other = (labelled_points(shape, 50, 0.1, seed)[0] for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_moves_points_away_from_where_they_would_be(shape: str) -> None:
    pure, noisy = (labelled_points(shape, 2000, noise, 0)[0] for noise in (0.0, 0.3))
    distance = torch.cdist(noisy, pure).min(1).values
    assert torch.cdist(pure, pure).fill_diagonal_(9).min() < 0.05 and distance.mean() > 0.05


def test_without_noise_the_classes_lie_apart() -> None:
    for shape in SHAPES:
        points, labels = labelled_points(shape, 400, 0.0, 0)
        assert torch.cdist(points[labels == 0], points[labels == 1]).min() > 0.1, shape
