"""Each kind of value has a picture, also when it is empty."""

import io

import pytest
import torch
from PIL import Image

from core.figures.stages import SIDE, draw, picture_of
from core.values import Crops, Detections, FeatureMap, RegionFeatures, Regions, Scores

IMAGE = torch.full((3, 40, 60), 200, dtype=torch.uint8)
BOX = torch.tensor([[10.0, 10.0, 40.0, 30.0]])
CLASSES = ("background", "ellipse", "ring")


def values(count):
    boxes = BOX.expand(count, 4)
    return [
        Regions(boxes),
        Crops(torch.zeros(count, 3, 8, 8, dtype=torch.uint8), boxes),
        RegionFeatures(torch.rand(count, 12), boxes),
        RegionFeatures(torch.rand(count, 5, 6, 6), boxes),
        Scores(torch.rand(count, 3), boxes),
        Detections(boxes, torch.full((count,), 0.9), torch.ones(count, dtype=torch.int64)),
    ]


@pytest.mark.parametrize("value", [FeatureMap(torch.rand(20, 4, 6), 8), *values(0), *values(1), *values(200)])
def test_every_value_has_a_picture(value):
    picture = draw(value, IMAGE, CLASSES)
    assert max(Image.open(io.BytesIO(picture.jpeg)).size) == SIDE
    assert picture.words


def test_box_is_drawn_in_its_class_colour_at_its_place():
    picture, _words = picture_of(Detections(BOX, torch.tensor([1.0]), torch.tensor([1])), IMAGE, CLASSES)
    scale = SIDE / 60
    assert picture.getpixel((round(10 * scale) + 1, round(20 * scale))) == (230, 159, 0)
    assert picture.getpixel((round(25 * scale), round(25 * scale))) == (200, 200, 200)


def test_surer_boxes_are_thicker():
    def coloured(score):
        picture, _words = picture_of(Detections(BOX, torch.tensor([score]), torch.tensor([1])), IMAGE, CLASSES)
        row = round(25 * SIDE / 60)
        return sum(picture.getpixel((x, row)) == (230, 159, 0) for x in range(picture.width))

    assert coloured(1.0) > coloured(0.1) > 0


def test_a_value_of_no_known_kind_is_refused():
    with pytest.raises(TypeError, match="no picture for int"):
        picture_of(3, IMAGE, CLASSES)  # type: ignore[arg-type]
