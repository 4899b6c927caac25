"""SPPNet: one pass, a pyramid on every region's window, a frozen trunk, and the end that it shares with R-CNN."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.backbones import TRUNKS
from core.data import ShapeScenes
from core.detectors import Trace, build, run, sppnet
from core.detectors.rcnn import SVM_THRESHOLD
from core.detectors.regions import Samples, sample, to_input
from core.detectors.sppnet import SPPNet
from core.pooling import pyramid_pool, spp_windows
from core.proposals import selective_search
from core.values import Detections, FeatureMap, RegionFeatures, Regions, Scores

REGIONS = 60
NAMES = [
    "Region proposals",
    "Convolution",
    "Spatial pyramid pooling",
    "Fully connected",
    "SVM",
    "Box regression",
    "NMS",
]


@pytest.fixture(scope="module")
def detector() -> SPPNet:
    """Random weights everywhere, the SVMs and the box regressions included."""
    torch.manual_seed(5)
    built = build("sppnet")
    assert isinstance(built, SPPNet)
    built.svms.svm.normal_(0, 0.2)
    built.svms.ridge.normal_(0, 0.003)
    built.svms.hidden_scale.fill_(40.0)
    built.limit_regions(REGIONS)
    return built


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return ShapeScenes("validation", 4)[3][0]


@pytest.fixture(scope="module")
def trace(detector: SPPNet, scene: Tensor) -> Trace:
    return run(detector, scene)


def features(trace: Trace, name: str) -> RegionFeatures:
    [value] = [step.value for step in trace.steps if step.name == name]
    assert isinstance(value, RegionFeatures)
    return value


def scores(trace: Trace) -> Scores:
    value = trace.steps[4].value
    assert isinstance(value, Scores)
    return value


def test_steps_are_the_papers_in_its_order(trace: Trace) -> None:
    assert [step.name for step in trace.steps] == NAMES
    kinds = [Regions, FeatureMap, RegionFeatures, RegionFeatures, Scores, Detections, Detections]
    assert [type(step.value) for step in trace.steps] == kinds
    assert trace.convolution_passes == 1


def test_each_step_works_on_the_best_proposals(scene: Tensor, trace: Trace) -> None:
    regions = selective_search(scene).boxes[:REGIONS]
    for value in (trace.steps[0].value, features(trace, NAMES[2]), features(trace, NAMES[3]), scores(trace)):
        assert isinstance(value, Regions | RegionFeatures | Scores) and torch.equal(value.boxes, regions)


def test_the_map_is_the_whole_images(detector: SPPNet, scene: Tensor, trace: Trace) -> None:
    value = trace.steps[1].value
    assert isinstance(value, FeatureMap) and value.stride == 16
    with torch.inference_mode():
        torch.testing.assert_close(value.values, detector.trunk(scene[None])[0])


def test_each_region_has_its_largest_values_in_6_3_2_and_1_bins_a_side(trace: Trace) -> None:
    """torch's adaptive pooling divides a window by the same rule."""
    value = trace.steps[1].value
    assert isinstance(value, FeatureMap)
    pooled = features(trace, "Spatial pyramid pooling")
    assert pooled.values.shape == (REGIONS, (36 + 9 + 4 + 1) * 128)
    for (x0, y0, x1, y1), found in zip(spp_windows(pooled.boxes, 16, 16, 16).tolist(), pooled.values, strict=True):
        window = value.values[:, y0 : y1 + 1, x0 : x1 + 1]
        levels = [functional.adaptive_max_pool2d(window, bins).permute(1, 2, 0).flatten() for bins in (6, 3, 2, 1)]
        assert torch.equal(found, torch.cat(levels))


@pytest.mark.parametrize("shape", [(256, 256), (120, 180), (300, 256)])
def test_the_fitting_sees_the_features_that_detecting_sees(detector: SPPNet, shape: tuple[int, int]) -> None:
    rng = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 255, (1, 3, 6, 6), generator=rng).float()
    image = functional.interpolate(pixels, shape, mode="bilinear")[0].to(torch.uint8)
    seen = run(detector, image)
    pooled, hidden = features(seen, NAMES[2]), features(seen, NAMES[3])
    with torch.inference_mode():
        again = detector.region_features(image, pooled.boxes)
    torch.testing.assert_close(pooled.values, again[0])
    torch.testing.assert_close(hidden.values, again[1])


def test_regions_of_a_small_image_are_pooled_where_they_lie_on_its_enlargement(detector: SPPNet) -> None:
    image = ShapeScenes("validation", 1)[0][0][:, ::2, ::2].contiguous()
    pixels, scale = to_input(image, TRUNKS["slim"])
    assert scale == 2
    region = torch.tensor([[20.0, 30, 84, 100]])
    with torch.inference_mode():
        small, _hidden = detector.region_features(image, region)
        large, _hidden = detector.region_features(pixels[0].clamp(0, 255), region * 2)
    torch.testing.assert_close(small, large)


def test_scores_are_the_margins_through_a_logistic_function(detector: SPPNet, trace: Trace) -> None:
    margins = detector.svms.margins(features(trace, "Fully connected").values)
    torch.testing.assert_close(scores(trace).values[:, 1:], margins)
    assert (scores(trace).values[:, 0] == -torch.inf).all(), "an SVM knows no background"
    logistic = 1 / (1 + (-margins).exp())
    expected = logistic[logistic > SVM_THRESHOLD].sort(descending=True).values
    torch.testing.assert_close(trace.candidates.scores, expected)
    assert 0 < len(expected) < margins.numel()


def test_detections_keep_the_order_of_the_margins(trace: Trace) -> None:
    margins = scores(trace).values[:, 1:].sigmoid().flatten().sort(descending=True, stable=True)
    labels = margins.indices[: len(trace.candidates)] % 6 + 1
    assert torch.equal(trace.candidates.labels, labels)
    assert (trace.detections.scores.diff() <= 0).all()


def test_boxes_are_moved_by_the_regression_of_their_class_and_stay_in_the_image(detector: SPPNet, trace: Trace) -> None:
    pooled = features(trace, "Spatial pyramid pooling")
    order = (
        scores(trace)
        .values[:, 1:]
        .sigmoid()
        .flatten()
        .sort(descending=True, stable=True)
        .indices[: len(trace.candidates)]
    )
    moved = detector.svms.boxes(pooled.values, pooled.boxes)[order // 6, order % 6]
    torch.testing.assert_close(trace.candidates.boxes, moved.clamp(0, 256))
    assert not torch.equal(moved, pooled.boxes[order // 6])


@pytest.mark.parametrize(
    "image",
    [torch.full((3, 100, 60), 128, dtype=torch.uint8), torch.zeros(3, 1, 1, dtype=torch.uint8)],
    ids=["flat", "one pixel"],
)
def test_any_image_is_gone_through(detector: SPPNet, image: Tensor) -> None:
    found = run(detector, image)
    assert [step.name for step in found.steps] == NAMES
    assert found.detections.boxes.isfinite().all() and (found.detections.boxes[:, 2] <= image.shape[2]).all()


def training_case() -> tuple[Tensor, list[dict[str, Tensor]]]:
    image, target = ShapeScenes("train", 1)[0]
    return torch.stack([image, image]), [{**target, "proposals": selective_search(image).boxes}] * 2


def test_training_leaves_the_trunk_and_its_averages_alone() -> None:
    torch.manual_seed(0)
    model = SPPNet()
    before = {name: values.clone() for name, values in model.trunk.state_dict().items()}
    assert model.train() is model and model.training and model.layers.training
    assert not model.trunk.training and not any(module.training for module in model.trunk.modules())
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.losses(*training_case())["classification"].backward()
    optimizer.step()
    for name, values in model.trunk.state_dict().items():
        assert torch.equal(values, before[name]), name
    learns = {name for name, weights in model.named_parameters() if weights.grad is not None}
    assert learns == {name for name, _weights in model.named_parameters() if not name.startswith("trunk.")}
    assert not model.eval().layers.training


def test_fine_tuning_classifies_sampled_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    sampled: list[Samples] = []
    rules = []

    def watched(regions: Tensor, target: dict[str, Tensor], *rule: object) -> Samples:
        rules.append((len(regions), *rule))
        sampled.append(sample(regions, target, *rule))  # type: ignore[arg-type]
        return sampled[-1]

    monkeypatch.setattr(sppnet, "sample", watched)
    torch.manual_seed(0)
    model = SPPNet().train()
    images, targets = training_case()
    losses = model.losses(images, targets)
    count = len(targets[0]["boxes"]) + len(targets[0]["proposals"])
    assert rules == [(count, 64, 0.25, (0.1, 0.5))] * 2
    assert set(losses) == {"classification"}
    with torch.inference_mode():
        logits = [
            model.score(model.region_features(image, one.regions)[1])
            for image, one in zip(images, sampled, strict=True)
        ]
    labels = torch.cat([one.labels for one in sampled])
    torch.testing.assert_close(losses["classification"].detach(), functional.cross_entropy(torch.cat(logits), labels))
    assert 0 < (labels > 0).sum() <= 2 * 16


@pytest.fixture(scope="module")
def of_photos() -> SPPNet:
    torch.manual_seed(6)
    built = build("sppnet", "photos")
    assert isinstance(built, SPPNet)
    built.limit_regions(REGIONS)
    return built


@pytest.mark.slow
def test_at_several_scales_a_region_comes_from_the_map_on_which_its_size_is_right(of_photos: SPPNet) -> None:
    rng = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (3, 240, 320), dtype=torch.uint8, generator=rng)
    # 224 x 224 pixels of the paper's middle scale are 112 x 112 of ours, which has half its sides.
    sides = torch.tensor([112 * 240 / side for side in of_photos.facts.short_sides])
    boxes = torch.stack([torch.full((5,), 20.0), torch.full((5,), 30.0), 20 + sides, 30 + sides], 1).flip(0)
    with torch.inference_mode():
        maps = of_photos.maps(image)
        pooled = of_photos.pool(maps, boxes)
        for index, one in enumerate(reversed(maps)):
            alone = pyramid_pool(one.values, boxes[index : index + 1] * one.scale, 16)
            torch.testing.assert_close(pooled[index], alone[0])
    assert [one.scale for one in maps] == pytest.approx([side / 240 for side in of_photos.facts.short_sides])


@pytest.mark.slow
def test_several_scales_are_as_many_passes(of_photos: SPPNet, scene: Tensor) -> None:
    found = run(of_photos, scene)
    assert found.convolution_passes == len(of_photos.facts.short_sides) == 5
    value = found.steps[1].value
    assert isinstance(value, FeatureMap) and value.values.shape[-1] == 22, "the middle one, of 344 pixels"


@pytest.mark.slow
def test_fine_tuning_draws_one_of_the_scales(of_photos: SPPNet, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    box = torch.tensor([[16.0, 32, 160, 200]])
    target = {"boxes": box, "labels": torch.tensor([1]), "proposals": box}

    def watch(regions: Tensor, target: dict[str, Tensor], *others: object) -> Samples:
        seen.append(float(target["boxes"][0, 2] / 160 * 320))
        assert torch.equal(regions, torch.cat([target["boxes"], target["proposals"]]))
        return Samples(regions, regions, torch.tensor([1, 1]))

    monkeypatch.setattr(sppnet, "sample", watch)
    images = torch.zeros(1, 3, 320, 320, dtype=torch.uint8)
    for seed in range(12):
        torch.manual_seed(seed)
        with torch.no_grad():
            assert of_photos.losses(images, [target])["classification"].isfinite()
    assert {round(side) for side in seen} == set(of_photos.facts.short_sides)


@pytest.mark.slow
def test_the_networks_of_both_sizes_differ_in_width_alone() -> None:
    slim, paper = SPPNet("slim"), SPPNet("paper")
    assert slim.layers[0].in_features == 50 * 128 and slim.layers[0].out_features == 256
    assert paper.layers[0].in_features == 50 * 256 == 12_800 and paper.layers[0].out_features == 4096
    assert [event for event in slim.state_dict() if event.startswith("svms.")] == [
        event for event in paper.state_dict() if event.startswith("svms.")
    ]
