"""R-CNN: crops land where they should to half a pixel, and every step is what the fitting saw."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.data import ShapeScenes
from core.detectors import Progress, Step, build, rcnn
from core.detectors.rcnn import BATCH, MEAN_COLOUR, RCNN, SVM_THRESHOLD, warp
from core.detectors.regions import Samples, sample
from core.proposals import selective_search
from core.values import Crops, Detections, RegionFeatures, Regions, Scores

CONTEXT = 16
SIDE = 96  # 64 pixels of region and twice 16 of context
NAMES = ["Region proposals", "Warp", "Convolution", "Fully connected", "SVM", "Box regression", "NMS"]


def noise(height: int = 200, width: int = 220, seed: int = 0) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (3, height, width), dtype=torch.uint8, generator=rng)


def warp_one(image: Tensor, *box: float, side: int = SIDE) -> Tensor:
    return warp(image, torch.tensor([box]), side, CONTEXT)[0].int()


def means(height: int, width: int) -> Tensor:
    return torch.tensor(MEAN_COLOUR)[:, None, None].expand(3, height, width).int()


def by_grid_sample(image: Tensor, region: Tensor, side: int) -> Tensor:
    """The same crop from torch's sampler, which also counts half pixels: (3, S, S) float."""
    height, width = image.shape[1:]
    mean = torch.tensor(MEAN_COLOUR, dtype=torch.float64)[:, None, None]
    share = (torch.arange(side, dtype=torch.float64) + 0.5 - CONTEXT) / (side - 2 * CONTEXT)
    x0, y0, x1, y1 = region.double()
    x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
    places = torch.stack(torch.broadcast_tensors((2 * x / width - 1)[None, :], (2 * y / height - 1)[:, None]), -1)
    return functional.grid_sample((image - mean)[None], places[None], align_corners=False)[0] + mean


@pytest.fixture(scope="module")
def detector() -> RCNN:
    """Random weights everywhere, the SVMs and the box regressions included."""
    torch.manual_seed(3)
    built = build("rcnn")
    assert isinstance(built, RCNN)
    built.svms.svm.normal_(0, 0.2)
    built.svms.ridge.normal_(0, 0.003)
    built.svms.hidden_scale.fill_(40.0)
    built.svms.pooled_scale.fill_(0.5)
    return built


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return ShapeScenes("validation", 4)[3][0]


@pytest.fixture(scope="module")
def events(detector: RCNN, scene: Tensor) -> list[Step | Progress]:
    detector.limit_regions(BATCH + 8)
    with torch.inference_mode():
        return list(detector.steps(scene))


@pytest.fixture(scope="module")
def values(events: list[Step | Progress]) -> dict[str, object]:
    return {event.name: event.value for event in events if isinstance(event, Step)}


def test_a_region_of_the_crops_inner_size_is_copied_with_16_pixels_around_it() -> None:
    image = noise()
    assert torch.equal(warp_one(image, 40, 50, 104, 114), image[:, 34:130, 24:120].int())


def test_a_square_lands_exactly_inside_the_context() -> None:
    """At twice the size an edge between two pixels falls between 1/4 and 3/4 of the step."""
    image = torch.zeros(3, 100, 120, dtype=torch.uint8)
    image[:, 30:62, 20:52] = 200
    crop = warp_one(image, 20, 30, 52, 62)
    bright = crop[0] > 100
    assert bright[CONTEXT:-CONTEXT, CONTEXT:-CONTEXT].all() and bright.sum() == 64 * 64
    assert crop[0, 48, 14:18].tolist() == [0, 50, 150, 200]
    assert crop[0, 48, 78:82].tolist() == [200, 150, 50, 0]
    assert torch.equal(crop[0], crop[0].T)


def test_width_and_height_are_scaled_each_by_its_own() -> None:
    image = torch.zeros(3, 200, 200, dtype=torch.uint8)
    image[:, 40:56, 60:124] = 200
    bright = warp_one(image, 60, 40, 124, 56)[1] > 100
    assert bright[CONTEXT:-CONTEXT, CONTEXT:-CONTEXT].all() and bright.sum() == 64 * 64


@pytest.mark.parametrize(("factor", "first"), [(2, 0), (4, 1)])
def test_shrinking_takes_the_two_middle_pixels_without_antialiasing(factor: int, first: int) -> None:
    image = noise(64 * factor, 64 * factor)
    crop = warp_one(image, 0, 0, 64 * factor, 64 * factor)[:, CONTEXT:-CONTEXT, CONTEXT:-CONTEXT]
    rows = [image[:, first + shift :: factor].float() for shift in (0, 1)]
    middles = [row[:, :, first + shift :: factor] for row in rows for shift in (0, 1)]
    assert (crop - sum(middles) / 4).abs().max() <= 1


def test_what_lies_outside_the_image_is_the_mean_colour() -> None:
    image = noise(64, 80)
    crop = warp_one(image, 0, 0, 64, 64)
    assert torch.equal(crop[:, :CONTEXT], means(CONTEXT, SIDE))
    assert torch.equal(crop[:, -CONTEXT:], means(CONTEXT, SIDE))
    assert torch.equal(crop[:, :, :CONTEXT], means(SIDE, CONTEXT))
    assert torch.equal(crop[:, CONTEXT:-CONTEXT, CONTEXT:], image[:, :, :80].int())


def test_the_mean_colour_is_nothing_to_the_network(detector: RCNN) -> None:
    """0.4 grey levels of rounding, where the standard deviation is about 57."""
    assert (torch.tensor(MEAN_COLOUR)[:, None, None] - detector.trunk.mean).abs().max() < 0.5


def test_crops_equal_torchs_sampler_on_any_region() -> None:
    """On a smooth picture, where OpenCV's steps of 1/32 pixel stay under a grey level."""
    smooth = functional.interpolate(noise(10, 12)[None].float(), (150, 180), mode="bicubic").clamp(0, 255)
    image = smooth[0].round().to(torch.uint8)
    rng = torch.Generator().manual_seed(4)
    corner = torch.rand(60, 2, generator=rng) * 150 - 20
    regions = torch.cat([corner, corner + 3 + torch.rand(60, 2, generator=rng) * 120], 1)
    crops = warp(image, regions, SIDE, CONTEXT)
    for crop, region in zip(crops, regions, strict=True):
        assert (crop - by_grid_sample(image, region, SIDE)).abs().max() < 1.5, region.tolist()


@pytest.mark.parametrize("box", [(30, 40, 30, 40), (30, 40, 30, 90), (0, 0, 0, 0)])
def test_a_region_without_area_becomes_a_crop_without_detail(box: tuple[float, ...]) -> None:
    crop = warp_one(noise(), *box)
    assert crop.shape == (3, SIDE, SIDE)
    assert (crop == crop[:, :, :1]).all(), "a region without width changes across"


def test_crops_are_bytes_and_none_is_none() -> None:
    crops = warp(noise(), torch.tensor([[3.0, 4, 60, 70], [5, 6, 9, 9]]), 227, CONTEXT)
    assert crops.shape == (2, 3, 227, 227) and crops.dtype == torch.uint8
    assert warp(noise(), torch.zeros(0, 4), 256, CONTEXT).shape == (0, 3, 256, 256)
    assert (
        warp(torch.full((3, 50, 50), 77, dtype=torch.uint8), torch.tensor([[20.0, 20, 30, 30]]), 64, CONTEXT) == 77
    ).all()


def test_steps_are_the_papers_in_its_order(events: list[Step | Progress], values: dict[str, object]) -> None:
    assert [event.name for event in events if isinstance(event, Step)] == NAMES
    kinds = [Regions, Crops, RegionFeatures, RegionFeatures, Scores, Detections, Detections]
    assert [type(value) for value in values.values()] == kinds


def test_the_long_step_shows_signs_of_life(events: list[Step | Progress]) -> None:
    assert [event for event in events if isinstance(event, Progress)] == [
        Progress("Convolution", BATCH, BATCH + 8),
        Progress("Convolution", BATCH + 8, BATCH + 8),
    ]


def test_each_step_works_on_the_best_proposals(scene: Tensor, values: dict[str, object]) -> None:
    regions = selective_search(scene).boxes[: BATCH + 8]
    for name in NAMES[:-2]:
        boxes = values[name].boxes  # type: ignore[attr-defined]
        assert torch.equal(boxes, regions), name
    crops = values["Warp"]
    assert isinstance(crops, Crops) and torch.equal(crops.images, warp(scene, regions, 256, CONTEXT))


def test_every_crop_goes_through_the_convolutions_on_its_own(detector: RCNN, values: dict[str, object]) -> None:
    crops, pooled = values["Warp"], values["Convolution"]
    assert isinstance(crops, Crops) and isinstance(pooled, RegionFeatures)
    assert pooled.values.shape == (BATCH + 8, 128, 6, 6)
    for index in (0, BATCH - 1, BATCH, BATCH + 7):
        with torch.inference_mode():
            alone = functional.adaptive_max_pool2d(detector.trunk(crops.images[index : index + 1]), 6)
        torch.testing.assert_close(pooled.values[index : index + 1], alone, atol=1e-4, rtol=1e-4)


def test_the_fitting_sees_the_features_that_detecting_sees(
    detector: RCNN, scene: Tensor, values: dict[str, object]
) -> None:
    steps = [values["Convolution"], values["Fully connected"]]
    regions = steps[0].boxes  # type: ignore[attr-defined]
    with torch.inference_mode():
        pooled, hidden = detector.region_features(scene, regions)
    assert isinstance(steps[0], RegionFeatures) and isinstance(steps[1], RegionFeatures)
    torch.testing.assert_close(pooled, steps[0].values.permute(0, 2, 3, 1).flatten(1))
    torch.testing.assert_close(hidden, steps[1].values)


def test_scores_are_the_margins_through_a_logistic_function(detector: RCNN, values: dict[str, object]) -> None:
    hidden, scores, found = values["Fully connected"], values["SVM"], values["Box regression"]
    assert isinstance(hidden, RegionFeatures) and isinstance(scores, Scores) and isinstance(found, Detections)
    assert (scores.values[:, 0] == -torch.inf).all(), "an SVM knows no background"
    margins = detector.svms.margins(hidden.values)
    torch.testing.assert_close(scores.values[:, 1:], margins)
    logistic = 1 / (1 + (-margins).exp())
    expected = logistic[logistic > SVM_THRESHOLD].sort(descending=True).values
    torch.testing.assert_close(found.scores, expected[: len(found)])
    assert len(found) == len(expected) and 0 < len(found) < margins.numel()


def test_detections_keep_the_order_of_the_margins(values: dict[str, object]) -> None:
    scores, found = values["SVM"], values["Box regression"]
    assert isinstance(scores, Scores) and isinstance(found, Detections)
    margins = scores.values[:, 1:].sigmoid().flatten().sort(descending=True, stable=True)
    assert (found.labels == margins.indices[: len(found)] % 6 + 1).all()


def test_each_box_is_moved_by_the_regression_of_its_class(
    detector: RCNN, scene: Tensor, values: dict[str, object]
) -> None:
    pooled, scores, found = values["Convolution"], values["SVM"], values["Box regression"]
    assert isinstance(pooled, RegionFeatures) and isinstance(scores, Scores) and isinstance(found, Detections)
    place = scores.values[:, 1:].sigmoid().flatten().sort(descending=True, stable=True).indices[0]
    region, column = int(place) // 6, int(place) % 6
    flat = pooled.values[region].permute(1, 2, 0).flatten()[None]
    moved = detector.svms.boxes(flat, pooled.boxes[region][None])[0, column]
    torch.testing.assert_close(found.boxes[0], moved.clamp(0, 256))
    assert (found.boxes >= 0).all() and (found.boxes <= 256).all()


@pytest.mark.parametrize(
    "image",
    [torch.full((3, 100, 60), 128, dtype=torch.uint8), torch.zeros(3, 1, 1, dtype=torch.uint8), noise(40, 300)],
    ids=["flat", "one pixel", "wide"],
)
def test_any_image_is_gone_through(detector: RCNN, image: Tensor) -> None:
    detector.limit_regions(4)
    with torch.inference_mode():
        steps = [event for event in detector.steps(image) if isinstance(event, Step)]
    assert [step.name for step in steps] == NAMES
    found = steps[-1].value
    assert isinstance(found, Detections)
    assert found.boxes.isfinite().all() and (found.boxes[:, 2] <= image.shape[2]).all()


@pytest.mark.slow
def test_fine_tuning_classifies_sampled_crops(scene: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled: list[Samples] = []
    asked = []

    def watched(regions: Tensor, target: dict[str, Tensor], *rules: object) -> Samples:
        asked.append((len(regions), rules))
        sampled.append(sample(regions, target, *rules))  # type: ignore[arg-type]
        return sampled[-1]

    monkeypatch.setattr(rcnn, "sample", watched)
    torch.manual_seed(0)
    model = RCNN()
    image, target = ShapeScenes("train", 1)[0]
    target["proposals"] = selective_search(image).boxes
    loss = model.losses(torch.stack([image, image]), [target, target])
    # 16 regions an image, a quarter of them positive; a positive overlaps by 0.5, everything below is background.
    count = len(target["boxes"]) + len(target["proposals"])
    assert asked == [(count, (16, 0.25, (0.0, 0.5)))] * 2
    assert all(len(one.labels) == 16 and (one.labels > 0).sum() == 4 for one in sampled)
    assert set(loss) == {"classification"} and loss["classification"].isfinite()
    loss["classification"].backward()
    gradients = {name for name, weights in model.named_parameters() if weights.grad is not None}
    assert gradients == set(dict(model.named_parameters())), "a part of the network is not fine-tuned"
