"""Images as large as segmenters see them, and results at the images' own size."""

import pytest
import torch

from core.backbones import TRUNKS
from core.segmentation.scaling import at_size, fitted, fitted_truth, nearest
from core.values import Instances, LabelMap
from tests.test_backbones import noise


def test_scenes_are_seen_as_they_are_and_photos_at_a_short_side_of_320() -> None:
    image = noise(3, 160, 200)
    assert fitted(image, TRUNKS["slim"]) is image
    seen = fitted(image, TRUNKS["lite0"])
    assert seen.shape == (3, 320, 400) and seen.dtype == torch.uint8
    assert abs(float(seen.float().mean()) - float(image.float().mean())) < 1


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 900), (1000, 40)])
def test_no_side_is_lost(height: int, width: int) -> None:
    assert min(fitted(noise(3, height, width), TRUNKS["lite0"]).shape) >= 1


def test_labels_come_back_at_the_images_size() -> None:
    labels = torch.tensor([[0, 1], [2, 3]])
    made = at_size(LabelMap(labels), 4, 6)
    assert isinstance(made, LabelMap)
    assert made.labels.tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2
    again = at_size(made, 2, 2)
    assert isinstance(again, LabelMap) and again.labels.equal(labels)


def test_a_truth_goes_with_its_image() -> None:
    mask = torch.zeros(1, 2, 4, dtype=torch.bool)
    mask[:, :1, 2:] = True
    truth = {
        "boxes": torch.tensor([[2.0, 0, 4, 1]]),
        "labels": torch.tensor([3]),
        "masks": mask,
        "void": ~mask[0],
        "pixel_labels": torch.tensor([[0, 0, 3, 3], [255, 0, 0, 0]], dtype=torch.uint8),
    }
    found = fitted_truth(truth, 4, 8)
    assert found["boxes"].tolist() == [[4, 0, 8, 2]] and found["labels"].tolist() == [3]
    assert found["masks"].shape == (1, 4, 8) and int(found["masks"].sum()) == 8
    assert found["void"].equal(~found["masks"][0]) and (found["pixel_labels"][2:, :2] == 255).all()
    assert (found["pixel_labels"][found["masks"][0]] == 3).all()
    assert "void" not in fitted_truth({name: truth[name] for name in ("boxes", "labels", "masks")}, 4, 8)


def test_instances_come_back_with_their_boxes() -> None:
    mask = torch.zeros(1, 4, 8, dtype=torch.bool)
    mask[:, :2, 4:] = True
    found = Instances(torch.tensor([[4.0, 0, 8, 2]]), torch.tensor([0.5]), torch.tensor([1]), mask)
    made = at_size(found, 2, 2)
    assert isinstance(made, Instances)
    assert made.boxes.tolist() == [[1, 0, 2, 1]] and made.masks.tolist() == [[[False, True], [False, False]]]


def test_a_map_that_has_the_size_is_the_same() -> None:
    maps = torch.zeros(2, 3, 4)
    assert nearest(maps, 3, 4) is maps
