"""What the detectors of the family of photographs find in photos that no training saw."""

import pytest
import torch
from torchvision.ops import box_iou

from core.data.photos import photo
from core.detectors import NAMES, load, run
from core.families import PHOTOS

TRAINED = [name for name in NAMES if (PHOTOS.folder / f"{name}.safetensors").exists()]
# YOLO's score is a product with the IoU that it expects of its box, the others' a class's probability alone.
SURE = dict.fromkeys(NAMES, 0.5) | {"yolo": 0.15}
# Where the animal and the person are, by eye.
SEEN = {"chelsea": ("cat", (10.0, 20, 440, 300)), "astronaut": ("person", (20.0, 5, 500, 512))}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("title", SEEN)
def test_the_best_box_is_the_cat_or_the_person(name: str, title: str) -> None:
    thing, place = SEEN[title]
    detector = load(name, PHOTOS)
    detector.limit_regions(500)
    found = run(detector, photo(title)).detections
    assert PHOTOS.classes[found.labels[0]] == thing
    assert found.scores[0] > SURE[name]
    assert box_iou(found.boxes[:1], torch.tensor([place])) > 0.5
