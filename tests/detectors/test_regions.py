"""What the region-based detectors share: the input's scale, the sampling of RoIs, the two-headed network's loss."""

import math
import sys

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from core.backbones import TRUNKS
from core.boxes import encode
from core.detectors.fast_rcnn import FastRCNN
from core.detectors.rcnn import RCNN
from core.detectors.regions import RegionHead, Samples, joined, sample, to_input
from core.detectors.sppnet import SPPNet
from core.values import Regions

CLASSES = 3
ONE_BOX = {"boxes": torch.tensor([[0.0, 0, 100, 100]]), "labels": torch.tensor([2])}


def overlapping_by(*parts: float) -> Tensor:
    """Regions whose IoU with ``ONE_BOX`` is each of ``parts``."""
    return torch.tensor([[0.0, 0, 100, 100 * part] for part in parts])


@pytest.fixture
def head() -> RegionHead:
    torch.manual_seed(0)
    return RegionHead(12, CLASSES, TRUNKS["slim"])


@pytest.mark.parametrize(
    ("size", "shape", "scaled", "scale"),
    [
        ("slim", (256, 256), (256, 256), 1),
        ("slim", (512, 512), (256, 256), 0.5),
        ("slim", (128, 192), (256, 384), 2),
        ("slim", (100, 244), (175, 427), 1.75),  # bound by the long side
        ("slim", (1, 1), (256, 256), 256),
        ("slim", (4, 854), (64, 427), 0.5),  # a side of 2 would vanish in the trunk's poolings
        ("paper", (300, 400), (600, 800), 2),
        ("paper", (500, 1000), (500, 1000), 1),
    ],
)
def test_the_input_fits_the_network(size: str, shape: tuple[int, int], scaled: tuple[int, int], scale: float) -> None:
    pixels, factor = to_input(torch.full((3, *shape), 77, dtype=torch.uint8), TRUNKS[size])
    assert pixels.shape == (1, 3, *scaled) and factor == pytest.approx(scale)
    assert TRUNKS[size].scale(*shape) == factor
    assert pixels.is_floating_point() and (pixels - 77).abs().max() < 1e-3


def test_an_image_of_the_networks_size_keeps_its_pixels() -> None:
    image = torch.randint(0, 256, (3, 256, 300), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert to_input(image, TRUNKS["slim"])[0][0].equal(image.float())


def test_a_quarter_of_the_samples_are_positive() -> None:
    regions = overlapping_by(*[0.9] * 40, *[0.3] * 200)
    samples = sample(regions, ONE_BOX, 64, 0.25, (0.1, 0.5))
    assert samples.labels.tolist() == [2] * 16 + [0] * 48


def test_positives_begin_at_0_5_and_negatives_are_a_half_open_range() -> None:
    regions = overlapping_by(1.0, 0.5, 0.49, 0.1, 0.09, 0)
    chosen = sample(regions, ONE_BOX, 100, 0.25, (0.1, 0.5))
    assert sorted(chosen.regions[chosen.labels == 2][:, 3].tolist()) == [50, 100]
    assert sorted(chosen.regions[chosen.labels == 0][:, 3].tolist()) == [10, 49]
    from_zero = sample(regions, ONE_BOX, 100, 0.25, (0.0, 0.5))
    assert sorted(from_zero.regions[from_zero.labels == 0][:, 3].tolist()) == [0, 9, 10, 49]


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"), [(4, 200, (4, 60)), (40, 10, (16, 10)), (0, 9, (0, 9))]
)
def test_negatives_take_the_place_of_missing_positives_but_not_the_reverse(
    positives: int, negatives: int, expected: tuple[int, int]
) -> None:
    regions = overlapping_by(*[0.8] * positives, *[0.2] * negatives)
    labels = sample(regions, ONE_BOX, 64, 0.25, (0.1, 0.5)).labels
    assert ((labels > 0).sum().item(), (labels == 0).sum().item()) == expected


def test_each_sample_is_another_region_with_its_own_truth() -> None:
    torch.manual_seed(0)
    corner = torch.rand(400, 2) * 100
    regions = torch.cat([corner, corner + 20 + torch.rand(400, 2) * 60], 1)
    target = {"boxes": regions[:3].clone(), "labels": torch.tensor([3, 1, 2])}
    samples = sample(regions, target, 64, 0.25, (0.1, 0.5))
    assert len(samples.regions.unique(dim=0)) == 64
    iou = box_iou(samples.regions, target["boxes"])
    assert samples.truth.equal(target["boxes"][iou.argmax(1)])
    positive = samples.labels > 0
    assert 3 <= positive.sum() <= 16
    assert samples.labels[positive].equal(target["labels"][iou.argmax(1)][positive])
    assert (iou.amax(1)[positive] >= 0.5).all() and (iou.amax(1)[~positive] < 0.5).all()
    again = sample(regions, target, 64, 0.25, (0.1, 0.5))
    assert not again.regions.equal(samples.regions), "at random"


def test_without_objects_every_sample_is_background() -> None:
    nothing = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}
    regions = overlapping_by(*[0.5] * 100)
    samples = sample(regions, nothing, 64, 0.25, (0.0, 0.5))
    assert len(samples.regions) == len(samples.truth) == 64 and (samples.labels == 0).all()
    assert len(sample(regions, nothing, 64, 0.25, (0.1, 0.5)).labels) == 0


def test_samples_of_two_images_lie_one_after_another() -> None:
    first, second = (sample(overlapping_by(*parts), ONE_BOX, 8, 0.25, (0.1, 0.5)) for parts in ((1.0,), (0.3, 0.6)))
    both = joined([first, second])
    for name in ("regions", "truth", "labels"):
        assert getattr(both, name).equal(torch.cat([getattr(first, name), getattr(second, name)]))


def test_head_starts_as_in_the_paper() -> None:
    torch.manual_seed(0)
    head = RegionHead(12, 20, TRUNKS["slim"])
    assert head.score.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert head.offset.weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert (head.score.bias == 0).all() and (head.offset.bias == 0).all()
    assert head.score.out_features == 21 and head.offset.out_features == 80, "no offset for the background"


def four_samples() -> Samples:
    regions = torch.tensor([[0.0, 0, 10, 10], [20, 20, 40, 40], [0, 0, 10, 10], [50, 50, 60, 60]])
    truth = torch.tensor([[1.0, 0, 11, 10], [20, 20, 40, 60], [5, 5, 15, 15], [50, 50, 60, 60]])
    return Samples(regions, truth, torch.tensor([1, 3, 0, 0]))


def test_losses_by_hand(head: RegionHead) -> None:
    """Whatever the features, scores are (0, 1, 0, 0) and every offset of class k is k / 10."""
    for layer in (head.score, head.offset):
        torch.nn.init.zeros_(layer.weight)
    with torch.no_grad():
        head.score.bias.copy_(torch.tensor([0.0, 1, 0, 0]))
        head.offset.bias.copy_(torch.tensor([0.1, 0.2, 0.3]).repeat_interleave(4))
    parts = head.losses(torch.randn(4, TRUNKS["slim"].width), four_samples())
    assert set(parts) == {"classification", "box regression"}

    log_sum = math.log(3 + math.e)
    assert parts["classification"].item() == pytest.approx((log_sum - 1 + 3 * log_sum) / 4)

    # First: moves by a tenth of its width, in units of 0.1. Second: centre down by half a side, height times two.
    first = [(0.1, 1.0), (0.1, 0), (0.1, 0), (0.1, 0)]
    second = [(0.3, 0), (0.3, 0.5 / 0.1), (0.3, 0), (0.3, math.log(2) / 0.2)]
    errors = [abs(predicted - wanted) for predicted, wanted in first + second]
    smooth = sum(error**2 / 2 if error < 1 else error - 0.5 for error in errors)
    assert parts["box regression"].item() == pytest.approx(smooth / 4), "over all RoIs, not over the positives"


def test_background_alone_costs_no_regression(head: RegionHead) -> None:
    samples = four_samples()
    background = Samples(samples.regions, samples.truth, torch.zeros(4, dtype=torch.int64))
    parts = head.losses(torch.randn(4, TRUNKS["slim"].width), background)
    assert parts["box regression"] == 0 and parts["classification"] > 0


def test_offsets_that_the_loss_wants_move_the_regions_onto_the_truth(head: RegionHead) -> None:
    head.target_mean.uniform_(-0.1, 0.1)
    head.target_std.uniform_(0.1, 0.3)
    samples = four_samples()
    samples = Samples(samples.regions[:2], samples.truth[:2], samples.labels[:2])
    torch.nn.init.zeros_(head.offset.weight)
    for row, label in enumerate(samples.labels.tolist()):
        wanted = encode(samples.truth[row : row + 1], samples.regions[row : row + 1])[0]
        with torch.no_grad():
            head.offset.bias.view(CLASSES, 4)[label - 1] = (wanted - head.target_mean[label - 1]) / (
                head.target_std[label - 1]
            )
    features = torch.zeros(2, TRUNKS["slim"].width)
    assert head.losses(features, samples)["box regression"].item() == pytest.approx(0, abs=1e-10)
    moved = head.boxes(features, samples.regions)
    assert moved.shape == (2, CLASSES, 4)
    torch.testing.assert_close(moved[[0, 1], samples.labels - 1], samples.truth)


def test_boxes_are_those_of_torchvisions_coder(head: RegionHead) -> None:
    """Its weights (10, 10, 5, 5) are one over our deviations of the targets."""
    torch.nn.init.normal_(head.offset.weight, std=0.05)
    features, regions = torch.randn(4, TRUNKS["slim"].width), four_samples().regions
    expected = BoxCoder((10.0, 10.0, 5.0, 5.0)).decode(head.offset(features), [regions])
    torch.testing.assert_close(head.boxes(features, regions), expected)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["classification", "box regression"])
def test_gradient_of_each_part(head: RegionHead, part: str) -> None:
    head.double()
    samples = four_samples()
    samples = Samples(samples.regions.double(), samples.truth.double(), samples.labels)
    rng = torch.Generator().manual_seed(0)
    features = torch.randn(4, TRUNKS["slim"].width, generator=rng, dtype=torch.float64, requires_grad=True)
    torch.nn.init.normal_(head.offset.weight, std=0.05, generator=rng)
    weight = {"classification": head.score, "box regression": head.offset}[part].weight

    def loss(features: Tensor, _weight: Tensor) -> Tensor:
        return head.losses(features, samples)[part]

    assert gradcheck(loss, (features, weight))


def test_losses_are_in_full_precision_under_autocast(head: RegionHead) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        parts = head.losses(torch.randn(4, TRUNKS["slim"].width), four_samples())
    assert all(value.dtype == torch.float32 for value in parts.values())


@pytest.mark.parametrize(("size", "mode"), [("slim", "fast"), ("paper", "quality")])
@pytest.mark.parametrize("kind", [RCNN, SPPNet, FastRCNN])
def test_paper_size_searches_until_there_are_enough_proposals(
    kind: type[RCNN | SPPNet | FastRCNN], size: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []

    def searched(_image: Tensor, mode: str = "fast") -> Regions:
        used.append(mode)
        return Regions(torch.zeros(1, 4))

    monkeypatch.setattr(sys.modules[kind.__module__], "selective_search", searched)
    with torch.device("meta"):
        detector = kind(size)
    next(iter(detector.steps(torch.zeros(3, 64, 64, dtype=torch.uint8))))
    assert used == [mode]
