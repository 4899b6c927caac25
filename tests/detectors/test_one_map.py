"""One map for all regions: it is the detectors' own, the distances and costs are what they say."""

import math
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torchvision.ops import box_iou

from core.backbones import TRUNKS
from core.data.scenes import ShapeScenes
from core.detectors import load, run
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.one_map import (
    ImageMap,
    RegionError,
    compare,
    count_multiply_adds,
    crop_of,
    distances_when_moved,
    first_region,
    map_of,
    pool_each_way,
    rcnn_around,
    region_in,
    shifts_within,
    similarity,
    similarity_elsewhere,
)
from core.detectors.rcnn import warp
from core.pooling import PYRAMID, roi_pool
from core.values import FeatureMap, RegionFeatures

IMAGE = torch.zeros(3, 120, 200, dtype=torch.uint8)


@pytest.fixture(scope="module")
def detector() -> FasterRCNN:
    loaded = load("faster_rcnn")
    assert isinstance(loaded, FasterRCNN)
    return loaded


@pytest.fixture(scope="module")
def scene() -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", 10)[1]


@pytest.fixture
def image_map() -> ImageMap:
    return ImageMap(torch.rand(8, 8, 13, generator=torch.Generator().manual_seed(0)), 1.0, 16)


def test_the_map_is_the_one_that_the_detector_pools_from(detector: FasterRCNN) -> None:
    image = torch.randint(0, 256, (3, 300, 200), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    step = run(detector, image).steps[0]
    assert isinstance(step.value, FeatureMap)
    ours = map_of(rcnn_around(detector), image)
    torch.testing.assert_close(ours.features, step.value.values)
    assert ours.scale == pytest.approx(256 / 200 / 16), "the short side of 200 pixels becomes 256"


def test_a_region_is_pooled_as_the_detector_pools_it(detector: FasterRCNN, scene: tuple[Tensor, object]) -> None:
    pooled = next(step.value for step in run(detector, scene[0]).steps if step.name == "RoI pooling")
    assert isinstance(pooled, RegionFeatures)
    ours = pool_each_way(map_of(rcnn_around(detector), scene[0]), pooled.boxes[:50])
    torch.testing.assert_close(ours["roi_pool"], pooled.values[:50])
    assert ours["roi_align"].shape == ours["roi_pool"].shape
    assert ours["spp"].shape == (50, 128 * sum(level**2 for level in PYRAMID))


def test_the_crop_is_rcnns(detector: FasterRCNN, scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    image, truth = scene
    rcnn = rcnn_around(detector)
    crop, feature = crop_of(rcnn, image, truth["boxes"][0])
    assert crop.equal(warp(image, truth["boxes"][:1], 256, 16)[0])
    with torch.inference_mode():
        pooled, _hidden = rcnn.region_features(image, truth["boxes"][:1])
    torch.testing.assert_close(feature.permute(1, 2, 0).flatten(), pooled[0])


def test_distances_are_from_rest_and_stand_still_with_the_cells(image_map: ImageMap) -> None:
    box = torch.tensor([34.0, 18, 100, 90])
    shifts = list(range(-16, 17))
    distances = distances_when_moved(image_map, box, shifts)
    for way, values in distances.items():
        rest = pool_each_way(image_map, box[None])[way].flatten()
        for shift, value in zip(shifts, values, strict=True):
            moved = pool_each_way(image_map, box[None] + torch.tensor([shift, 0, shift, 0]))[way].flatten()
            assert value == pytest.approx(float((moved - rest).norm() / rest.norm()), abs=1e-5), (way, shift)
        assert values[16] == 0
    # 34 / 16 = 2.1 and 100 / 16 = 6.25 round to the same cells for 3 pixels to the right and 10 to the left.
    assert [shift for shift, value in zip(shifts, distances["roi_pool"], strict=True) if value == 0] == [*range(-10, 4)]
    glides, jumps = (
        [abs(after - before) for before, after in pairwise(distances[way])] for way in ("roi_align", "roi_pool")
    )
    assert max(glides) < max(jumps) / 3 and min(glides) > 0


@pytest.mark.parametrize(
    ("edges", "first", "last"),
    [((50, 0, 100, 9), -16, 16), ((5, 0, 100, 9), -5, 16), ((50, 0, 198, 9), -16, 2), ((0, 0, 200, 9), 0, 0)],
)
def test_a_region_moves_within_the_image(edges: tuple[float, ...], first: int, last: int) -> None:
    assert shifts_within(IMAGE, torch.tensor(edges, dtype=torch.float32)) == list(range(first, last + 1))


def test_a_region_inside_is_taken_as_it_is() -> None:
    box, notes = region_in(IMAGE, (10, 20, 200, 120))
    assert box.tolist() == [10, 20, 200, 120] and notes == ()


def test_a_region_beyond_is_clipped_and_said() -> None:
    box, notes = region_in(IMAGE, (-50, 20, 300, 500))
    assert box.tolist() == [0, 20, 200, 120]
    assert notes == ("The region reached beyond the image and is clipped to 0, 20, 200, 120.",)


@pytest.mark.parametrize(
    ("edges", "words"),
    [
        ((50, 20, 50, 60), "empty: x0 is to be less than x1"),
        ((10, 60, 50, 20), "empty: y0 is to be less than y1"),
        ((200, 20, 250, 60), "outside the image, which is 200 x 120"),
        ((10, -60, 50, 0), "outside the image"),
    ],
)
def test_no_region_is_a_sentence(edges: tuple[int, ...], words: str) -> None:
    with pytest.raises(RegionError, match=words):
        region_in(IMAGE, edges)


def test_the_first_region_is_the_largest_object_or_the_middle() -> None:
    truth = {"boxes": torch.tensor([[1.0, 1, 9, 9], [20.4, 30.6, 80.2, 90.0]])}
    assert first_region(IMAGE, truth) == (20, 31, 80, 90)
    assert first_region(IMAGE, None) == first_region(IMAGE, {"boxes": torch.zeros(0, 4)}) == (50, 30, 150, 90)
    for size in (1, 2, 3):
        region_in(torch.zeros(3, size, size), first_region(torch.zeros(3, size, size), None))


def test_the_same_feature_is_like_itself_and_its_multiples(image_map: ImageMap) -> None:
    feature = pool_each_way(image_map, torch.tensor([[20.0, 20, 90, 90]]))["roi_pool"][0]
    assert similarity(feature, 3 * feature) == pytest.approx(1)
    assert similarity(torch.tensor([1.0, 0]), torch.tensor([0.0, 2])) == 0
    assert similarity(torch.tensor([1.0, 0]), torch.tensor([1.0, 1])) == pytest.approx(math.sqrt(0.5))


def test_elsewhere_leaves_out_the_region_itself(image_map: ImageMap, monkeypatch: pytest.MonkeyPatch) -> None:
    pooled = []

    def watch(features: Tensor, boxes: Tensor, scale: float, bins: int) -> Tensor:
        pooled.append((boxes, roi_pool(features, boxes, scale, bins)))
        return pooled[-1][1]

    monkeypatch.setattr("core.detectors.one_map.roi_pool", watch)
    box = torch.tensor([20.0, 20, 70, 60])
    feature = roi_pool(image_map.features, box[None], 1 / 16, 6)[0]
    mean = similarity_elsewhere(image_map, box, feature)
    ((others, features),) = pooled
    assert mean == pytest.approx(sum(similarity(feature, other) for other in features) / len(others))
    assert len(others) > 30 and box_iou(others, box[None]).max() < 0.3
    assert others.min() >= 0 and (others.amax(0)[2:] <= torch.tensor([13, 8]) * 16 + 1e-3).all()
    assert similarity_elsewhere(image_map, torch.tensor([0.0, 0, 208, 128]), feature) is None


def test_the_comparison_starts_from_the_crop(detector: FasterRCNN, scene: tuple[Tensor, dict[str, Tensor]]) -> None:
    image, truth = scene
    rcnn = rcnn_around(detector)
    image_map = map_of(rcnn, image)
    box, label = truth["boxes"][0], int(truth["labels"][0])
    _crop, of_crop = crop_of(rcnn, image, box)
    compared = compare(image_map, box, of_crop, detector.head)
    assert list(compared) == ["crop", "roi_pool", "roi_align", "spp"]
    assert compared["crop"].similarity == pytest.approx(1)
    assert compared["roi_pool"].label == label, "as it was trained"
    pooled = pool_each_way(image_map, box[None])["roi_pool"][0]
    assert compared["roi_pool"].similarity == pytest.approx(similarity(pooled, of_crop))
    assert compare(image_map, box, of_crop, None)["roi_pool"].label is None


def test_spp_is_compared_by_its_finest_level(image_map: ImageMap) -> None:
    # A region of 6 x 6 whole cells is its own finest level.
    box = torch.tensor([16.0, 16, 112, 112])
    of_crop = image_map.features[:, 1:7, 1:7]
    assert compare(image_map, box, of_crop, None)["spp"].similarity == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "image", "on_input", "crop"),
    [("slim", (256, 256), (256, 256), (256, 256)), ("paper", (300, 375), (600, 750), (227, 227))],
)
def test_multiply_adds_are_those_of_the_layers(
    size: str, image: tuple[int, int], on_input: tuple[int, int], crop: tuple[int, int]
) -> None:
    def by_hand(shape: tuple[int, int]) -> int:
        total = 0
        trunk = TRUNKS[size].build().eval()
        values = torch.zeros(1, 3, *shape)
        for layer in trunk:
            values = layer(values)
            if isinstance(layer, nn.Conv2d):
                kernel = layer.kernel_size[0] * layer.kernel_size[1]
                total += kernel * layer.in_channels * values[0].numel()
        return total

    counted = count_multiply_adds(size, *image)
    assert counted.image == by_hand(on_input) and counted.crop == by_hand(crop)
    inputs, width = {"slim": (6 * 6 * 128, 256), "paper": (6 * 6 * 256, 4096)}[size]
    assert counted.layers == inputs * width + width * width
