"""A model made again from a run's weights."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core.checkpoint import CheckpointError, save_tensors
from core.detectors.yolo import YOLO
from core.training.events import Event
from core.training.trained_model import load_trained

pytestmark = pytest.mark.slow


def test_the_weights_can_be_loaded_back_and_are_those_of_the_best_score(
    unbroken: tuple[list[Event], Path], tmp_path: Path
) -> None:
    _events, out = unbroken
    model = load_trained(out / "weights.safetensors")
    assert isinstance(model, YOLO) and model.classes == ("background", "berry", "leaf") and not model.training
    assert all(
        torch.equal(model.state_dict()[name], values) for name, values in load_file(out / "weights.safetensors").items()
    )
    save_file({"a": torch.zeros(1)}, tmp_path / "strange.safetensors")
    with pytest.raises(CheckpointError, match=r"strange\.safetensors does not say which model"):
        load_trained(tmp_path / "strange.safetensors")
    save_tensors({"a": torch.zeros(1)}, tmp_path / "wrong.safetensors", model="yolo", classes='["background", "a"]')
    with pytest.raises(CheckpointError, match=r"missing: trunk\.0\.weight"):
        load_trained(tmp_path / "wrong.safetensors")
    many = json.dumps([f"class {number}" for number in range(3000)])
    for header in (
        *({"model": "yolo9000", "classes": "[]"}, {"model": "yolo", "classes": "["}, {"model": "yolo"}),
        {"model": "yolo", "classes": many},
    ):
        save_tensors({"a": torch.zeros(1)}, tmp_path / "wrong.safetensors", **header)
        with pytest.raises(CheckpointError, match="does not say which model"):
            load_trained(tmp_path / "wrong.safetensors")
