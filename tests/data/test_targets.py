"""Parts of targets: what goes with objects, and what stays as it is the image's."""

import torch

from core.data.targets import part_of


def test_objects_go_with_all_that_is_theirs() -> None:
    target = {
        "boxes": torch.tensor([[0.0, 0, 2, 1], [2, 0, 3, 1]]),
        "labels": torch.tensor([4, 5]),
        "iscrowd": torch.tensor([0, 1]),
        "masks": torch.tensor([[[True, False, False]], [[False, False, True]]]),
        "void": torch.tensor([[False, True, False]]),
        "pixel_labels": torch.tensor([[4, 255, 5]], dtype=torch.uint8),
    }
    part = part_of(target, torch.tensor([True, False]))
    assert part["labels"].tolist() == [4] and part["iscrowd"].tolist() == [0] and part["boxes"].shape == (1, 4)
    assert part["masks"].tolist() == [[[True, False, False]]]
    assert part["void"].tolist() == [[False, True, True]], "whose its pixels are is not to be found any more"
    assert part["pixel_labels"].tolist() == [[4, 255, 5]]


def test_a_target_without_void_gets_none() -> None:
    target = {"boxes": torch.zeros(2, 4), "labels": torch.tensor([1, 2]), "masks": torch.zeros(2, 3, 3).bool()}
    part = part_of(target, torch.tensor([False, True]))
    assert set(part) == set(target) and part["labels"].tolist() == [2]
