"""Mask R-CNN: Faster R-CNN's detections unchanged, torchvision's RoIAlign, head and pasting, and its own loss."""

import math
from functools import partial
from typing import Any

import pytest
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import maskrcnn_inference, paste_masks_in_image, project_masks_on_boxes

from core.backbones import TRUNKS
from core.checkpoint import load_weights
from core.data import ShapeScenes
from core.data.scenes import label_map
from core.detectors import faster_rcnn, run
from core.detectors.faster_rcnn import FasterRCNN
from core.families import SHAPES
from core.segmentation import instance
from core.segmentation.instance import BINS, MASK, ROIS_PER_IMAGE, MaskRCNN, have_pixels, painted, topmost
from core.stages import Step
from core.values import FeatureMap, Instances, RegionFeatures, Regions, Value
from tests.test_backbones import STRIDE, noise

SCENES = ShapeScenes("validation", 4)
IMAGES = {
    "scene": SCENES[0][0],
    "hard scene": ShapeScenes("validation", 1, "hard")[0][0],
    "odd": SCENES[1][0][:, :201, :150],
    "small": SCENES[2][0][:, 40:145, 30:170],
}


@pytest.fixture(scope="module")
def net() -> MaskRCNN:
    """The trained Faster R-CNN with a mask head at random, whose masks are neither empty nor full."""
    torch.manual_seed(0)
    net = MaskRCNN().eval()
    load_weights(net, "faster_rcnn", SHAPES.folder, part=True)
    for layer in net.mask:
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight)
    return net


@pytest.fixture
def fresh() -> MaskRCNN:
    torch.manual_seed(0)
    return MaskRCNN()


def steps(net: MaskRCNN, image: Tensor) -> dict[str, Value]:
    with torch.inference_mode():
        return {stage.name: stage.value for stage in net.steps(image) if isinstance(stage, Step)}


def target(index: int) -> dict[str, Tensor]:
    """The training target of a scene."""
    truth = SCENES[index][1]
    numbers = 1 + torch.arange(len(truth["labels"]))
    instances = label_map(truth["masks"], numbers).to(torch.uint8)
    return {"boxes": truth["boxes"], "labels": truth["labels"], "instances": instances}


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_detections_are_faster_rcnns_to_the_last_bit(net: MaskRCNN, image: Tensor) -> None:
    detector = FasterRCNN().eval()
    load_weights(detector, "faster_rcnn", SHAPES.folder)
    expected = run(detector, image).detections
    found = net.segment(image)
    assert len(found) == len(expected) > 0
    for name in ("boxes", "scores", "labels"):
        assert getattr(found, name).equal(getattr(expected, name)), name
    names = [step.name for step in run(detector, image).steps]
    assert list(steps(net, image)) == [*names, "RoIAlign", "Mask head", "Paste"]


def test_the_shipped_mask_rcnn_is_the_shipped_faster_rcnn_with_a_mask_head() -> None:
    detector = load_file(SHAPES.folder / "faster_rcnn.safetensors")
    both = load_file(SHAPES.folder / "mask_rcnn.safetensors")
    for name, values in both.items():
        assert name.startswith("mask.") or values.equal(detector[name]), name
    assert detector.keys() < both.keys()


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_masks_are_torchvisions_with_the_same_weights(net: MaskRCNN, image: Tensor) -> None:
    """From the map to the pasted masks by torchvision's RoIAlign, mask head, choice of the class and pasting."""
    values = steps(net, image)
    features, pooled, masks, found = (values[name] for name in ("Convolution", "RoIAlign", "Mask head", "Paste"))
    assert isinstance(features, FeatureMap) and isinstance(found, Instances)
    assert isinstance(pooled, RegionFeatures) and isinstance(masks, RegionFeatures)
    count, (height, width) = len(found), image.shape[1:]
    assert pooled.boxes.equal(found.boxes) and masks.boxes.equal(found.boxes)
    assert pooled.values.shape == (count, 128, BINS, BINS) and masks.values.shape == (count, 1, MASK, MASK)
    assert found.masks.shape == (count, height, width) and found.masks.dtype == torch.bool

    boxes = found.boxes * TRUNKS["slim"].scale(height, width)
    aligned = torchvision.ops.roi_align(features.values[None], [boxes], BINS, 1 / STRIDE, 2, aligned=True)
    torch.testing.assert_close(pooled.values, aligned, rtol=1e-4, atol=1e-4)

    head = nn.Sequential(MaskRCNNHeads(128, (128,) * 4, 1), MaskRCNNPredictor(128, 128, 7)).eval()
    ours = list(net.mask.state_dict().values())
    with torch.no_grad():
        *theirs, weight, bias = head.parameters()
        for mine, other in zip(ours[:-2], theirs, strict=True):
            other.copy_(mine)
        weight[1:], bias[1:] = ours[-2], ours[-1]  # torchvision gives the background a mask too
        (expected,) = maskrcnn_inference(head(aligned), [found.labels])
    torch.testing.assert_close(masks.values, expected, rtol=1e-3, atol=1e-4)
    pasted = paste_masks_in_image(masks.values, found.boxes, (height, width))[:, 0] >= 0.5
    assert found.masks.equal(pasted) and 0 < pasted.float().mean() < 1


def test_masks_lie_within_their_boxes(net: MaskRCNN) -> None:
    found = net.segment(IMAGES["scene"])
    for mask, box in zip(found.masks, found.boxes, strict=True):
        rows, columns = mask.any(1).nonzero()[:, 0], mask.any(0).nonzero()[:, 0]
        assert len(rows), "an empty mask shows nothing"
        x0, y0, x1, y1 = box.tolist()
        assert columns[0] >= math.floor(x0) - 1 and columns[-1] <= math.ceil(x1) + 1
        assert rows[0] >= math.floor(y0) - 1 and rows[-1] <= math.ceil(y1) + 1


def test_each_class_has_a_mask_of_its_own(fresh: MaskRCNN) -> None:
    with torch.inference_mode():
        assert fresh.mask(torch.randn(5, 128, BINS, BINS)).shape == (5, 6, MASK, MASK), "none for the background"


@pytest.mark.parametrize("shape", [(256, 256), (90, 131)])
def test_an_image_without_detections_has_no_masks_and_is_background(fresh: MaskRCNN, shape: tuple[int, int]) -> None:
    fresh.eval()
    with torch.no_grad():
        fresh.head.score.bias.copy_(torch.tensor([50.0, 0, 0, 0, 0, 0, 0]))
    image = noise(3, *shape)
    found = fresh.segment(image)
    assert len(found) == 0 and found.masks.shape == (0, *shape) and found.masks.dtype == torch.bool
    labels = fresh.predict(image)
    assert labels.shape == shape and labels.dtype == torch.int64 and not labels.any()


def test_prediction_paints_the_sure_instances(net: MaskRCNN) -> None:
    image = IMAGES["hard scene"]
    found = net.segment(image)
    expected = torch.zeros(256, 256, dtype=torch.int64)
    for score, label, mask in reversed(list(zip(found.scores, found.labels, found.masks, strict=True))):
        if score >= 0.5:
            expected[mask] = label
    assert net.predict(image).equal(expected) and len(expected.unique()) > 2


def overlapping(*scores: float) -> Instances:
    """Bars of the classes 4, 2 and 4, each over two of four columns and the next one over its second."""
    masks = torch.zeros(3, 2, 4, dtype=torch.bool)
    for index in range(3):
        masks[index, :, index : index + 2] = True
    return Instances(torch.zeros(3, 4), torch.tensor(scores), torch.tensor([4, 2, 4]), masks)


def test_the_better_score_wins_a_pixel() -> None:
    assert painted(overlapping(0.9, 0.8, 0.7)).tolist() == [[4, 4, 2, 4]] * 2
    assert painted(overlapping(0.9, 0.8, 0.49)).tolist() == [[4, 4, 2, 0]] * 2, "one half is sure"
    assert painted(overlapping(0.9, 0.5, 0.1)).tolist() == [[4, 4, 2, 0]] * 2
    assert painted(overlapping(0.3, 0.2, 0.1)).tolist() == [[0] * 4] * 2
    assert painted(overlapping(0.3, 0.2, 0.1), least_score=0.2).tolist() == [[4, 4, 2, 0]] * 2
    none = torch.zeros(0)
    nothing = Instances(none.view(0, 4), none, none.long(), torch.zeros(0, 2, 4, dtype=torch.bool))
    assert painted(nothing).tolist() == [[0] * 4] * 2


def test_a_pixel_gets_the_number_of_the_first_mask_that_holds_it() -> None:
    assert topmost(overlapping(0.9, 0.8, 0.7).masks, torch.tensor([7, 300, 2])).tolist() == [[7, 7, 300, 2]] * 2
    nothing = topmost(torch.zeros(0, 2, 4, dtype=torch.bool), torch.zeros(0, dtype=torch.int64))
    assert nothing.tolist() == [[0] * 4] * 2 and nothing.dtype == torch.int64


def test_truth_is_the_objects_mask_cut_out_at_the_region() -> None:
    instances = torch.zeros(128, 128, dtype=torch.uint8)
    instances[32:88, 16:72] = 1  # 56 x 56 pixels: two for each cell of a mask
    instances[60:128, 60:128] = 2  # in front of its corner
    regions = torch.tensor([[16.0, 32, 72, 88], [16, 32, 128, 88], [-40, 32, 16, 88], [60, 60, 128, 128]])
    corner, left, nothing, whole = instance._true_masks(regions, torch.tensor([0, 0, 0, 1]), instances)
    expected = torch.ones(MASK, MASK)
    expected[14:, 22:] = 0
    assert corner.equal(expected)
    assert (left[:14, :14] == 1).all() and (left[:, 14:] == 0).all(), "as the region is twice as wide"
    assert (nothing == 0).all() and (whole == 1).all()


def test_truth_is_torchvisions_but_for_half_a_pixel_and_the_threshold() -> None:
    """torchvision projects masks without moving the middles of pixels to .5, and leaves what is between 0 and 1."""
    one = target(0)
    count = len(one["boxes"])
    jitter = torch.rand(40, 4, generator=torch.Generator().manual_seed(0)) * 20 - 10
    objects = torch.arange(40) % count
    regions = one["boxes"][objects] + jitter
    masks = (one["instances"] == 1 + torch.arange(count)[:, None, None]).float()
    projected = project_masks_on_boxes(masks, regions - 0.5, objects, MASK)
    found = instance._true_masks(regions, objects, one["instances"])
    assert found.equal((projected >= 0.5).float()) and 0.2 < found.mean() < 0.9


def test_regions_that_overlap_an_object_by_half_are_chosen_at_random() -> None:
    torch.manual_seed(0)
    boxes = torch.tensor([[0.0, 0, 100, 100], [200, 0, 300, 100]])
    good = torch.stack([boxes[index % 2] - torch.tensor([0.0, 0, 0, 2 * index]) for index in range(26)])
    bad = torch.tensor([[0.0, 0, 100, 49.9], [120, 0, 180, 100]])
    seen = set()
    for _trial in range(60):
        regions, objects = instance._positives(torch.cat([bad, good]), boxes, torch.tensor([True, True]))
        assert len(regions) == ROIS_PER_IMAGE and len(regions.unique(dim=0)) == ROIS_PER_IMAGE
        assert objects.equal((regions[:, 0] >= 200).long())
        seen |= {tuple(region) for region in regions.tolist()}
    wanted = {tuple(region) for region in good.tolist() if region[3] >= 50}
    assert seen == wanted and len(wanted) == 26
    _regions, objects = instance._positives(torch.cat([bad, good]), boxes, torch.tensor([False, True]))
    assert objects.tolist() == [1] * ROIS_PER_IMAGE


def test_objects_have_pixels_where_their_number_stands() -> None:
    instances = torch.tensor([[-1, 0, 3], [3, 1, -1]], dtype=torch.int32)
    assert have_pixels(instances, 4).tolist() == [True, False, True, False]
    assert have_pixels(instances.clamp(min=0).to(torch.uint8), 0).tolist() == []


def test_what_is_not_known_of_a_region_is_neither_object_nor_background() -> None:
    instances = torch.zeros(56, 56, dtype=torch.int32)
    instances[:28] = 1
    instances[28:42] = -1
    (truth,) = instance._true_masks(torch.tensor([[0.0, 0, 56, 56]]), torch.tensor([0]), instances)
    assert truth[:, 0].tolist() == [1] * 14 + [-1] * 7 + [0] * 7 and (truth == truth[:, :1]).all()


@pytest.fixture
def boxes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the RPN propose nothing, so that the masks are trained on the objects' own boxes."""
    monkeypatch.setattr(faster_rcnn, "propose", lambda *arguments: Regions(torch.zeros(0, 4)))


def test_loss_is_the_binary_cross_entropy_of_the_true_classs_mask(fresh: MaskRCNN, boxes_alone: None) -> None:
    images, targets = torch.stack([SCENES[index][0] for index in range(2)]), [target(0), target(1)]
    assert all(len(one["labels"]) <= ROIS_PER_IMAGE for one in targets)
    parts = fresh.train().losses(images, targets)
    assert list(parts) == ["mask"]
    losses = []
    for image, one in zip(images, targets, strict=True):
        with torch.inference_mode():
            features = fresh.trunk(image[None])
            pooled = torchvision.ops.roi_align(features, [one["boxes"]], BINS, 1 / STRIDE, 2, aligned=True)
            chances = fresh.mask(pooled).sigmoid()
        truth = instance._true_masks(one["boxes"], torch.arange(len(one["boxes"])), one["instances"])
        for chance, label, mask in zip(chances, one["labels"], truth, strict=True):
            right = torch.where(mask == 1, chance[label - 1], 1 - chance[label - 1])
            losses.append(-right.log().mean())
    torch.testing.assert_close(parts["mask"], torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


def test_pixels_that_are_not_known_and_objects_without_pixels_teach_no_mask(fresh: MaskRCNN, boxes_alone: None) -> None:
    image, one = SCENES[0][0], target(0)
    fresh.train()

    def gradients(images: Tensor, wanted: dict[str, Tensor]) -> list[Tensor]:
        fresh.zero_grad()
        torch.manual_seed(0)
        fresh.losses(images[None], [wanted])["mask"].backward()
        return [values.grad.clone() for values in fresh.mask.parameters() if values.grad is not None]

    alone = {"boxes": one["boxes"][:1], "labels": one["labels"][:1], "instances": one["instances"].int()}
    alone["instances"] *= alone["instances"] == 1
    beside = one["boxes"][:1].repeat(2, 1) + torch.tensor([[0.0], [1]])
    unmasked = {**alone, "boxes": beside, "labels": one["labels"][[0, 0]]}
    expected = gradients(image, alone)
    assert any(values.any() for values in expected)
    torch.testing.assert_close(gradients(image, unmasked), expected)

    unknown = {**alone, "instances": torch.full_like(alone["instances"], -1)}
    assert not any(values.any() for values in gradients(image, unknown)), "no pixel was known"


def test_other_classes_masks_learn_nothing(fresh: MaskRCNN, boxes_alone: None) -> None:
    image, one = SCENES[0][0], target(0)
    fresh.train().losses(image[None], [one])["mask"].backward()
    last = fresh.mask[-1]
    assert isinstance(last, nn.Conv2d) and last.weight.grad is not None
    learn = last.weight.grad.flatten(1).any(1)
    assert (learn.nonzero()[:, 0] + 1).tolist() == one["labels"].unique().tolist() != list(range(1, 7))


def test_only_the_mask_head_is_trained(fresh: MaskRCNN) -> None:
    before = {name: values.clone() for name, values in fresh.state_dict().items()}
    fresh.train()
    assert fresh.training and fresh.mask.training
    assert not any(module.training for module in fresh.modules() if isinstance(module, nn.BatchNorm2d))
    for name, values in fresh.named_parameters():
        assert values.requires_grad == name.startswith("mask."), name
    fresh.losses(SCENES[0][0][None], [target(0)])["mask"].backward()
    for name, values in fresh.named_parameters():
        assert (values.grad is not None) == name.startswith("mask."), name
    for name, values in fresh.state_dict().items():
        assert values.equal(before[name]), f"{name} changed, though no step was taken"


def test_masks_are_trained_on_proposals_as_well_as_on_boxes(net: MaskRCNN, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def watched(choose: Any, *given: Tensor) -> tuple[Tensor, Tensor]:
        chosen: tuple[Tensor, Tensor] = choose(*given)
        seen.append(chosen[0])
        return chosen

    monkeypatch.setattr(instance, "_positives", partial(watched, instance._positives))
    torch.manual_seed(0)
    one = target(0)
    with torch.no_grad():
        loss = net.losses(SCENES[0][0][None], [one])["mask"]
    assert loss.isfinite() and len(seen) == 1 and len(seen[0]) == ROIS_PER_IMAGE
    own = (seen[0][:, None] == one["boxes"]).all(2).any(1)
    assert not own.all() and (torchvision.ops.box_iou(seen[0], one["boxes"]).amax(1) >= 0.5).all()


def test_loss_is_in_full_precision_under_autocast(fresh: MaskRCNN) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert fresh.train().losses(SCENES[0][0][None], [target(0)])["mask"].dtype == torch.float32


def test_everything_learns_together_by_the_sum_of_all_losses(fresh: MaskRCNN) -> None:
    """L = L_cls + L_box + L_mask, section 3, beside the RPN's two: Faster R-CNN's own, on the same draw."""
    fresh.masks_alone = False
    images, targets = torch.stack([SCENES[index][0] for index in range(2)]), [target(0), target(1)]
    fresh.train().requires_grad_(True)
    torch.manual_seed(3)
    parts = fresh.losses(images, targets)
    torch.manual_seed(3)
    expected = FasterRCNN.losses(fresh, images, targets)
    assert list(parts) == [*expected, "mask"]
    for name, value in expected.items():
        torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-4)
    parts["mask"].backward(retain_graph=True)
    trunk = next(fresh.trunk.parameters())
    assert trunk.grad is not None and trunk.grad.abs().sum() > 0, "the masks do not reach the trunk"
    torch.stack([*parts.values()]).sum().backward()
    assert all(values.grad is not None for values in fresh.parameters())


@pytest.mark.parametrize("alone", [True, False])
def test_images_without_objects_teach_no_masks(alone: bool, fresh: MaskRCNN) -> None:
    fresh.masks_alone = alone
    empty = {name: values[:0] for name, values in target(0).items() if name != "instances"}
    empty["instances"] = torch.zeros(256, 256, dtype=torch.int32)
    fresh.train().requires_grad_(True)
    parts = fresh.losses(SCENES[0][0][None], [empty])
    assert parts["mask"] == 0 and all(value.isfinite() for value in parts.values())
    mixed = fresh.losses(torch.stack([SCENES[0][0], SCENES[1][0]]), [empty, target(1)])
    assert mixed["mask"] > 0
