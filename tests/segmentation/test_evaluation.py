"""A set of images summed up, held against hand-made results."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from core.data import ShapeScenes
from core.segmentation.evaluation import Segmented, evaluate, labels_of, segmented
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
