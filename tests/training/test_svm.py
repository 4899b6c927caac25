"""Hard negatives, the SVM and the ridge regression, against hand-worked cases and independent solvers."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torchvision.ops import box_iou

from core.boxes import clip, encode
from core.detectors.rcnn import RCNN
from core.detectors.svm import FEATURE_NORM, SVMHead
from core.training import svm
from core.training.loaders import DrawnScenes
from core.training.svm import ImageFeatures, fit, mine, ridge, stand_in

COLOURS = torch.tensor([[200, 40, 40], [40, 200, 40], [40, 40, 200]], dtype=torch.uint8)


def image(*regions: tuple[float, float, int]) -> ImageFeatures:
    """Regions of one feature each: its value, its overlap with the only class, and whether it is ground truth."""
    values, overlap, truth = zip(*regions, strict=True)
    return ImageFeatures(np.array(values)[:, None], np.array(overlap)[:, None], np.array(truth))


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[float], list[float]]]:
    """Replace the SVM by one that scores a feature by its value; what each fit was given is recorded."""
    given = []

    def identity(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
        given.append((positives[:, 0].tolist(), negatives[:, 0].tolist()))
        return np.array([1.0, 0.0])

    monkeypatch.setattr(svm, "_svm", identity)
    return given


def test_positives_are_the_ground_truth_alone_and_the_grey_zone_is_left_out(fits: list[object]) -> None:
    mine([image((5, 1, 1), (4, 0.9, 0), (3, 0.5, 0), (2, 0.3, 0), (1, 0.29, 0), (0, 0, 0)), image((7, 1, 1))], 0)
    assert fits == [([5, 7], [1, 0]), ([5, 7], [1, 0])]


def test_another_class_is_a_negative_and_its_ground_truth_as_well(fits: list[object]) -> None:
    """Class 2's regions are near no object of class 1; the released code asks for nothing else."""
    features = np.array([[5.0], [3.0], [1.0]])
    overlap = np.array([[1, 0], [0, 1], [0.1, 0.2]])
    mine([ImageFeatures(features, overlap, np.array([1, 2, 0]))], 0)
    mine([ImageFeatures(features, overlap, np.array([1, 2, 0]))], 1)
    assert fits == [([5], [3, 1]), ([3], [5, 1])]


def test_all_negatives_of_the_first_image_then_the_hard_ones(fits: list[object]) -> None:
    first = image((9, 1, 1), (-3, 0, 0), (-1.1, 0, 0), (0.5, 0, 0))
    middle = image((-1.00011, 0, 0), (-1.00009, 0, 0), (-5, 0, 0), (3, 0, 0))
    last = image((8, 1, 1), (2, 0, 0), (-1.15, 0, 0))
    mine([first, middle, last], 0)
    start, end = fits
    assert start == ([9, 8], [-3, -1.1, 0.5])
    assert end == ([9, 8], [-1.1, 0.5, -1.00009, 3, 2]), "-3 is easy and forgotten, -1.00011, -5 and -1.15 never join"


def test_trained_anew_after_enough_hard_negatives_and_at_the_end(
    fits: list[tuple[list[float], list[float]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert svm.RETRAIN_AFTER == 2000
    monkeypatch.setattr(svm, "RETRAIN_AFTER", 3)
    images = [image((9, 1, 1), (-2, 0, 0))] + [image((number, 0, 0), (number + 0.5, 0, 0)) for number in range(5)]
    mine(images, 0)
    negatives = [given[1] for given in fits]
    assert negatives == [[-2], [0, 0.5, 1, 1.5], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5], [n / 2 for n in range(10)]]


def test_easy_negatives_are_forgotten_after_every_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SVM moves from fit to fit: what was hard once may be easy later."""
    monkeypatch.setattr(svm, "RETRAIN_AFTER", 0)
    given: list[list[float]] = []
    biases = iter([0.0, -4.0, -4.0])

    def falling(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
        given.append(sorted(negatives[:, 0].tolist()))
        return np.array([1.0, next(biases)])

    monkeypatch.setattr(svm, "_svm", falling)
    mine([image((9, 1, 1), (1, 0, 0), (2.7, 0, 0), (2.9, 0, 0)), image((5, 0, 0)), image((6, 0, 0))], 0)
    assert given == [[1, 2.7, 2.9], [1, 2.7, 2.9, 5], [2.9, 5, 6]]


def test_mining_separates_what_can_be_separated() -> None:
    """A tenth of the negatives is hard; the SVM that saw only them is right on all."""
    rng = np.random.default_rng(0)
    images = []
    for _index in range(30):
        positive = rng.normal(0, 1, (2, 8)) + np.eye(8)[0] * 20
        hard = rng.normal(0, 1, (5, 8)) + np.eye(8)[0] * 8
        easy = rng.normal(0, 1, (45, 8)) - np.eye(8)[0] * 8
        truth = np.repeat([1, 0], [2, 50])
        images.append(ImageFeatures(np.concatenate([positive, hard, easy]), truth[:, None].astype(float), truth))
    weights = mine(images, 0)
    assert weights.shape == (9,) and weights.dtype == np.float32
    for one in images:
        margins = one.hidden @ weights[:-1] + weights[-1]
        assert (margins[one.truth == 1] > 0).all() and (margins[one.truth == 0] < 0).all()


def test_svm_is_the_minimum_of_the_weighted_hinge_loss_with_a_scaled_bias() -> None:
    """C = 0.001, positives twice as heavy, the bias a feature of constant 10; the dual problem proves the minimum."""
    rng = np.random.default_rng(1)
    positives = rng.normal(0, 6, (12, 5)) + 5
    negatives = rng.normal(0, 6, (60, 5)) - 2
    found = svm._svm(positives, negatives)

    signs = np.repeat([1.0, -1.0], [12, 60])
    most = np.where(signs > 0, 2e-3, 1e-3)
    signed = np.hstack([np.vstack([positives, negatives]), np.full((72, 1), 10.0)]) * signs[:, None]
    dual, best = np.zeros(72), np.zeros(6)
    for index in list(range(72)) * 1000:
        row = signed[index]
        moved = np.clip(dual[index] + (1 - row @ best) / (row @ row), 0, most[index])
        best = best + (moved - dual[index]) * row
        dual[index] = moved

    def loss(weights: np.ndarray) -> float:
        return weights @ weights / 2 + most @ np.maximum(0, 1 - signed @ weights)

    assert loss(best) == pytest.approx(dual.sum() - best @ best / 2, rel=1e-9), "the twin is not at the minimum"
    scaled = np.append(found[:-1], found[-1] / 10)
    assert loss(scaled) == pytest.approx(loss(best), rel=1e-4)
    assert scaled == pytest.approx(best, abs=2e-3)


def regression_case(count: int = 80) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(2)
    features = torch.randn(count, 6, generator=rng) * 8
    mixed = torch.randn(6, 4, generator=rng) * torch.tensor([0.02, 0.005, 0.05, 0.001])
    return features, features @ mixed + torch.tensor([0.3, -0.1, 0.2, 0.05])


@pytest.mark.parametrize("strength", [1.0, 1000.0, 1e6])
@pytest.mark.parametrize("whitened", [True, False])
@pytest.mark.parametrize("count", [80, 5])
def test_ridge_is_scikit_learns_with_a_penalised_bias(count: int, whitened: bool, strength: float) -> None:
    """The released code penalises the bias like any weight, and whitens; one strength for all makes that no matter."""
    features, offsets = regression_case(count)
    y = offsets.numpy().astype(np.float64)
    centred = y - y.mean(0)
    covariance = centred.T @ centred / len(y) + 1e-3 * np.eye(4)
    root = np.linalg.cholesky(covariance).T if whitened else np.eye(4)
    x = np.hstack([features.numpy(), np.ones((len(y), 1))]).astype(np.float64)
    twin = Ridge(strength, fit_intercept=False, solver="cholesky").fit(x, centred @ np.linalg.inv(root))
    expected = twin.coef_.T @ root
    expected[-1] += y.mean(0)
    assert ridge(features, offsets, strength).numpy() == pytest.approx(expected, abs=1e-6)


def test_ridge_is_as_strong_as_r_cnns() -> None:
    features, offsets = regression_case()
    assert torch.equal(ridge(features, offsets), ridge(features, offsets, 1000.0))


def test_ridge_recovers_a_linear_map_where_nothing_is_penalised() -> None:
    features, offsets = regression_case()
    weights = ridge(features, offsets, 1e-9)
    assert weights.shape == (7, 4) and weights.dtype == torch.float32
    torch.testing.assert_close(features @ weights[:-1] + weights[-1], offsets, atol=1e-5, rtol=0)


def test_ridge_falls_back_to_the_mean_offset() -> None:
    features, offsets = regression_case()
    weights = ridge(features, offsets, 1e12)
    torch.testing.assert_close(features @ weights[:-1] + weights[-1], offsets.mean(0).expand_as(offsets))


def test_regressions_pair_near_regions_with_the_truth_that_they_overlap_most() -> None:
    truth = torch.tensor([[0.0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]])
    target = {"boxes": truth, "labels": torch.tensor([2, 1, 2])}
    regions = torch.tensor(
        [
            [0.0, 0, 10, 8],  # 0.8 with the first
            [2, 0, 12, 9],  # 0.9 with the second, 0.63 with the first
            [50, 50, 60, 56],  # 0.6 with the third: not above
            [50, 50, 60, 56.1],  # 0.61
            [80, 80, 90, 90],
        ]
    )
    pooled = torch.arange(5.0)[:, None]
    pairs = dict(svm._regression_pairs(pooled, regions, target))
    assert set(pairs) == {1, 2}
    assert pairs[1][0].tolist() == [[1]] and pairs[2][0].tolist() == [[0], [3]]
    torch.testing.assert_close(pairs[1][1], encode(truth[[1]], regions[[1]]))
    torch.testing.assert_close(pairs[2][1], encode(truth[[0, 2]], regions[[0, 3]]))


def test_overlap_is_with_the_nearest_object_of_each_class() -> None:
    truth = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 5], [40, 40, 50, 50]])
    target = {"boxes": truth, "labels": torch.tensor([1, 1, 3])}
    regions = torch.cat([truth, torch.tensor([[0.0, 0, 10, 7.5]])])
    described = svm._describe(torch.zeros(4, 2), regions, target, 3)
    assert described.truth.tolist() == [1, 1, 3, 0]
    assert described.overlap == pytest.approx(np.array([[1, 0, 0], [1, 0, 0], [0, 0, 1], [0.75, 0, 0]]))


class ColourDetector(nn.Module):
    """Features that a linear model can read: where in a region which colour is, on a grid of 8 x 8."""

    classes = ("background", "red", "green", "blue")

    def __init__(self) -> None:
        super().__init__()
        self.svms = SVMHead(192, 192, 3)
        self.asked: list[Tensor] = []

    def region_features(self, image: Tensor, regions: Tensor) -> tuple[Tensor, Tensor]:
        self.asked.append(regions)
        steps = (torch.arange(8) + 0.5) / 8
        x = (regions[:, 0, None] + (regions[:, 2] - regions[:, 0])[:, None] * steps).long().clamp(0, 63)
        y = (regions[:, 1, None] + (regions[:, 3] - regions[:, 1])[:, None] * steps).long().clamp(0, 63)
        samples = image[:, y[:, :, None], x[:, None, :]].permute(1, 0, 2, 3).flatten(1).float()
        return samples * 3, samples


def coloured_scenes(count: int) -> DrawnScenes:
    """One square of each of three colours a scene, with proposals on and around them."""
    rng = torch.Generator().manual_seed(3)
    images, targets = torch.full((count, 3, 64, 64), 90, dtype=torch.uint8), []
    for pixels in images:
        corners = torch.tensor([[2, 2], [34, 4], [8, 36]]) + torch.randint(0, 4, (3, 2), generator=rng)
        boxes = torch.cat([corners, corners + torch.randint(16, 22, (3, 2), generator=rng)], 1)
        labels = torch.randperm(3, generator=rng) + 1
        for (x0, y0, x1, y1), label in zip(boxes.tolist(), labels, strict=True):
            pixels[:, y0:y1, x0:x1] = COLOURS[label - 1, :, None, None]
        moved = boxes.float().repeat(12, 1) + torch.randint(-4, 5, (36, 4), generator=rng)
        spread = torch.rand(30, 2, generator=rng) * 40
        elsewhere = torch.cat([spread, spread + 8 + torch.rand(30, 2, generator=rng) * 16], 1)
        proposals = clip(torch.cat([moved, elsewhere]), 64, 64)
        targets.append({"boxes": boxes.float(), "labels": labels, "proposals": proposals})
    return DrawnScenes(images, targets)


@pytest.fixture(scope="module")
def fitted() -> tuple[ColourDetector, DrawnScenes, list[float]]:
    detector, scenes = ColourDetector(), coloured_scenes(40)
    parts = list(_fit(detector, scenes, 50))
    return detector, scenes, parts


def _fit(detector: ColourDetector, scenes: DrawnScenes, regions: int) -> Iterator[float]:
    return fit(detector, scenes, regions)  # type: ignore[arg-type]


def test_features_have_a_mean_norm_of_20(fitted: tuple[ColourDetector, DrawnScenes, list[float]]) -> None:
    detector, scenes, _parts = fitted
    assert FEATURE_NORM == 20
    pooled, hidden = detector.region_features(scenes.images[0], detector.asked[0])
    for values, scale in ((pooled, detector.svms.pooled_scale), (hidden, detector.svms.hidden_scale)):
        assert float((values * scale).norm(dim=1).mean()) == pytest.approx(20, rel=1e-5)


def test_svms_and_regressions_are_fitted_to_the_scaled_features(monkeypatch: pytest.MonkeyPatch) -> None:
    detector, scenes = ColourDetector(), coloured_scenes(8)
    mined: list[list[ImageFeatures]] = []
    regressed: list[Tensor] = []

    def mine_nothing(images: list[ImageFeatures], label: int) -> np.ndarray:
        mined.append(images)
        return np.zeros(193, np.float32)

    def regress_nothing(features: Tensor, offsets: Tensor) -> Tensor:
        regressed.append(features)
        return torch.zeros(193, 4)

    monkeypatch.setattr(svm, "mine", mine_nothing)
    monkeypatch.setattr(svm, "ridge", regress_nothing)
    list(_fit(detector, scenes, 50))
    assert len(mined) == len(regressed) == 3
    assert np.linalg.norm(mined[0][0].hidden, axis=1).mean() == pytest.approx(20, rel=1e-5)
    assert all(15 < features.norm(dim=1).mean() < 30 for features in regressed), "pooled features are not scaled"


def test_each_image_gives_its_truth_and_so_many_proposals_at_random(
    fitted: tuple[ColourDetector, DrawnScenes, list[float]],
) -> None:
    detector, scenes, parts = fitted
    for regions, target in zip(detector.asked, scenes.targets, strict=False):
        assert torch.equal(regions[:3], target["boxes"])
        chosen = {tuple(box) for box in regions[3:].tolist()}
        assert len(regions) == 53 and chosen <= {tuple(box) for box in target["proposals"].tolist()}
    assert not torch.equal(detector.asked[0][3:], scenes.targets[0]["proposals"][:50]), "the first, not some at random"
    assert parts == sorted(parts) and parts[-1] == pytest.approx(1) and len(parts) == 40 + 3


def test_fitting_is_the_same_each_time(fitted: tuple[ColourDetector, DrawnScenes, list[float]]) -> None:
    detector, scenes, _parts = fitted
    again = ColourDetector()
    list(_fit(again, scenes, 50))
    for name, values in detector.svms.state_dict().items():
        assert torch.equal(again.svms.state_dict()[name], values), name


def test_fitted_svms_name_the_truth(fitted: tuple[ColourDetector, DrawnScenes, list[float]]) -> None:
    detector, scenes, _parts = fitted
    for pixels, target in zip(scenes.images, scenes.targets, strict=True):
        _pooled, hidden = detector.region_features(pixels, target["boxes"])
        margins = detector.svms.margins(hidden)
        own = nn.functional.one_hot(target["labels"] - 1, 3).bool()
        assert (margins[own] > 0).all() and (margins[~own] < 0).all()


def test_fitted_regressions_move_boxes_onto_the_truth(
    fitted: tuple[ColourDetector, DrawnScenes, list[float]],
) -> None:
    detector, scenes, _parts = fitted
    before, after = [], []
    for pixels, target in zip(scenes.images, scenes.targets, strict=True):
        iou, nearest = box_iou(target["proposals"], target["boxes"]).max(1)
        near = iou > 0.6
        regions, truth, own = target["proposals"][near], nearest[near], target["labels"][nearest[near]] - 1
        pooled, _hidden = detector.region_features(pixels, regions)
        moved = detector.svms.boxes(pooled, regions)[torch.arange(len(regions)), own]
        before.append(iou[near])
        after.append(box_iou(moved, target["boxes"])[torch.arange(len(regions)), truth])
    assert torch.cat(after).mean() > torch.cat(before).mean() + 0.05


def test_images_without_objects_give_negatives_and_a_class_that_none_shows_is_never_found() -> None:
    detector, scenes = ColourDetector(), coloured_scenes(8)
    for index, target in enumerate(scenes.targets):
        shown = (target["labels"] != 3) & (index != 0)
        target["boxes"], target["labels"] = target["boxes"][shown], target["labels"][shown]
    detector.svms.svm.fill_(7)
    list(_fit(detector, scenes, 50))
    _pooled, hidden = detector.region_features(scenes.images[1], scenes.targets[1]["boxes"])
    margins = detector.svms.margins(hidden)
    assert (margins[:, 2] == -svm.BIAS).all()
    assert torch.equal(margins.argmax(1) + 1, scenes.targets[1]["labels"])
    assert not detector.svms.ridge[2].any()


def test_the_softmax_stands_in_for_the_svms() -> None:
    """Each class against the background: the softmax over these two alone; boxes stay where they are."""
    torch.manual_seed(0)
    detector = RCNN()
    detector.svms.ridge.fill_(1)
    detector.svms.hidden_scale.fill_(3)
    stand_in(detector)
    hidden, regions = torch.rand(5, detector.score.in_features), torch.tensor([[0.0, 0, 10, 20]]).expand(5, 4)
    scores = detector.score(hidden)
    for label in range(1, len(detector.classes)):
        expected = scores[:, [0, label]].softmax(1)[:, 1]
        torch.testing.assert_close(detector.svms.margins(hidden).sigmoid()[:, label - 1], expected)
    moved = detector.svms.boxes(torch.rand(5, detector.svms.ridge.shape[1] - 1), regions)
    torch.testing.assert_close(moved, regions[:, None].expand_as(moved))
