"""Faster R-CNN against torchvision's with the same weights, and what its joint training holds constant."""

import pytest
import torch
import torchvision
from torch import Tensor
from torchvision.models.detection import FasterRCNN as TorchvisionFasterRCNN

from benchmarks.torchvision_faster_rcnn import twin
from core.backbones import TRUNKS
from core.data import ShapeScenes
from core.detectors import build, load, run
from core.detectors.faster_rcnn import (
    NEGATIVE_IOU,
    POSITIVE_PART,
    FasterRCNN,
)
from core.detectors.regions import BINS, RegionHead, Samples
from core.values import Detections, FeatureMap, RegionFeatures, Regions

SCENES = ShapeScenes("validation", 8)
HARD = ShapeScenes("validation", 4, "hard")


def two_scenes_wide(width: int) -> Tensor:
    return torch.cat([HARD[0][0], HARD[1][0]], 2)[:, :, :width]


IMAGES = {
    **{f"scene {index}": SCENES[index][0] for index in range(len(SCENES))},
    **{f"hard scene {index}": HARD[index][0] for index in range(len(HARD))},
    "wide": two_scenes_wide(341),  # not a multiple of the stride
    "widest": two_scenes_wide(427),
    "high": two_scenes_wide(400).transpose(1, 2),
}


@pytest.fixture(scope="module")
def detector() -> FasterRCNN:
    detector = load("faster_rcnn")
    assert isinstance(detector, FasterRCNN)
    return detector


@pytest.fixture(scope="module")
def peer(detector: FasterRCNN) -> TorchvisionFasterRCNN:
    return twin(detector)


@pytest.fixture
def untrained() -> FasterRCNN:
    torch.manual_seed(0)
    detector = build("faster_rcnn")
    assert isinstance(detector, FasterRCNN)
    return detector


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_detections_are_torchvisions(detector: FasterRCNN, peer: TorchvisionFasterRCNN, image: Tensor) -> None:
    ours = run(detector, image).detections
    with torch.inference_mode():
        (theirs,) = peer([image.float()])
    assert len(ours) == len(theirs["scores"]) > 0
    same = (
        ((ours.boxes[:, None] - theirs["boxes"]).abs().amax(2) < 0.01)
        & ((ours.scores[:, None] - theirs["scores"]).abs() < 1e-4)
        & (ours.labels[:, None] == theirs["labels"])
    )
    assert (same.sum(0) == 1).all() and (same.sum(1) == 1).all(), "each of ours is one of theirs"


def test_the_twin_has_all_the_weights(detector: FasterRCNN, peer: TorchvisionFasterRCNN) -> None:
    background = 4 * (256 + 1)  # torchvision also moves boxes of the background
    ours, theirs = (sum(values.numel() for values in model.parameters()) for model in (detector, peer))
    assert theirs == ours + background


def test_proposals_are_in_pixels_of_the_image(untrained: FasterRCNN) -> None:
    image = SCENES[0][0][:, :160, :200]
    scale = 1.6
    features, regions, pooled = (step.value for step in run(untrained, image).steps[:3])
    assert isinstance(features, FeatureMap) and isinstance(regions, Regions) and isinstance(pooled, RegionFeatures)
    assert regions.scores is not None and (regions.scores.diff() <= 0).all(), "best first"
    assert 0 < len(regions.boxes) <= untrained.max_regions
    assert (regions.boxes >= 0).all() and (regions.boxes <= torch.tensor([200, 160, 200, 160]) + 1e-3).all()
    assert regions.boxes[:, 2].max() > 190 and regions.boxes[:, 3].max() > 150, "all over the image"
    sides = regions.boxes[:, 2:] - regions.boxes[:, :2]
    assert (sides * scale >= TRUNKS["slim"].least_proposal - 1e-3).all()
    expected = torchvision.ops.roi_pool(features.values[None], [regions.boxes * scale], BINS, 1 / 16)
    assert pooled.values.equal(expected)


def test_more_proposals_than_usual_may_be_asked_for(untrained: FasterRCNN) -> None:
    def proposals(most: int) -> Tensor:
        untrained.limit_regions(most)
        regions = run(untrained, SCENES[0][0]).steps[1].value
        assert isinstance(regions, Regions)
        return regions.boxes

    few, usual, many = proposals(30), proposals(TRUNKS["slim"].before_nms), proposals(TRUNKS["slim"].before_nms + 400)
    assert len(few) == 30 < len(usual) < len(many), "then more anchors go into the suppression"
    assert many[:30].equal(few)


def test_anchors_fit_the_input() -> None:
    assert TRUNKS["paper"].anchors == (128, 256, 512), "on a short side of 600"
    assert TRUNKS["slim"].anchors == (32, 64, 128), "on one of 256"
    assert FasterRCNN().rpn.shapes.shape == (9, 4)


def test_training_has_four_parts_and_holds_the_proposals_constant(untrained: FasterRCNN) -> None:
    image, target = SCENES[0]
    parts = untrained.train().losses(image[None], [target])
    assert list(parts) == ["objectness", "proposal regression", "classification", "box regression"]
    (parts["classification"] + parts["box regression"]).backward()
    for name, values in untrained.named_parameters():
        assert (values.grad is None or not values.grad.any()) == name.startswith("rpn."), name


def test_training_samples_ground_truth_and_easy_background(
    untrained: FasterRCNN, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The released code's end-to-end training: ground truth joins the proposals, negatives begin at an IoU of 0."""
    assert (POSITIVE_PART, NEGATIVE_IOU) == (0.25, (0.0, 0.5))
    image, target = SCENES[0]
    sampled: list[Samples] = []
    losses = RegionHead.losses

    def watch(head: RegionHead, features: Tensor, samples: Samples) -> dict[str, Tensor]:
        sampled.append(samples)
        return losses(head, features, samples)

    monkeypatch.setattr(RegionHead, "losses", watch)
    untrained.losses(image[None], [target])
    (samples,) = sampled
    truth = {tuple(box) for box in target["boxes"].tolist()}
    assert truth <= {tuple(box) for box in samples.regions.tolist()}
    overlap = torchvision.ops.box_iou(samples.regions, target["boxes"]).amax(1)
    assert (overlap[samples.labels == 0] < 0.1).any()


def test_trained_it_finds_the_objects_of_a_scene(detector: FasterRCNN) -> None:
    image, target = SCENES[1]
    found: Detections = run(detector, image).detections
    sure = found.scores > 0.5
    iou = torchvision.ops.box_iou(target["boxes"], found.boxes[sure])
    best, index = iou.max(1)
    assert (best > 0.5).all() and found.labels[sure][index].equal(target["labels"])
