"""Checkpoints of models on a shared trunk: each carries only what it changed of what it started from."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from core.backbones import Backbone
from core.checkpoint import (
    CheckpointError,
    halved,
    load_trunk,
    load_weights,
    own_weights,
    rest_of,
    save_own,
    save_tensors,
)
from tests.test_checkpoint import tiny_trunk


class SharedTrunk(Backbone):
    """A trunk of two layers, one of which everybody has from the family's file."""

    frozen, shared = ("0",), True

    def __init__(self, kernel: int = 3) -> None:
        super().__init__(nn.Conv2d(3, 4, kernel), nn.Conv2d(4, 4, 1), channels=4, stride=1)


def on_shared_trunk(kernel: int = 3) -> nn.ModuleDict:
    return nn.ModuleDict({"trunk": SharedTrunk(kernel), "last": nn.Linear(4, 2)})


@pytest.fixture
def finetuned(tmp_path: Path) -> nn.ModuleDict:
    """A model that learnt all but the first layer of its trunk, saved beside that trunk."""
    start = on_shared_trunk()
    save_tensors(halved(start.state_dict()), tmp_path / "trunk.safetensors")
    load_trunk(trunk := SharedTrunk(), "trunk", tmp_path)
    model = nn.ModuleDict({"trunk": trunk, "last": nn.Linear(4, 2)})
    nn.init.ones_(trunk[1].weight)  # type: ignore[arg-type]
    model.load_state_dict(halved(model.state_dict()))
    save_tensors(own_weights(model, tmp_path), tmp_path / "yolo.safetensors")
    return model


def test_a_model_carries_only_what_it_changed_of_a_shared_trunk(finetuned: nn.ModuleDict, tmp_path: Path) -> None:
    assert set(load_file(tmp_path / "yolo.safetensors")) == {"trunk.1.weight", "last.weight", "last.bias"}
    loaded = on_shared_trunk()
    load_weights(loaded, "yolo", tmp_path)
    for key, values in finetuned.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], values), key


def test_a_model_carries_only_what_it_changed_of_the_one_that_it_started_from(
    finetuned: nn.ModuleDict, tmp_path: Path
) -> None:
    model = on_shared_trunk()
    model["mask"] = nn.Linear(2, 2)
    load_weights(model, "yolo", tmp_path, part=True)
    nn.init.ones_(model["last"].bias)  # type: ignore[arg-type]
    model.load_state_dict(halved(model.state_dict()))
    save_own(model, "mask", tmp_path, "yolo")
    assert set(load_file(tmp_path / "mask.safetensors")) == {"last.bias", "mask.weight", "mask.bias"}
    assert rest_of("mask", tmp_path) == "yolo" and rest_of("yolo", tmp_path) == "trunk"
    loaded = on_shared_trunk()
    loaded["mask"] = nn.Linear(2, 2)
    load_weights(loaded, "mask", tmp_path)
    expected = model.state_dict()
    assert all(torch.equal(values, expected[key]) for key, values in loaded.state_dict().items())
    trunk = SharedTrunk()
    load_trunk(trunk, "mask", tmp_path)
    assert all(torch.equal(values, expected[f"trunk.{key}"]) for key, values in trunk.state_dict().items())
    (tmp_path / "yolo.safetensors").unlink()
    with pytest.raises(CheckpointError, match="yolo is missing: run"):
        load_weights(loaded, "mask", tmp_path)


def test_a_model_on_a_trunk_of_its_own_rests_on_nothing(tmp_path: Path) -> None:
    model = nn.ModuleDict({"trunk": tiny_trunk(), "last": nn.Linear(4, 2)})
    save_own(model, "mask_rcnn", tmp_path, "faster_rcnn")
    with safe_open(tmp_path / "mask_rcnn.safetensors", "pt") as file:
        assert set(file.keys()) == set(model.state_dict()) and not file.metadata()


def test_a_model_on_a_trunk_of_its_own_carries_all_of_it(tmp_path: Path) -> None:
    model = nn.ModuleDict({"trunk": tiny_trunk(), "last": nn.Linear(4, 2)})
    assert own_weights(model, tmp_path).keys() == model.state_dict().keys()


def test_a_shared_trunk_that_is_not_there_or_of_another_size_is_a_sentence(
    finetuned: nn.ModuleDict, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="yolo holds weights of another model"):
        load_weights(on_shared_trunk(kernel=5), "yolo", tmp_path)
    save_tensors({"trunk.1.weight": torch.zeros(4, 4, 1, 1)}, tmp_path / "yolo.safetensors")
    with pytest.raises(CheckpointError, match="yolo holds weights of another model"):
        load_weights(on_shared_trunk(), "yolo", tmp_path)
    (tmp_path / "trunk.safetensors").unlink()
    for use in (load_weights, lambda model, _name, folder: own_weights(model, folder)):
        with pytest.raises(CheckpointError, match="trunk is missing: run"):
            use(on_shared_trunk(), "yolo", tmp_path)
