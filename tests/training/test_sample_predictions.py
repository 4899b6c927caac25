"""What models say without being trained: before the first step, and with weights loaded back."""

import pytest
import torch

from core.checkpoint import CheckpointError
from core.detectors.rcnn import RCNN
from core.families import SHAPES
from core.training.plan import plan_for
from core.training.sample_predictions import FEW_REGIONS, load_back, look_before
from core.training.uploaded_weights import Weights, read_file


def test_a_model_that_starts_from_its_own_checkpoint_knows_the_scenes_before_its_first_step() -> None:
    kept, classes = look_before(plan_for("yolo", "scenes", start="yolo"))
    assert len(kept.samples) == 4 and len(kept.looks) == 1 and classes[1] == "ellipse"
    found = [one["scores"] for one in kept.looks[0].made]
    assert sum(int((scores > 0.5).sum()) for scores in found) > 4


def test_no_page_waits_for_two_thousand_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []

    def limit(model: RCNN, most: int) -> None:
        limits.append(most)
        model.max_regions = 2

    monkeypatch.setattr(RCNN, "limit_regions", limit)
    look_before(plan_for("rcnn", "scenes"))
    assert limits == [FEW_REGIONS]


def test_looking_leaves_the_random_numbers_of_the_page_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    look_before(plan_for("yolo", "scenes", start=None, seed=5))
    assert torch.equal(torch.rand(1), expected)


def test_a_checkpoint_is_loaded_back_and_predicts_or_says_what_does_not_fit() -> None:
    weights = read_file(SHAPES.folder / "yolo.safetensors", "yolo")
    kept, classes = load_back(weights, "yolo")
    assert "boxes" in kept.samples[0] and any(len(one["boxes"]) for one in kept.looks[0].made) and len(classes) == 7
    with pytest.raises(CheckpointError, match="These weights are of another model: missing"):
        load_back(weights, "fcn8s")


def test_of_other_classes_there_is_no_truth() -> None:
    weights = read_file(SHAPES.folder / "yolo.safetensors", "yolo")
    named = Weights("mine", weights.tensors, "yolo", ("background", *"abcdef"))
    kept, classes = load_back(named, "yolo")
    assert classes[1] == "a" and "boxes" not in kept.samples[0]
