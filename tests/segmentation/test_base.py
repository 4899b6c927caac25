"""What all segmenters share: labels of the image's own size, loading by name, and the loss of every pixel."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from core.backbones import Backbone
from core.checkpoint import CheckpointError, save_tensors
from core.families import SHAPES
from core.models import MODELS
from core.segmentation import NAMES, build, load
from core.segmentation.base import VOID, Segmenter, labels_to_learn, pixel_loss, true_labels
from core.segmentation.fcn import FCN8s, FCN16s, FCN32s
from core.segmentation.instance import MaskRCNN
from core.segmentation.patch_cnn import PatchCNN
from core.stages import Progress, Step
from core.values import LabelMap, ScoreMap
from tests.test_backbones import noise, stir_batch_norm


class Brightness(Segmenter):
    """Calls a pixel 1 where its red is brighter than ``threshold``, in two steps with a sign of life between."""

    def __init__(self) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(100.0))

    def steps(self, image: Tensor) -> Iterator[Step | Progress]:
        scores = torch.stack([self.threshold.expand(image.shape[1:]), image[0].float()])
        yield Step("Score", ScoreMap(scores, 1))
        yield Progress("Argmax", 1, 2)
        yield Step("Argmax", LabelMap(scores.argmax(0)))
        yield Progress("Argmax", 2, 2)


def test_prediction_is_the_last_label_map_and_keeps_no_graph() -> None:
    image = torch.tensor([[99, 101, 255], [0, 100, 200]], dtype=torch.uint8).expand(3, -1, -1)
    labels = Brightness().predict(image)
    assert labels.tolist() == [[0, 1, 1], [0, 0, 1]] and labels.dtype == torch.int64
    assert labels.is_inference()


def test_names_are_those_of_the_classes() -> None:
    assert NAMES == ("patch_cnn", "fcn32s", "fcn16s", "fcn8s", "mask_rcnn")
    kinds: tuple[type[Segmenter | MaskRCNN], ...] = (PatchCNN, FCN32s, FCN16s, FCN8s, MaskRCNN)
    for name, kind in zip(NAMES, kinds, strict=True):
        segmenter = build(name)
        assert type(segmenter) is kind and segmenter.name == name
        assert MODELS[name].title and MODELS[name].paper and segmenter.classes[0] == "background"
        assert not segmenter.training


def test_the_loss_leaves_out_pixels_whose_class_is_not_known() -> None:
    scores = torch.randn(1, 4, 2, 3, generator=torch.Generator().manual_seed(0))
    target = {"instances": torch.tensor([[0, 1, -1], [2, -1, 1]]), "labels": torch.tensor([3, 2])}
    chances = scores[0].log_softmax(0)
    known = [chances[0, 0, 0], chances[3, 0, 1], chances[2, 1, 0], chances[3, 1, 2]]
    torch.testing.assert_close(pixel_loss(scores, [target]), -torch.stack(known).mean())


def test_what_the_pixels_are_said_to_be_counts_more_than_whose_they_are() -> None:
    pixel_labels = torch.tensor([[1, 255, 0]], dtype=torch.uint8)
    target = {"instances": torch.tensor([[-1, 1, 0]]), "labels": torch.tensor([2]), "pixel_labels": pixel_labels}
    assert labels_to_learn(target).tolist() == [[1, VOID, 0]]
    assert labels_to_learn({name: target[name] for name in ("instances", "labels")}).tolist() == [[VOID, 2, 0]]


def test_the_true_labels_are_those_of_the_pixels_or_else_of_the_masks() -> None:
    truth = {"masks": torch.tensor([[[True, False, False]]]), "labels": torch.tensor([2])}
    assert true_labels(truth).tolist() == [[2, 0, 0]]
    labelled = truth | {"pixel_labels": torch.tensor([[2, 1, 255]], dtype=torch.uint8)}
    assert true_labels(labelled).tolist() == [[2, 1, VOID]] and true_labels(labelled).dtype == torch.int64


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(257, 130), (33, 70), (2, 2), (1, 1)])
def test_every_pixel_of_an_image_of_any_size_has_a_label(name: str, shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    labels = build(name).predict(noise(3, *shape))
    assert labels.shape == shape and labels.dtype == torch.int64
    assert labels.min() >= 0 and labels.max() <= 6


@pytest.mark.parametrize("name", NAMES)
def test_a_loaded_segmenter_has_the_stored_weights_and_its_batch_norm_folded(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    stored = build(name)
    stir_batch_norm(stored)
    save_tensors(stored.state_dict(), tmp_path / f"{name}.safetensors")
    loaded = load(name, replace(SHAPES, folder=tmp_path))
    assert not loaded.training and not any(isinstance(module, nn.BatchNorm2d) for module in loaded.modules())
    image = noise(2, 3, 227, 250)
    assert isinstance(loaded.trunk, Backbone) and isinstance(stored.trunk, Backbone)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.trunk(image), stored.trunk(image), rtol=1e-4, atol=1e-4)
        if isinstance(loaded, FCN8s) and isinstance(stored, FCN8s):
            fine = noise(2, 224, 9, 7) / 255
            torch.testing.assert_close(loaded.deepen(fine), stored.deepen(fine), rtol=1e-4, atol=1e-4)
    before_norms = {*(f"trunk.{index}" for index in (0, 4, 8, 11, 14)), "deepen.0", "deepen.3"}
    folded = {f"{convolution}.{kind}" for convolution in before_norms for kind in ("weight", "bias")}
    for key, values in loaded.state_dict().items():
        assert key in folded or values.equal(stored.state_dict()[key]), key


def test_a_missing_checkpoint_is_a_sentence_with_its_command(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="fcn8s is missing: run `python -m core train fcn8s` to train it"):
        load("fcn8s", replace(SHAPES, folder=tmp_path))


def two_targets() -> list[dict[str, Tensor]]:
    """Two images of 2 x 3 pixels: one with objects of the classes 2 and 1, one without any."""
    first = torch.tensor([[0, 2, 2], [1, 1, 0]], dtype=torch.uint8)
    return [
        {"instances": first, "labels": torch.tensor([2, 1])},
        {"instances": torch.zeros(2, 3, dtype=torch.uint8), "labels": torch.zeros(0, dtype=torch.int64)},
    ]


def test_loss_is_the_mean_over_all_pixels_by_hand() -> None:
    scores = torch.randn(2, 3, 2, 3, generator=torch.Generator().manual_seed(0))
    classes = [[[0, 1, 1], [2, 2, 0]], [[0, 0, 0], [0, 0, 0]]]
    by_hand = [
        scores[image, :, row, column].exp().sum().log() - scores[image, classes[image][row][column], row, column]
        for image in range(2)
        for row in range(2)
        for column in range(3)
    ]
    torch.testing.assert_close(pixel_loss(scores, two_targets()), torch.stack(by_hand).mean())


def test_loss_is_in_full_precision() -> None:
    scores = torch.randn(2, 3, 2, 3, generator=torch.Generator().manual_seed(0)).bfloat16()
    loss = pixel_loss(scores, two_targets())
    assert loss.dtype == torch.float32 and loss.equal(pixel_loss(scores.float(), two_targets()))
