"""Fast R-CNN: regions that meet the same cells are computed once, truncated SVD, and what its loss samples."""

import copy

import pytest
import torch
import torchvision
from torch import Tensor, nn

from core.backbones import TRUNKS
from core.data import ShapeScenes
from core.detectors import Step, build, run
from core.detectors.fast_rcnn import (
    NEGATIVE_IOU,
    POSITIVE_PART,
    ROIS_PER_IMAGE,
    FastRCNN,
    distinct,
    truncate,
    truncated,
)
from core.detectors.regions import BINS, RegionHead, Samples
from core.pooling import flatten_cells
from core.values import Detections, FeatureMap, RegionFeatures, Regions, Scores


@pytest.fixture(scope="module")
def scene() -> Tensor:
    return ShapeScenes("validation", 1)[0][0][:, :200]  # scaled by 1.28 on its way in


@pytest.fixture
def detector() -> FastRCNN:
    torch.manual_seed(0)
    detector = build("fast_rcnn")
    assert isinstance(detector, FastRCNN)
    return detector


def layer(outputs: int, inputs: int) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(inputs, outputs, dtype=torch.float64)


def values_of(steps: tuple[Step, ...]) -> dict[str, object]:
    return {step.name: step.value for step in steps}


def test_distinct_windows_come_in_the_order_of_the_best() -> None:
    windows = torch.tensor([[5, 0, 6, 1], [1, 0, 2, 1], [5, 0, 6, 1], [9, 9, 9, 9], [1, 0, 2, 1], [0, 0, 0, 0]])
    first, place = distinct(windows)
    assert first.tolist() == [0, 1, 3, 5]
    assert place.tolist() == [0, 1, 0, 2, 1, 3]
    assert windows[first][place].equal(windows)
    assert [one.shape for one in distinct(torch.zeros(0, 4, dtype=torch.int64))] == [(0,), (0,)]


def test_computing_equal_windows_once_changes_nothing(detector: FastRCNN, scene: Tensor) -> None:
    values = values_of(run(detector, scene).steps)
    regions, features, pooled, scores, found = (
        values[name] for name in ("Region proposals", "Convolution", "RoI pooling", "Softmax", "Box regression")
    )
    assert isinstance(regions, Regions) and isinstance(features, FeatureMap) and isinstance(pooled, RegionFeatures)
    assert isinstance(scores, Scores) and isinstance(found, Detections)
    assert len(pooled.values) < len(regions.boxes), "some regions share their cells"

    scale = 256 / 200
    each = torchvision.ops.roi_pool(features.values[None], [regions.boxes * scale], BINS, 1 / 16)
    with torch.inference_mode():
        hidden = detector.head.layers(flatten_cells(each))
        torch.testing.assert_close(scores.values, detector.head.score(hidden).softmax(1))
    assert scores.boxes.equal(regions.boxes)

    again = torchvision.ops.roi_pool(features.values[None], [pooled.boxes * scale], BINS, 1 / 16)
    assert pooled.values.equal(again), "each pooled feature lies beside a region that it belongs to"


def test_all_ranks_together_are_the_layer() -> None:
    whole = layer(6, 10)
    values = torch.randn(5, 10, dtype=torch.float64)
    torch.testing.assert_close(truncated(whole, 6).double()(values), whole(values), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rank", [1, 3, 5])
def test_a_low_rank_is_the_best_approximation_there_is(rank: int) -> None:
    """Eckart and Young: its error is what the singular values left out hold."""
    whole = layer(6, 10)
    first, second = truncated(whole, rank)
    assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear)
    error = (second.weight @ first.weight - whole.weight).norm()
    left_out = torch.linalg.svdvals(whole.weight)[rank:]
    assert error.item() == pytest.approx(left_out.norm().item(), rel=1e-5)
    assert second.bias.tolist() == pytest.approx(whole.bias.tolist()) and first.bias is None


def test_truncation_saves_parameters_as_in_section_3_1() -> None:
    def count(module: nn.Module) -> int:
        return sum(values.numel() for values in module.parameters())

    assert count(truncated(layer(60, 100), 10)) == 10 * (60 + 100) + 60 < count(layer(60, 100))
    detector = FastRCNN()
    before = count(detector.head)
    inputs = BINS * BINS * detector.trunk.channels
    truncate(detector)
    fc6, fc7 = TRUNKS["slim"].svd_ranks
    saved = 256 * inputs - fc6 * (256 + inputs) + 256 * 256 - fc7 * (256 + 256)
    assert before - count(detector.head) == saved > 0


def test_at_paper_size_nothing_is_factored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.linalg, "svd")  # it would take minutes there
    with torch.device("meta"):
        detector = FastRCNN("paper")
        truncate(detector)
    shapes = [tuple(values.shape) for values in detector.head.layers.parameters() if values.dim() == 2]
    assert shapes == [(1024, 9216), (4096, 1024), (256, 4096), (4096, 256)]


@pytest.mark.slow
def test_truncated_detector_runs_and_scores_almost_alike(detector: FastRCNN, scene: Tensor) -> None:
    """fc6 and fc7 are made of low rank first, so that nothing is lost."""
    for index, rank in zip((0, 2), TRUNKS["slim"].svd_ranks, strict=True):
        weight = detector.head.layers.get_parameter(f"{index}.weight")
        u, s, v = torch.linalg.svd(weight.detach(), full_matrices=False)
        weight.data = (u[:, :rank] * s[:rank]) @ v[:rank]
    thin = copy.deepcopy(detector)
    truncate(thin)
    whole, approximated = (values_of(run(one, scene).steps)["Softmax"] for one in (detector, thin))
    assert isinstance(whole, Scores) and isinstance(approximated, Scores)
    torch.testing.assert_close(approximated.values, whole.values, rtol=1e-4, atol=1e-5)


def test_sampling_is_the_papers() -> None:
    assert (POSITIVE_PART, NEGATIVE_IOU) == (0.25, (0.1, 0.5))
    assert 2 * ROIS_PER_IMAGE == 128, "two images make the paper's batch"


def test_ground_truth_joins_the_proposals(detector: FastRCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    image, target = ShapeScenes("validation", 1)[0]
    sampled: list[Samples] = []
    losses = RegionHead.losses

    def watch(head: RegionHead, features: Tensor, samples: Samples) -> dict[str, Tensor]:
        sampled.append(samples)
        return losses(head, features, samples)

    monkeypatch.setattr(RegionHead, "losses", watch)
    target = {**target, "proposals": torch.tensor([[0.0, 0, 256, 256]])}
    parts = detector.losses(image[None], [target])
    assert parts["box regression"] >= 0
    positive = sampled[0].labels > 0
    assert positive.sum() == len(target["boxes"])
    assert {tuple(box) for box in sampled[0].regions[positive].tolist()} == {
        tuple(box) for box in target["boxes"].tolist()
    }
