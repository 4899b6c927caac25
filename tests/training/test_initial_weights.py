"""Where a training starts from: what of the weights fits, and a sentence that names what does not."""

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from core.checkpoint import CheckpointError
from core.detectors.faster_rcnn import FasterRCNN
from core.detectors.yolo import YOLO
from core.models import MODELS
from core.segmentation.fcn import FCN16s, FCN32s
from core.segmentation.instance import MaskRCNN
from core.training.initial_weights import fit_weights, read_weights, start_from
from core.training.plan import NAMES

THREE = ("background", "a", "b", "c")
FOUR = (*THREE, "d")


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: values + 1 if values.is_floating_point() else values for name, values in model.state_dict().items()}


def start(model: nn.Module, weights: dict[str, Tensor], classes: tuple[str, ...]) -> set[str]:
    """Start ``model`` from ``weights``, see that what was taken is in it, and return what is new."""
    before = {name: values.clone() for name, values in model.state_dict().items()}
    taken = start_from(model, weights, type(model), classes)
    after = model.state_dict()
    assert {*taken.taken, *taken.new} == set(after) and {*taken.taken, *taken.left} == set(weights)
    assert not {*taken.taken} & {*taken.new}
    assert all(torch.equal(after[name], weights[name]) for name in taken.taken)
    assert all(torch.equal(after[name], before[name]) for name in taken.new)
    return set(taken.new)


def test_a_model_with_as_many_classes_takes_everything() -> None:
    assert start(YOLO(classes=THREE), weights_of(YOLO(classes=THREE)), THREE) == set()


@pytest.mark.parametrize(
    ("kind", "new"),
    [
        (YOLO, {"head.3.weight", "head.3.bias"}),
        (
            FasterRCNN,
            {f"head.{part}.{kind}" for part in ("score", "offset") for kind in ("weight", "bias")}
            | {"head.target_mean", "head.target_std"},
        ),
        (FCN32s, {"score.0.weight", "score.0.bias"}),
    ],
)
def test_heads_of_another_number_of_classes_are_new(kind: type[nn.Module], new: set[str]) -> None:
    assert start(kind(classes=FOUR), weights_of(kind(classes=THREE)), FOUR) == new


def test_a_model_that_extends_another_takes_all_of_it() -> None:
    new = start(MaskRCNN(classes=THREE), weights_of(FasterRCNN(classes=THREE)), THREE)
    assert new and all(name.startswith("mask.") for name in new)
    new = start(FCN16s(classes=THREE), weights_of(FCN32s(classes=THREE)), THREE)
    assert new == {"score.1.weight", "score.1.bias", "deconvolution.0.weight"}


@pytest.mark.parametrize("name", NAMES)
def test_every_model_starts_from_the_shipped_trunk(name: str) -> None:
    model = MODELS[name].make(classes=THREE)
    new = start(model, read_weights("trunk"), THREE)
    assert new and not any(key.startswith("trunk.") for key in new)


def test_of_another_model_the_trunk_is_taken() -> None:
    new = start(FasterRCNN(classes=THREE), weights_of(YOLO(classes=THREE)), THREE)
    assert all(name.startswith(("rpn.", "head.")) for name in new)


def test_a_trunk_that_does_not_fit_is_named() -> None:
    weights = weights_of(YOLO(classes=THREE)) | {"more": torch.zeros(1)}
    del weights["trunk.0.weight"]
    with pytest.raises(CheckpointError, match=r"trunk does not fit: trunk\.0\.weight\."):
        start_from(YOLO(classes=THREE), weights, YOLO, THREE)
    weights["trunk.0.weight"] = torch.zeros(32, 3, 5, 5)
    with pytest.raises(CheckpointError, match=r"trunk\.0\.weight \(32, 3, 5, 5\) instead of \(32, 3, 11, 11\)"):
        start_from(YOLO(classes=THREE), weights, YOLO, THREE)


def test_a_layer_of_another_shape_is_named_unless_the_classes_explain_it() -> None:
    weights = weights_of(YOLO(classes=FOUR))
    weights["head.0.weight"] = torch.zeros(1, 2)
    with pytest.raises(CheckpointError, match=r"do not fit: head\.0\.weight \(1, 2\) instead of \(256, 128, 3, 3\)\."):
        start_from(YOLO(classes=THREE), weights, YOLO, THREE)


def test_weights_that_are_loaded_back_have_to_fit_in_every_name_and_shape() -> None:
    model, weights = YOLO(classes=THREE), weights_of(YOLO(classes=THREE))
    fit_weights(model, weights)
    assert torch.equal(model.state_dict()["head.3.bias"], weights["head.3.bias"])
    wrong = weights | {"other": torch.zeros(1), "head.3.bias": torch.zeros(9)}
    del wrong["head.0.weight"]
    with pytest.raises(CheckpointError) as said:
        fit_weights(model, wrong)
    for part in ("missing: head.0.weight;", "unknown: other;", "head.3.bias (9,) instead of (13,)"):
        assert part in str(said.value)
    with pytest.raises(CheckpointError, match=r"missing: .*trunk\.1\.weight, trunk\.1\.bias and 35 more\."):
        fit_weights(model, {})


def test_weights_are_found_by_name_or_file(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "mine.safetensors")
    assert read_weights("mine", tmp_path)["a"].tolist() == [1, 1]
    assert read_weights(tmp_path / "mine.safetensors")["a"].tolist() == [1, 1]
    with pytest.raises(CheckpointError, match=r"no checkpoint theirs: choose among mine, or give a \.safetensors file"):
        read_weights("theirs", tmp_path)
    with pytest.raises(CheckpointError, match=r"There is no file .*none\.safetensors"):
        read_weights(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text(json.dumps({"a": 1}))
    with pytest.raises(CheckpointError, match=r"text\.safetensors is damaged, or no safetensors file"):
        read_weights(tmp_path / "text.safetensors")


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return exec, ("raise SystemExit('a pickle was opened')",)


@pytest.mark.parametrize("name", ["weights.pt", "weights.pth", "weights.PKL", "weights.safetensors", "weights"])
@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_pickle_files_are_refused_with_the_reason_by_whatever_name(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if kind == "torch":
        torch.save({"a": Bomb()}, path)
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CheckpointError, match=r"pickle file, which can run any program when it is opened: save the"):
        read_weights(path)
