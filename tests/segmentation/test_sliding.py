"""The patch CNN slid over an image: every way comes to the same scores, and says how far it is."""

import pytest
import torch
from torch import Tensor

from core.segmentation import build, sliding
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.sliding import BATCH, WAYS, Slid, slide_each_way, slide_trained


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.randint(256, (3, 70, 100), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def events(image: Tensor) -> list[Slid]:
    torch.manual_seed(0)
    model = build("patch_cnn")
    assert isinstance(model, PatchCNN)
    return list(slide_each_way(model, image))


def test_every_way_scores_every_cell_alike(events: list[Slid]) -> None:
    scores = [torch.cat([one.scores for one in events if one.way == way]) for way in WAYS]
    assert all(one.shape == (5 * 7, 7) for one in scores)
    for one in scores[1:]:
        assert (one - scores[0]).abs().max() < 1e-4


def test_the_patch_of_either_family_slides(image: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sliding, "load", build)
    sliding._trained.cache_clear()
    for family in ("shapes", "photos"):
        first = next(slide_trained(image, family))
        assert first.scores.shape == (35, 7) and first.way == "convolution"
    sliding._trained.cache_clear()


def test_it_tells_after_each_pass_how_far_it_is(events: list[Slid]) -> None:
    done = {way: [one.done for one in events if one.way == way] for way in WAYS}
    assert done == {"convolution": [35], "batches": [BATCH, 35], "singly": list(range(1, 36))}
    assert all(one.total == 35 for one in events)
    for way in WAYS:
        seconds = [one.seconds for one in events if one.way == way]
        assert seconds == sorted(seconds) and seconds[0] > 0


def test_an_image_smaller_than_a_cell_is_one_patch() -> None:
    model = build("patch_cnn")
    assert isinstance(model, PatchCNN)
    assert [one.total for one in slide_each_way(model, torch.zeros(3, 2, 2, dtype=torch.uint8))] == [1, 1, 1]
