"""The classifier: its steps are its forward pass, it learns, and it starts from any trunk."""

from typing import Any

import pytest
import torch
from torch.nn import functional

from core.classifier import Classifier, resized
from core.pretrained import PRETRAINED, Name
from core.stages import Trace, run
from core.training.initial_weights import read_weights, start_from
from core.values import ClassScores, Crops, FeatureMap, RegionFeatures

CLASSES = ("cat", "dog", "hen")
IMAGE = torch.randint(256, (3, 90, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def built(**others: Any) -> Classifier:
    torch.manual_seed(0)
    return Classifier(CLASSES, **others).eval()


def values(trace: Trace) -> list[Any]:
    return [step.value for step in trace.steps]


def test_the_steps_are_the_forward_pass() -> None:
    model = built()
    trace = run(model, IMAGE)
    assert [type(step.value) for step in trace.steps] == [Crops, FeatureMap, RegionFeatures, ClassScores]
    square, maps, feature, scores = values(trace)
    assert square.images.shape == (1, 3, 96, 96) and square.boxes.tolist() == [[0, 0, 50, 90]]
    assert maps.values.shape == (128, 6, 6) and maps.stride == 16
    torch.testing.assert_close(feature.values[0], functional.adaptive_avg_pool2d(maps.values, 1).flatten())
    with torch.inference_mode():
        torch.testing.assert_close(scores.values, model(IMAGE[None])[0])
    assert scores.values.shape == (3,)


def test_losses_are_the_cross_entropy_of_the_labels() -> None:
    model = built()
    images = torch.stack([IMAGE, IMAGE.flip(2)])
    targets = [{"label": torch.tensor(2)}, {"label": torch.tensor(0)}]
    parts = model.losses(images, targets)
    log = model(images).log_softmax(1)
    torch.testing.assert_close(parts["classification"], -(log[0, 2] + log[1, 0]) / 2)
    parts["classification"].backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_it_starts_from_the_scenes_trunk() -> None:
    model = built()
    taken = start_from(model, read_weights("trunk"), Classifier, CLASSES)
    assert taken.new == ("head.weight", "head.bias")
    torch.testing.assert_close(model.state_dict()["trunk.0.weight"], read_weights("trunk")["trunk.0.weight"].float())


@pytest.mark.parametrize("name", PRETRAINED)
def test_every_trunk_gives_a_feature_for_an_image_of_any_size(name: Name) -> None:
    model = built(trunk=name)
    with torch.inference_mode():
        assert model.features(IMAGE[None]).shape == (1, PRETRAINED[name].build().channels)
        assert values(run(model, IMAGE))[-1].values.shape == (3,)


def test_another_side_may_be_chosen() -> None:
    square = values(run(built(side=64), IMAGE))[0]
    assert square.images.shape == (1, 3, 64, 64)


def test_images_are_smoothed_where_they_shrink() -> None:
    stripes = torch.zeros(1, 3, 128, 128, dtype=torch.uint8)
    stripes[..., ::2] = 255
    small = resized(stripes, 32)
    assert small.shape == (1, 3, 32, 32) and small.dtype == torch.uint8
    assert small.float().std() < 20, "stripes of a pixel become grey"
    assert resized(small, 32) is small
