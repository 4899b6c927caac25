"""A set of images summed up, held against hand-made results."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from core.backbones import TRUNKS
from core.data import ShapeScenes
from core.segmentation.evaluation import Segmented, evaluate, labels_of, segmented, within
from core.stages import Progress, Staged, Step
from core.values import Instances, LabelMap

CLASSES = ("background", "square", "bar")


def square(x0: int, y0: int, x1: int, y1: int) -> Tensor:
    mask = torch.zeros(20, 20, dtype=torch.bool)
    mask[y0:y1, x0:x1] = True
    return mask


def instances(masks: list[Tensor], labels: list[int], scores: list[float]) -> Instances:
    return Instances(torch.zeros(len(masks), 4), torch.tensor(scores), torch.tensor(labels), torch.stack(masks))


TRUTH = {"masks": torch.stack([square(0, 0, 10, 10), square(10, 10, 20, 12)]), "labels": torch.tensor([1, 2])}


def test_a_perfect_model_of_instances_has_every_figure_at_one() -> None:
    report = evaluate([Segmented(instances(list(TRUTH["masks"]), [1, 2], [0.9, 0.8]), TRUTH, 0.1)], CLASSES)
    for figure in ("mean_iou", "pixel_accuracy", "mean_accuracy", "boundary_f", "mask_ap50", "mask_ap75", "mask_ap"):
        assert report[figure] == 1, figure
    assert report["seconds_per_image"] == 0.1


def test_masks_are_judged_by_their_pixels_not_by_their_boxes() -> None:
    half = square(0, 0, 10, 10) & (torch.arange(20)[:, None] > torch.arange(20))  # 45 of 100 pixels, in the same box
    report = evaluate([Segmented(instances([half, TRUTH["masks"][1]], [1, 2], [0.9, 0.8]), TRUTH, 0.1)], CLASSES)
    assert report["mask_ap50"] == 0.5  # one class of two


def test_a_label_map_has_no_mask_precision() -> None:
    labels = TRUTH["masks"][0].long()  # the bar is missed
    report = evaluate([Segmented(LabelMap(labels), TRUTH, 0.1)], CLASSES)
    assert "mask_ap50" not in report
    assert report["iou_per_class"]["square"] == 1 and report["iou_per_class"]["bar"] == 0
    assert report["confusion"] == [[280, 0, 0], [0, 100, 0], [20, 0, 0]]


@pytest.fixture
def partly() -> dict[str, Tensor]:
    """A square whose upper half is known, a difficult bar, and a square that nobody told from its neighbours."""
    void = square(0, 5, 10, 10) | square(12, 0, 20, 8)
    return {
        "boxes": torch.tensor([[0.0, 0, 10, 10], [10, 10, 20, 12], [12, 0, 20, 8]]),
        "labels": torch.tensor([1, 2, 1]),
        "iscrowd": torch.tensor([0, 1, 0]),
        "masks": torch.stack([square(0, 0, 10, 5), square(10, 10, 20, 12), square(0, 0, 0, 0)]),
        "void": void,
        "pixel_labels": (square(0, 0, 10, 5) + 2 * square(10, 10, 20, 12) + 255 * square(0, 5, 10, 10)).to(torch.uint8)
        + square(12, 0, 20, 8),
    }


def test_void_pixels_count_for_no_mask_and_no_figure(partly: dict[str, Tensor]) -> None:
    whole = instances([square(0, 0, 10, 10)], [1], [0.9])
    report = evaluate([Segmented(whole, partly, 0.1)], CLASSES)
    assert report["mask_ap50"] == report["mask_ap75"] == 1, "of its lower half nothing is known"
    assert report["confusion"] == [[400 - 100 - 64 - 20, 0, 0], [64, 50, 0], [20, 0, 0]]


def test_objects_that_are_difficult_or_have_no_mask_are_ignored(partly: dict[str, Tensor]) -> None:
    masks = [square(0, 0, 10, 5), square(10, 10, 20, 12), square(11, 0, 20, 8), square(12, 0, 15, 8)]
    found = instances(masks, [1, 2, 1, 1], [0.5, 0.9, 0.8, 0.7])
    assert evaluate([Segmented(found, partly, 0.1)], CLASSES)["mask_ap50"] == 1
    elsewhere = instances([*masks, square(0, 14, 8, 20)], [1, 2, 1, 1, 1], [0.5, 0.9, 0.8, 0.7, 0.6])
    assert evaluate([Segmented(elsewhere, partly, 0.1)], CLASSES)["mask_ap50"] == pytest.approx(0.5, abs=0.01)


def test_pixels_lie_within_a_box_by_their_middles() -> None:
    (mask,) = within(torch.tensor([[1.4, 0.6, 3.6, 2]]), 3, 4)
    assert mask.int().tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 0, 0, 0]]


def test_no_image_is_an_error() -> None:
    with pytest.raises(ValueError, match="no image"):
        evaluate([], CLASSES)


class Brightness(Staged):
    """Calls every pixel above 128 a square."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        yield Step("Look", LabelMap((image.float().mean(0) > 128).long()))


def test_a_segmenter_is_run_on_as_many_samples_as_asked_for() -> None:
    scenes = ShapeScenes("validation", 5)
    made = list(segmented(Brightness(), scenes, 2))
    assert len(made) == 2 and all(one.seconds > 0 for one in made)
    assert torch.equal(made[1].truth["masks"], scenes[1][1]["masks"])
    assert torch.equal(labels_of(made[1].made), (scenes[1][0].float().mean(0) > 128).long())


def test_a_segmenter_is_shown_photos_at_its_trunks_scale_and_judged_at_theirs() -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(Brightness):
        def steps(self, image: Tensor) -> Iterator[Step | Progress]:
            seen.append(tuple(image.shape))
            yield from super().steps(image)

    (made,) = segmented(Watched(), ShapeScenes("validation", 1), 1, TRUNKS["lite0"])
    assert seen == [(3, 320, 320)] and labels_of(made.made).shape == (256, 256)
