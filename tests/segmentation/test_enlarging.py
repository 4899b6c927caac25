"""One map through every way: the study's own results, and the plain functions where nothing is trained."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.backbones import TRUNKS
from core.segmentation.enlarging import (
    SCORED_BY,
    as_begun,
    as_trained,
    enlarge,
    enlarge_cells,
    enlarge_scores,
    in_whole_cells,
    random_indices,
)
from core.segmentation.study import UPSAMPLERS, UpsamplingStudy, one_of
from core.segmentation.upsampling import bed_of_nails, bicubic, max_unpool, nearest


@pytest.fixture(scope="module")
def study() -> UpsamplingStudy:
    torch.manual_seed(0)
    return UpsamplingStudy().eval()


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randint(0, 256, (3, 64, 48), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def cells() -> Tensor:
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


def test_the_trained_ways_are_the_studied_networks(study: UpsamplingStudy, image: Tensor) -> None:
    made = enlarge_scores(study, image, trained=True)
    assert list(made) == list(UPSAMPLERS)
    for name, one in made.items():
        assert [tuple(scores.shape) for scores in one.scores] == [(7, 4 << level, 3 << level) for level in range(5)]
        assert torch.equal(one.scores[-1].argmax(0), one_of(study, name).eval().predict(image)), name


def test_as_they_begin_all_enlarge_the_same_scores(study: UpsamplingStudy, image: Tensor) -> None:
    made = enlarge_scores(study, image, trained=False)
    coarse = made[SCORED_BY].scores[0]
    assert all(torch.equal(one.scores[0], coarse) for one in made.values())
    torch.testing.assert_close(made["nearest"].scores[-1], nearest(coarse[None], 16)[0])
    torch.testing.assert_close(made["deconvolution"].scores[-1], made["deconvolution_fixed"].scores[-1])


def test_cells_go_exactly_through_what_has_no_weights(cells: Tensor) -> None:
    made = enlarge_cells(cells, 0, None)
    one = cells[None, None]
    indices = random_indices(3, 4)
    torch.testing.assert_close(made["nearest"].scores[4][None], nearest(one, 16))
    torch.testing.assert_close(made["bicubic"].scores[1][None], bicubic(one, 2))
    torch.testing.assert_close(made["bed_of_nails"].scores[4][None], bed_of_nails(one, 16))
    unpooled = max_unpool(max_unpool(one, indices[0], 2), indices[1], 2)
    torch.testing.assert_close(made["max_unpool"].scores[2][None], unpooled)
    assert all(way.scores[0].shape == (1, 3, 4) for way in made.values())


def test_cells_are_one_class_to_trained_ways(study: UpsamplingStudy, cells: Tensor) -> None:
    made = enlarge_cells(cells, 5, as_trained(study))
    for name, way in made.items():
        scores = torch.zeros(7, 3, 4)
        scores[5] = cells
        expected = enlarge(as_trained(study)[name], scores, random_indices(3, 4)).scores
        for own, whole in zip(way.scores, expected, strict=True):
            torch.testing.assert_close(own, whole[5:6])


def test_beginnings_are_the_same_each_time_and_leave_the_dice_alone() -> None:
    torch.manual_seed(1)
    first, drawn = as_begun(2), torch.rand(1)
    torch.manual_seed(1)
    expected = torch.rand(1)
    second = as_begun(2)
    assert torch.equal(drawn, expected)
    for name, doublings in first.items():
        for one, other in zip(doublings, second[name], strict=True):
            torch.testing.assert_close(one.state_dict(), other.state_dict())


def test_unpooling_begins_without_a_convolution() -> None:
    begun = as_begun(3)
    for name in ("bed_of_nails", "max_unpool"):
        assert sum(double.trained_numbers() + double.multiply_adds(4, 4) for double in begun[name]) == 0


def test_costs_are_summed_over_the_doublings() -> None:
    way = enlarge_cells(torch.ones(2, 3), 0, None)["deconvolution"]
    assert way.trained_numbers == 4 * 16 and way.multiply_adds == 16 * 6 * (1 + 4 + 16 + 64)
    assert way.seconds > 0


def test_random_places_are_a_chain_of_poolings() -> None:
    indices = random_indices(3, 4)
    assert [tuple(one.shape[2:]) for one in indices] == [(3, 4), (6, 8), (12, 16), (24, 32)]
    large = functional.max_unpool2d(torch.ones(1, 1, 24, 32), indices[-1], [2, 2])
    assert large.sum() == 24 * 32
    assert all(torch.equal(one, other) for one, other in zip(indices, random_indices(3, 4), strict=True))


@pytest.mark.parametrize(
    ("size", "expected"), [((288, 384), (320, 432)), ((768, 1024), (320, 432)), ((3, 900), (16, 528))]
)
def test_photos_come_to_whole_cells_at_the_scale_of_their_trunk(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert tuple(in_whole_cells(torch.zeros(3, *size, dtype=torch.uint8), TRUNKS["lite0"]).shape[1:]) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [((256, 256), (256, 256)), ((427, 640), (176, 256)), ((50, 40), (48, 32)), ((1024, 3), (256, 16))],
)
def test_images_come_to_whole_cells(size: tuple[int, int], expected: tuple[int, int]) -> None:
    image = torch.full((3, *size), 77, dtype=torch.uint8)
    scaled = in_whole_cells(image)
    assert tuple(scaled.shape[1:]) == expected and scaled.unique().tolist() == [77]
    assert (scaled is image) == (size == expected)
