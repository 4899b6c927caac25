"""Pipelines: boxes and masks follow the picture, what leaves it is gone, order matters, and chance is repeatable."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.ops import masks_to_boxes
from torchvision.transforms import v2

from core.data import ShapeScenes
from core.data.transforms import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    KINDS,
    Pipeline,
    Sample,
    Transformed,
    TransformError,
    _seed_of,
    each_step,
)

pytestmark = pytest.mark.filterwarnings("ignore:RandomErasing")


def picture(*boxes: list[int], width: int = 200, height: int = 100) -> Sample:
    """A grey picture of one brighter rectangle for each box, with their masks."""
    masks = torch.zeros(len(boxes), height, width, dtype=torch.bool)
    for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=True):
        mask[y0:y1, x0:x1] = True
    image = (50 + 100 * masks.any(0)).to(torch.uint8).expand(3, -1, -1).contiguous()
    numbers = torch.arange(len(boxes))
    target = {"boxes": torch.tensor(boxes).reshape(-1, 4).float(), "labels": 1 + numbers, "masks": masks}
    return image, target | {"iscrowd": numbers % 2}


SCENE = ShapeScenes("train", 2)[1]


def same(first: Sample, second: Sample) -> bool:
    keys = first[1].keys()
    return torch.equal(first[0], second[0]) and all(torch.equal(first[1][key], second[1][key]) for key in keys)


def test_boxes_and_masks_follow_a_flip() -> None:
    before, after = each_step(picture([10, 20, 50, 60]), [{"name": "flip", "p": 1}], 0)
    assert before.name == "" and after.name == "flip" and after.objects == (0,) and after.removed == ()
    assert after.target["boxes"].tolist() == [[150, 20, 190, 60]]
    assert torch.equal(after.image, before.image.flip(-1))
    assert torch.equal(after.target["masks"], before.target["masks"].flip(-1))


def test_what_leaves_the_image_is_removed_with_all_that_belongs_to_it() -> None:
    sample = picture([0, 0, 20, 20], [90, 40, 110, 60], [40, 30, 60, 70], [180, 80, 200, 100], [50, 0, 150, 10])
    _before, stage = each_step(sample, [{"name": "centre_crop", "side": 100}], 0)
    assert stage.objects == (1, 2, 4) and stage.removed == (0, 3)
    assert stage.target["boxes"].tolist() == [[40, 40, 60, 60], [0, 30, 10, 70], [0, 0, 100, 10]], "cut at the edges"
    assert stage.target["labels"].tolist() == [2, 3, 5] and stage.target["iscrowd"].tolist() == [1, 0, 0]
    assert stage.target["masks"].flatten(1).sum(1).tolist() == [400, 400, 1000]
    _before, stage, other = each_step(sample, [{"name": "centre_crop", "side": n} for n in (100, 20)], 0)
    assert other.objects == (1,) and other.removed == (2, 4), "of those that were left"


def test_an_object_without_a_pixel_is_gone_though_its_box_is_not() -> None:
    """A ring's box reaches into the crop, the ring does not."""
    image, target = picture([0, 0, 100, 100], width=100)
    target["masks"][:, 20:80, 20:80] = False
    _before, stage = each_step((image, target), [{"name": "centre_crop", "side": 40}], 0)
    assert stage.objects == () and stage.removed == (0,)
    assert stage.target["boxes"].shape == (0, 4) and stage.target["masks"].shape == (0, 40, 40)


def test_nothing_is_removed_by_mistake_where_there_is_nothing() -> None:
    every = [{"name": name} for name in KINDS if name not in ("iou_crop", "normalise")]
    for sample in (picture(), (picture()[0], {}), (picture()[0], {"labels": torch.tensor(3)})):
        stages = each_step(sample, every, 0)
        assert len(stages) == len(every) + 1 and stages[-1].objects == ()
        assert stages[-1].target.keys() == sample[1].keys()


def test_order_matters() -> None:
    """Enlarged and then cropped, a fourth of the picture is left; cropped and then enlarged, it is another part."""
    sample = picture([80, 30, 120, 70], [0, 0, 30, 30], width=200, height=200)
    resize, crop = {"name": "resize", "side": 400}, {"name": "centre_crop", "side": 100}
    first, second = (each_step(sample, order, 0)[-1] for order in ([resize, crop], [crop, resize]))
    assert first.image.shape == (3, 100, 100) and second.image.shape == (3, 400, 400)
    assert first.target["boxes"].tolist() == [] and second.target["boxes"].tolist() == [[120, 0, 280, 80]]


def test_a_step_draws_the_same_wherever_it_stands() -> None:
    flip, turn = {"name": "flip", "p": 0.5}, {"name": "rotate", "degrees": 40}
    for seed in range(8):
        alone = each_step(SCENE, [turn], seed)[1]
        behind = each_step(SCENE, [{"name": "flip", "p": 0}, turn], seed)[2]
        assert same((alone.image, alone.target), (behind.image, behind.target))
        first, second = each_step(SCENE, [flip, turn], seed)[-1], each_step(SCENE, [turn, flip], seed)[-1]
        flipped = not torch.equal(each_step(SCENE, [flip], seed)[1].image, SCENE[0])
        assert torch.equal(first.image, second.image) != flipped, "a turn to the left and a flip do not commute"
    twice = each_step(SCENE, [turn, turn], 0)
    assert not torch.equal(twice[2].image, each_step((twice[1].image, {}), [turn], 0)[1].image), "drawn anew"


@pytest.mark.parametrize("name", KINDS)
def test_every_step_is_torchvisions_own(name: str) -> None:
    """As if the global generator had the step's seed; what leaves the image is removed as torchvision does it."""
    before = [{"name": "to_float"}] if name == "normalise" else []
    stages = each_step(SCENE, [*before, {"name": name}], 5)
    transform = Pipeline([{"name": name}]).transforms[0]
    with torch.random.fork_rng():
        torch.manual_seed(_seed_of(5, name, 0))
        image, target = transform(stages[-2].image, stages[-2].target)
    _image, target = v2.SanitizeBoundingBoxes()(*v2.ClampBoundingBoxes()(image, target))
    assert same((stages[-1].image, stages[-1].target), (image, target))
    assert isinstance(stages[-1].image, tv_tensors.Image) and isinstance(stages[-1].target["masks"], tv_tensors.Mask)


def test_a_seed_gives_the_same_again_and_another_something_else() -> None:
    steps = [{"name": name} for name in ("rotate", "resized_crop", "jitter", "noise", "erase", "flip")]
    first, again, other = (each_step(SCENE, steps, seed)[-1].image for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_chance_is_neither_taken_from_other_threads_nor_given_to_them() -> None:
    steps = [{"name": name} for name in ("rotate", "jitter", "noise", "crop")]
    alone = [each_step(SCENE, steps, seed)[-1].image for seed in range(8)]
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda seed: each_step(SCENE, steps, seed)[-1].image, range(8)))
    assert all(torch.equal(one, other) for one, other in zip(alone, together, strict=True))
    assert torch.equal(torch.rand(3), expected)


def tight(masks: Tensor) -> Tensor:
    boxes = masks_to_boxes(masks)
    boxes[:, 2:] += 1
    return boxes


def test_a_turned_box_is_wider_than_its_object_until_it_is_drawn_anew() -> None:
    _before, turned, tightened = each_step(SCENE, [{"name": "rotate", "degrees": 40}, {"name": "tighten"}], 1)
    boxes, exact = turned.target["boxes"], tight(turned.target["masks"])
    assert (boxes[:, :2] <= exact[:, :2] + 1).all() and (boxes[:, 2:] >= exact[:, 2:] - 1).all()
    assert ((boxes[:, 2:] - boxes[:, :2]).prod(1) > 1.1 * (exact[:, 2:] - exact[:, :2]).prod(1)).any()
    assert torch.equal(tightened.target["boxes"], exact) and torch.equal(tightened.image, turned.image)


def test_floats_are_normalised_by_imagenet() -> None:
    _before, _floats, stage = each_step(SCENE, [{"name": "to_float"}, {"name": "normalise"}], 0)
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    assert torch.allclose(stage.image, (SCENE[0] / 255 - mean) / std, atol=1e-6)
    assert stage.target["boxes"].dtype == torch.float32 and stage.target["masks"].dtype == torch.bool


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"name": "turn"}, "no step 'turn': choose among flip"),
        ({}, "no step None"),
        ({"name": "flip", "chance": 1}, "'flip' has no parameter 'chance'"),
        ({"name": "flip", "p": 1.5}, "Probability of the step 'flip' is a number from 0 to 1, not 1.5"),
        ({"name": "flip", "p": "1"}, "is a number from 0 to 1"),
        ({"name": "flip", "p": float("nan")}, "is a number from 0 to 1"),
        ({"name": "crop", "side": 1}, "from 16 to 1024"),
    ],
)
def test_wrong_descriptions_are_refused(step: dict[str, object], words: str) -> None:
    with pytest.raises(TransformError, match=words):
        Pipeline([step])


def test_a_step_in_the_wrong_place_is_refused_with_its_reason() -> None:
    with pytest.raises(TransformError, match=r"ImageNet's mean. cannot be taken here: .*float tensor"):
        each_step(SCENE, [{"name": "normalise"}], 0)
    with pytest.raises(TransformError, match="larger than 4 megapixels"):
        each_step(SCENE, [{"name": "zoom_out", "most": 4}] * 20, 0)


def test_bounds_and_defaults_of_parameters_work() -> None:
    for name, kind in KINDS.items():
        for key, parameter in kind.parameters.items():
            assert parameter.low <= parameter.default <= parameter.high
            for value in (parameter.low, parameter.high):
                stages = each_step(SCENE, [{"name": name, key: value}], 0)
                assert stages[-1].image.shape[0] == 3, (name, key, value)


def test_a_description_is_plain_data_and_reads_as_code() -> None:
    described = json.loads(json.dumps([{"name": "flip", "p": 1}, {"name": "to_float"}, {"name": "tighten"}]))
    code = Pipeline(described).as_code()
    assert code.splitlines() == [
        "v2.Compose([",
        "    v2.RandomHorizontalFlip(p=1.0),",
        "    v2.ToDtype(torch.float32, scale=True),",
        "    TightenBoxes(),",
        "    v2.ClampBoundingBoxes(),",
        "    v2.SanitizeBoundingBoxes(),",
        "])",
    ]


def test_a_dataset_behind_a_pipeline_depends_on_seed_epoch_and_index_alone() -> None:
    scenes, steps = ShapeScenes("train", 3), [{"name": "rotate"}, {"name": "noise"}]

    def images(dataset: Transformed, order: tuple[int, ...] = (0, 1, 2)) -> Iterator[Tensor]:
        taken = {index: dataset[index][0] for index in order}
        return (taken[index] for index in range(3))

    first = list(images(Transformed(scenes, steps, 7)))
    assert all(map(torch.equal, first, images(Transformed(scenes, steps, 7), (2, 0, 1))))
    for other in (Transformed(scenes, steps, 8), Transformed(scenes, steps, 7, epoch=1)):
        assert not any(map(torch.equal, first, images(other)))
    assert len(Transformed(scenes, steps)) == 3
    assert same(Transformed(scenes, [])[1], scenes[1])
