"""Each kind of value has a picture, also when it is empty; what matters in it is drawn, and the words say what not."""

import io

import pytest
import torch
from PIL import Image
from torch import Tensor

from core.detectors import Progress, TimedStep
from core.detectors.race import RaceEvent, Ran, Refused
from core.figures.palette import class_colour
from core.figures.stages import (
    LEAST_SIDE,
    MOST_BOXES,
    SIDE,
    SURE,
    Drawn,
    draw,
    draw_race,
    draw_truth,
    picture_of,
    seconds_left,
)
from core.values import (
    ClassScores,
    Crops,
    Detections,
    FeatureMap,
    Instances,
    LabelMap,
    RegionFeatures,
    Regions,
    ScoreMap,
    Scores,
    Value,
)

IMAGE = torch.full((3, 40, 60), 200, dtype=torch.uint8)
SCALE = SIDE / 60
BOX = torch.tensor([[10.0, 10.0, 40.0, 30.0]])
CLASSES = ("background", "ellipse", "ring")
ORANGE = (230, 159, 0)
assert class_colour(1) == "#E69F00"


def values(count: int) -> list[Value]:
    boxes = BOX.expand(count, 4)
    return [
        Regions(boxes),
        Crops(torch.zeros(count, 3, 8, 8, dtype=torch.uint8), boxes),
        RegionFeatures(torch.rand(count, 12), boxes),
        RegionFeatures(torch.rand(count, 6400), boxes),
        RegionFeatures(torch.rand(count, 5, 6, 6), boxes),
        Scores(torch.rand(count, 3), boxes),
        Detections(boxes, torch.full((count,), 0.9), torch.ones(count, dtype=torch.int64)),
        Instances(
            boxes,
            torch.full((count,), 0.9),
            torch.ones(count, dtype=torch.int64),
            torch.ones(count, 40, 60, dtype=torch.bool),
        ),
    ]


MAPS: list[Value] = [
    FeatureMap(torch.rand(20, 4, 6), 8),
    ScoreMap(torch.randn(3, 2, 3), 16),
    LabelMap(torch.zeros(40, 60, dtype=torch.int64)),
    ClassScores(torch.randn(3)),
]


def scored(*scores: float) -> Detections:
    boxes = BOX.repeat(len(scores), 1)
    return Detections(boxes, torch.tensor(scores), torch.ones(len(scores), dtype=torch.int64))


def orange_pixels(found: Detections) -> int:
    """Count the pixels of class 1's colour in the row through the middle of ``BOX``, which no label reaches."""
    picture, _words = picture_of(found, IMAGE, CLASSES)
    return sum(picture.getpixel((x, round(25 * SCALE))) == ORANGE for x in range(picture.width))


@pytest.mark.parametrize("value", [*MAPS, *values(0), *values(1), *values(200)])
def test_every_value_has_a_picture(value: Value) -> None:
    picture = draw(value, IMAGE, CLASSES)
    assert max(Image.open(io.BytesIO(picture.webp)).size) == SIDE
    assert picture.words


def test_box_is_drawn_in_its_class_colour_at_its_place() -> None:
    picture, _words = picture_of(scored(1.0), IMAGE, CLASSES)
    assert picture.getpixel((round(10 * SCALE) + 1, round(20 * SCALE))) == ORANGE
    assert picture.getpixel((round(25 * SCALE), round(25 * SCALE))) == (200, 200, 200)


def test_surer_boxes_are_thicker() -> None:
    assert orange_pixels(scored(1.0)) > orange_pixels(scored(SURE)) > 0


def test_boxes_below_the_limit_are_counted_but_not_drawn() -> None:
    assert orange_pixels(scored(0.9, 0.2, 0.01)) == orange_pixels(scored(0.9))
    assert orange_pixels(scored(0.29)) == 0
    words = draw(scored(0.9, 0.2, 0.01), IMAGE, CLASSES).words
    assert words == "1 of 3 boxes drawn: those with a score of 0.3 or more"
    assert draw(scored(0.9, 0.5), IMAGE, CLASSES).words.startswith("2 boxes")
    many = scored(*[0.9] * (MOST_BOXES + 50))
    assert draw(many, IMAGE, CLASSES).words.startswith(f"the best {MOST_BOXES} of {MOST_BOXES + 50} boxes drawn")


def test_labels_do_not_cover_each_other() -> None:
    def labelled(found: Detections, y: float) -> bool:
        picture, _words = picture_of(found, IMAGE, CLASSES)
        return picture.getpixel((round(10 * SCALE) + 2, round(y))) == ORANGE

    above, below = 10 * SCALE - 8, 30 * SCALE + 8
    assert labelled(scored(0.9), above) and not labelled(scored(0.9), below)
    assert labelled(scored(0.9, 0.8), above) and labelled(scored(0.9, 0.8), below)


def test_a_value_of_no_known_kind_is_refused() -> None:
    with pytest.raises(TypeError, match="no picture for int"):
        picture_of(3, IMAGE, CLASSES)  # type: ignore[arg-type]


def test_truth_is_drawn_and_named() -> None:
    picture = draw_truth(IMAGE, {"boxes": BOX, "labels": torch.tensor([2])}, CLASSES)
    assert picture.words == "Ground truth: ring"
    assert draw_truth(IMAGE, None).words == "The image, without ground truth"
    assert picture.webp != draw_truth(IMAGE, None).webp


def test_a_race_is_drawn_stage_by_stage() -> None:
    events: list[RaceEvent] = [
        Ran("rcnn", Progress("Convolution", 32, 64)),
        Ran("rcnn", TimedStep("NMS", scored(0.9), 0.1)),
        Refused("yolo", "No."),
    ]
    drawn = list(draw_race(iter(events), IMAGE))
    assert [one.event for one in drawn] == events
    assert [one.picture is not None for one in drawn] == [False, True, False]
    assert drawn[0].at <= drawn[1].at <= drawn[2].at


def signs(*done: int, total: int = 100, name: str = "Convolution") -> list[Drawn]:
    """Signs of life, one a second."""
    return [Drawn(Ran("rcnn", Progress(name, count, total)), None, float(at)) for at, count in enumerate(done)]


def test_time_left_follows_the_stages_own_speed() -> None:
    assert seconds_left(signs(10, 20, 30)) == pytest.approx(7)
    assert seconds_left(signs(10, 20, 100)) == 0
    assert seconds_left(signs(10)) is None, "one sign says nothing about the speed"
    assert seconds_left([]) is None
    before = signs(1, 2, 3, name="Warp")
    assert seconds_left([*before, *signs(50, 75)]) == pytest.approx(1)


@pytest.mark.parametrize(("width", "expected"), [(30, round(SIDE / 10)), (2, LEAST_SIDE)])
def test_pictures_keep_the_shape_of_the_image_unless_there_would_be_nothing_to_see(width: int, expected: int) -> None:
    tall: Tensor = torch.zeros(3, 300, width, dtype=torch.uint8)
    picture, _words = picture_of(Regions(BOX), tall, CLASSES)
    assert picture.size == (expected, SIDE)


def test_a_label_map_has_the_colours_of_its_classes() -> None:
    labels = torch.zeros(40, 60, dtype=torch.int64)
    labels[10:20, 30:60] = 1
    picture, words = picture_of(LabelMap(labels), IMAGE, CLASSES)
    assert picture.getpixel((round(45 * SCALE), round(15 * SCALE))) == ORANGE
    assert picture.getpixel((round(15 * SCALE), round(15 * SCALE))) == (0, 0, 0)
    assert words == "background, ellipse"


def test_of_overlapping_masks_the_surer_lies_on_top_and_the_unsure_are_left_out() -> None:
    masks = torch.zeros(3, 40, 60, dtype=torch.bool)
    masks[0, :, 20:40] = masks[1, :, 30:60] = masks[2] = True
    found = Instances(BOX.repeat(3, 1), torch.tensor([0.9, 0.8, SURE / 2]), torch.ones(3, dtype=torch.int64), masks)
    picture, words = picture_of(found, IMAGE, CLASSES)
    seen = [picture.getpixel((round(x * SCALE), 9)) for x in (10, 25, 35, 50)]
    assert seen == [(0, 0, 0), ORANGE, ORANGE, (86, 180, 233)]
    assert words.startswith("2 of 3 masks")


def test_the_probabilities_of_classes_are_bars_from_the_most_probable_down() -> None:
    logits = torch.tensor([0.2, 0.1, 0.7]).log()
    picture, words = picture_of(ClassScores(logits), IMAGE, ("cat", "dog", "hen"))
    assert words == "hen, with a probability of 0.70; the 3 most probable of 3 classes drawn"
    middles = [SIDE - 20 - 40 * row for row in (2, 1, 0)]  # of hen, cat, dog
    lengths = [sum(picture.getpixel((x, y - 17)) != (0, 0, 0) for x in range(SIDE)) for y in middles]
    assert lengths == pytest.approx([0.7 * SIDE, 0.2 * SIDE, 0.1 * SIDE], abs=2)
    many = picture_of(ClassScores(torch.zeros(30)), IMAGE, [str(index) for index in range(30)])[1]
    assert "the 5 most probable of 30 classes" in many
