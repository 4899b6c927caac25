"""Connected components as instances, and where they fail."""

import torch
from torch import Tensor

from core.data.scenes import ShapeScenes, label_map
from core.segmentation.components import components, findable, first_merging, matched
from core.values import Instances

SIDE = 60


def box_mask(x0: int, y0: int, x1: int, y1: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[y0:y1, x0:x1] = True
    return mask


def truth_of(*masks: Tensor, labels: list[int]) -> dict[str, Tensor]:
    return {"masks": torch.stack(masks), "labels": torch.tensor(labels)}


def instances(*masks: Tensor, labels: list[int]) -> Instances:
    return Instances(torch.zeros(len(masks), 4), torch.ones(len(masks)), torch.tensor(labels), torch.stack(masks))


def naive(truth: dict[str, Tensor]) -> Instances:
    return components(label_map(truth["masks"], truth["labels"]))


def test_components_are_the_regions_of_one_class_largest_first() -> None:
    labels = torch.zeros(SIDE, SIDE, dtype=torch.int64)
    labels[5:15, 5:15] = 3
    labels[20:40, 20:40] = 1
    labels[40:50, 40:50] = 1  # touches the one before by its corner
    labels[5:15, 15:25] = 2  # touches the first by its side, but is of another class
    found = components(labels)
    assert found.labels.tolist() == [1, 2, 3]
    assert found.masks.flatten(1).sum(1).tolist() == [500, 100, 100]
    assert found.boxes[0].tolist() == [20, 20, 50, 50]
    assert torch.equal((found.masks * found.labels[:, None, None]).sum(0), labels)


def test_specks_are_left_out() -> None:
    labels = torch.zeros(SIDE, SIDE, dtype=torch.int64)
    labels[:5, :6] = 1
    labels[10:15, :5] = 1
    assert components(labels).masks.sum() == 30
    assert len(components(labels, least_area=25)) == 2


def test_a_map_of_background_has_no_components() -> None:
    found = components(torch.zeros(7, 9, dtype=torch.int64))
    assert len(found) == 0 and found.masks.shape == (0, 7, 9) and found.boxes.shape == (0, 4)


def test_two_overlapping_squares_of_one_class_are_merged() -> None:
    front, behind = box_mask(10, 10, 30, 30), box_mask(20, 20, 40, 40)
    touching = truth_of(front, behind & ~front, labels=[2, 2])
    assert len(naive(touching)) == 1
    assert matched(naive(touching), touching) == ["merged", "merged"]
    apart = touching | {"labels": torch.tensor([2, 3])}
    assert matched(naive(apart), apart) == ["found", "found"], "of two classes they come apart"


def test_even_the_larger_of_two_that_are_merged_is_not_found() -> None:
    """The component's IoU with it is above a half."""
    large, small = box_mask(0, 0, 40, 40), box_mask(40, 0, 50, 10)
    truth = truth_of(large, small, labels=[1, 1])
    assert matched(naive(truth), truth) == ["merged", "merged"]


def test_a_shape_cut_in_two_by_another_is_split() -> None:
    bar, before = box_mask(5, 25, 55, 35), box_mask(25, 10, 35, 50)
    truth = truth_of(bar & ~before, before, labels=[2, 4])
    found = naive(truth)
    assert len(found) == 3
    assert matched(found, truth) == ["split", "found"]


def test_a_shape_of_which_a_corner_is_cut_off_is_found() -> None:
    bar, before = box_mask(5, 25, 55, 35), box_mask(40, 10, 50, 50)
    truth = truth_of(bar & ~before, before, labels=[2, 4])
    assert matched(naive(truth), truth) == ["found", "found"]


def test_what_has_no_mask_of_its_class_is_missed() -> None:
    truth = truth_of(box_mask(5, 5, 25, 25), labels=[1])
    for found in (
        components(torch.zeros(SIDE, SIDE, dtype=torch.int64)),
        instances(box_mask(5, 5, 25, 25), labels=[2]),
        instances(box_mask(5, 5, 25, 12), labels=[1]),
    ):
        assert matched(found, truth) == ["missed"]


def test_a_mask_that_also_covers_an_instance_with_its_own_does_not_merge_them() -> None:
    """The masks of an instance segmenter may overlap."""
    outer, inner = box_mask(5, 5, 45, 45), box_mask(15, 15, 25, 25)
    truth = truth_of(outer & ~inner, inner, labels=[6, 6])
    assert matched(instances(outer, inner, labels=[6, 6]), truth) == ["found", "found"]
    assert matched(instances(outer, labels=[6]), truth) == ["merged", "merged"]


def test_the_truth_matches_itself_and_nothing_needs_no_match() -> None:
    for index in range(5):
        truth = ShapeScenes("validation", 5, "hard")[index][1]
        itself = instances(*truth["masks"], labels=truth["labels"].tolist())
        assert set(matched(itself, truth)) == {"found"}
    nothing = {"masks": torch.zeros(0, SIDE, SIDE, dtype=torch.bool), "labels": torch.zeros(0, dtype=torch.int64)}
    assert matched(instances(box_mask(0, 0, 9, 9), labels=[1]), nothing) == []


def test_what_is_not_known_counts_for_no_mask_and_is_not_looked_for() -> None:
    seen, void = box_mask(0, 0, 10, 10), box_mask(0, 10, 10, 30)
    truth = truth_of(seen, box_mask(0, 0, 0, 0), labels=[1, 2]) | {"void": void}
    found = instances(seen | void, labels=[1])
    assert matched(found, truth_of(seen, labels=[1])) == ["missed"]
    assert matched(found, findable(truth)) == ["found"], "and the other has no pixel that could be found"


def test_the_next_scene_where_components_fail_is_found() -> None:
    scenes = ShapeScenes("validation", 60)
    found = first_merging(scenes, 0, 60)
    assert found is not None
    truth = scenes[found][1]
    assert matched(naive(truth), truth).count("merged") >= 2
    assert first_merging(scenes, 0, found) is None and first_merging(scenes, found, 1) == found
    assert first_merging(scenes, 59, 10) in (None, 59), "it does not look beyond the last scene"
