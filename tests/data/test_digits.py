"""Handwritten digits in scenes: boxes and masks of the ink, the right labels, repeatable, splits apart."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from core.data import digits
from core.data.digits import CLASSES, DIGITS, PARTS, SIDES, SINGLE_SIDE, DigitScenes, SingleDigits, handwritten


@pytest.mark.slow
@pytest.mark.parametrize("split", PARTS)
def test_boxes_and_masks_are_of_ink_that_stands_out(split: str) -> None:
    for image, target in (DigitScenes(split, 30)[index] for index in range(30)):
        assert image.shape == (3, 256, 256) and image.dtype == torch.uint8 and image.is_contiguous()
        boxes, labels, masks = target["boxes"], target["labels"], target["masks"]
        assert 1 <= len(labels) <= DIGITS[1] and len(boxes) == len(masks) == len(labels)
        assert boxes.dtype == torch.float32 and labels.dtype == torch.int64 and masks.dtype == torch.bool
        assert labels.min() >= 1 and labels.max() < len(CLASSES)
        assert masks.sum(0).max() == 1, "digits do not overlap"
        for (x0, y0, x1, y1), mask in zip(boxes.int().tolist(), masks, strict=True):
            assert mask[y0:y1, x0:x1].sum() == mask.sum(), "nothing is outside of the box"
            rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
            assert (y0, y1 - 1, x0, x1 - 1) == (rows.min(), rows.max(), columns.min(), columns.max())
            assert 0.3 * SIDES[0] < y1 - y0 <= SIDES[1]
            inside = image.float()[:, y0:y1, x0:x1].flatten(1)
            ink = mask[y0:y1, x0:x1].flatten()
            assert (inside[:, ink].mean(1) - inside[:, ~ink].mean(1)).norm() > 50


def test_the_label_is_one_more_than_the_digit_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an upright bar for 0 and a level one for 1, the box shows which was drawn."""
    bars: np.ndarray = np.zeros((1797, 8, 8), np.uint8)
    bars[::2, :, 3:5] = 255
    bars[1::2, 3:5, :] = 255
    monkeypatch.setattr(digits, "_digits", lambda: (bars, np.arange(1797) % 2))
    for index in range(10):
        target = DigitScenes("test", 10)[index][1]
        width, height = (target["boxes"][:, 2:] - target["boxes"][:, :2]).T
        assert torch.equal(target["labels"], 1 + (width > height).long())


def test_the_splits_share_no_digit_and_each_has_all_classes() -> None:
    found = [handwritten(split) for split in PARTS]
    images, numbers = load_digits(return_X_y=True)
    assert torch.equal(torch.cat([label for _ink, label in found]), torch.from_numpy(numbers))
    scanned = torch.cat([ink for ink, _label in found]).flatten(1)
    assert (scanned - torch.from_numpy(images) * 255 / 16).abs().max() <= 0.5
    for _ink, label in found:
        assert label.bincount(minlength=10).min() >= 25


def test_scenes_are_the_same_again_and_no_other() -> None:
    first, again = DigitScenes("train", 9)[8], DigitScenes("train", 100)[8]
    assert torch.equal(first[0], again[0]) and all(torch.equal(first[1][key], again[1][key]) for key in first[1])
    others = [DigitScenes("train", 9)[7], DigitScenes("train", 9, seed=1)[8], DigitScenes("validation", 9)[8]]
    assert not any(torch.equal(first[0], other[0]) for other in others)


def test_every_digit_leaves_ink_at_every_size() -> None:
    ink, _numbers = digits._digits()
    for seed, digit in enumerate(ink):
        written = digits._written(np.random.default_rng(seed), digit, SIDES)
        assert (written > 0.5).sum() >= 30
        assert written[0].max() == written[-1].max() == 0, "the strokes end within"


def test_wrong_choices_are_refused() -> None:
    with pytest.raises(ValueError, match="no split 'val'"):
        DigitScenes("val", 1)
    for words in ({"length": -1}, {"length": 1, "seed": -1}, {"length": 1, "seed": 1 << 32}):
        with pytest.raises(ValueError, match=r"scenes, not|outside"):
            DigitScenes("train", **words)
    with pytest.raises(IndexError):
        DigitScenes("train", 1)[1]


def test_a_single_digit_is_the_one_that_was_scanned_and_stands_out() -> None:
    for split in PARTS:
        single, (_ink, numbers) = SingleDigits(split), handwritten(split)
        assert len(single) == len(numbers) and len(single.classes) == 10
        for index in range(0, len(single), 100):
            image, label = single[index]
            assert image.shape == (3, SINGLE_SIDE, SINGLE_SIDE) and image.dtype == torch.uint8
            assert label == numbers[index] and single.classes[label] == str(label)
            corners = image.float()[:, ::63, ::63].flatten(1).mean(1, keepdim=True)
            assert ((image.float() - corners[..., None]).norm(dim=0) > 80).sum() > 100


def test_single_digits_are_the_same_again_and_each_has_a_paper_of_its_own() -> None:
    first, again = SingleDigits("train")[5][0], SingleDigits("train")[5][0]
    assert torch.equal(first, again)
    assert not any(torch.equal(first, other) for other in (SingleDigits("train")[6][0], SingleDigits("train", 1)[5][0]))
    with pytest.raises(IndexError):
        SingleDigits("validation")[300]
