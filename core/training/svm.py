"""What follows the fine-tuning of R-CNN and SPPNet: linear SVMs with hard negatives, and ridge regression of boxes."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.svm import LinearSVC
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou

from core.boxes import assign, encode
from core.detectors.rcnn import RCNN
from core.detectors.sppnet import SPPNet
from core.detectors.svm import FEATURE_NORM
from core.evaluation import Samples

NEGATIVE_IOU = 0.3
REGRESSION_IOU = 0.6
RIDGE = 1000.0
SVM_COST = 1e-3
POSITIVE_WEIGHT = 2
BIAS = 10.0
HARD = -1.0001  # a negative that scores above this is inside the margin
EASY = -1.2  # and one below this is forgotten again
RETRAIN_AFTER = 2000

Fitted = RCNN | SPPNet  # the detectors that end with SVMs


@dataclass(frozen=True)
class ImageFeatures:
    """One image's regions: ``hidden`` (R, D) scaled, ``overlap`` (R, K) best IoU with each class, ``truth`` (R,) the
    class of a region that is a ground-truth box, else 0."""

    hidden: np.ndarray
    overlap: np.ndarray
    truth: np.ndarray


def stand_in(detector: Fitted) -> None:
    """Let the softmax of the fine-tuning stand in for SVMs that are not fitted yet; boxes stay where they are.

    What class k scores above the background is linear in fc7's features, as an SVM's margin is; put through the
    logistic function it is the softmax's probability of k, were k and the background all that there is.
    """
    weight, bias = detector.score.weight.detach(), detector.score.bias.detach()
    detector.svms.svm.copy_(torch.cat([weight[1:] - weight[:1], (bias[1:] - bias[:1])[:, None]], 1))
    detector.svms.ridge.zero_()
    for scale in (detector.svms.hidden_scale, detector.svms.pooled_scale):
        scale.fill_(1)


def fit(detector: Fitted, samples: Samples, regions_per_image: int) -> Iterator[float]:
    """Fit the SVMs and the box regressions of ``detector`` on ``samples`` with proposals, yielding the part done.

    Of each image the ground truth and ``regions_per_image`` proposals at random are used. A class that no image shows
    gets an SVM that never finds it.
    """
    detector.eval()
    classes = len(detector.classes) - 1
    images: list[ImageFeatures] = []
    pairs: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(classes)]
    rng = torch.Generator().manual_seed(0)
    for index in range(len(samples)):
        image, target = samples[index]
        chosen = torch.randperm(len(target["proposals"]), generator=rng)[:regions_per_image]
        regions = torch.cat([target["boxes"], target["proposals"][chosen]])
        with torch.inference_mode():
            pooled, hidden = detector.region_features(image, regions)
        if not len(regions):
            continue
        if not images:
            for values, scale in ((pooled, detector.svms.pooled_scale), (hidden, detector.svms.hidden_scale)):
                scale.copy_(FEATURE_NORM / values.norm(dim=1).mean())
        images.append(_describe(hidden * detector.svms.hidden_scale, regions, target, classes))
        for label, pair in _regression_pairs(pooled * detector.svms.pooled_scale, regions, target):
            pairs[label - 1].append(pair)
        yield 0.9 * (index + 1) / len(samples)
    for label in range(classes):
        detector.svms.ridge[label] = 0
        detector.svms.svm[label] = 0
        detector.svms.svm[label, -1] = -BIAS
        if pairs[label]:
            detector.svms.svm[label] = torch.from_numpy(mine(images, label))
            features, offsets = (torch.cat(part) for part in zip(*pairs[label], strict=True))
            detector.svms.ridge[label] = ridge(features, offsets)
        yield 0.9 + 0.1 * (label + 1) / classes


def _describe(hidden: Tensor, regions: Tensor, target: dict[str, Tensor], classes: int) -> ImageFeatures:
    none = torch.zeros(len(regions), 1)  # overlap with no object, for images without one
    iou = torch.cat([box_iou(regions, target["boxes"]), none], 1)
    of_class = functional.pad(target["labels"], (0, 1))[:, None] == torch.arange(1, classes + 1)
    overlap = (iou[:, :, None] * of_class).amax(1)
    truth = torch.zeros(len(regions), dtype=torch.int64)
    truth[: len(target["labels"])] = target["labels"]
    return ImageFeatures(hidden.numpy(), overlap.numpy(), truth.numpy())


def _regression_pairs(
    pooled: Tensor, regions: Tensor, target: dict[str, Tensor]
) -> Iterator[tuple[int, tuple[Tensor, Tensor]]]:
    """Yield for each class its regions near a ground truth: features (P, D) and the offsets to it (P, 4)."""
    iou, best = assign(regions, target["boxes"])
    near = iou > REGRESSION_IOU
    labels = functional.pad(target["labels"], (0, 1))[best]  # without objects nothing is near
    for label in labels[near].unique().tolist():
        chosen = near & (labels == label)
        yield label, (pooled[chosen].clone(), encode(target["boxes"][best[chosen]], regions[chosen]))


def mine(images: list[ImageFeatures], label: int) -> np.ndarray:
    """Train the SVM of class ``label`` (counted from 0) with hard negatives: its weights and bias (D + 1,).

    Positives are the ground truth; negatives overlap every object of the class by less than 0.3. All negatives of
    the first image come first; then, in one pass, those of each image that score above ``HARD`` join. The SVM is
    trained after the first image, after more than 2000 new negatives and at the end, and each time those that now
    score below ``EASY`` are forgotten. R-CNN's released code.
    """
    positives = np.concatenate([one.hidden[one.truth == label + 1] for one in images])
    weights = np.zeros(positives.shape[1] + 1)  # to an untrained SVM every negative is a hard one
    negatives: list[np.ndarray] = []
    fresh = 0
    for index, image in enumerate(images):
        candidates = image.hidden[image.overlap[:, label] < NEGATIVE_IOU]
        negatives.append(candidates[_margins(candidates, weights) > HARD])
        fresh += len(negatives[-1])
        if index in (0, len(images) - 1) or fresh > RETRAIN_AFTER:
            kept = np.concatenate(negatives)
            if len(kept):
                weights = _svm(positives, kept)
            negatives = [kept[_margins(kept, weights) >= EASY]]
            fresh = 0
    return weights.astype(np.float32)


def _margins(features: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return features @ weights[:-1] + weights[-1]


def _svm(positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Fit liblinear's L2-regularised hinge loss (its solver 3), positives twice as heavy: weights and bias (D + 1,)."""
    svm = LinearSVC(
        loss="hinge",
        C=SVM_COST,
        intercept_scaling=BIAS,
        class_weight={1: POSITIVE_WEIGHT},
        random_state=0,
        max_iter=5000,
    )
    labels = np.repeat([1, 0], [len(positives), len(negatives)])
    svm.fit(np.concatenate([positives, negatives]), labels)
    return np.append(svm.coef_[0], svm.intercept_[0])


def ridge(features: Tensor, offsets: Tensor, strength: float = RIDGE) -> Tensor:
    """Regress ``offsets`` (P, 4) on ``features`` (P, D) with an L2 penalty: weights and bias (D + 1, 4).

    The offsets are centred and whitened by their covariance first (plus 0.001 on its eigenvalues), and the result
    undoes both; the bias is penalised like any weight. R-CNN, appendix C, and its released code. With one strength
    for all four offsets the whitening changes nothing but the rounding.
    """
    x = torch.cat([features, features.new_ones(len(features), 1)], 1).double()
    y = offsets.double()
    mean = y.mean(0)
    values, vectors = torch.linalg.eigh((y - mean).T @ (y - mean) / len(y))
    whiten = vectors @ torch.diag((values + 1e-3).rsqrt()) @ vectors.T
    solution = _ridge_solution(x, (y - mean) @ whiten, strength)
    weights = solution @ torch.linalg.inv(whiten)
    weights[-1] += mean
    return weights.float()


def _ridge_solution(x: Tensor, y: Tensor, strength: float) -> Tensor:
    """Return the weights (D, 4) that regress ``y`` (P, 4) on ``x`` (P, D): by their D unknowns, or by P if fewer."""
    if len(x) < x.shape[1]:
        dual: Tensor = torch.linalg.solve(x @ x.T + strength * torch.eye(len(x), dtype=x.dtype), y)
        return x.T @ dual
    solution: Tensor = torch.linalg.solve(x.T @ x + strength * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y)
    return solution
