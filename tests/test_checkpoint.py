"""Checkpoints: whole or not at all, a clear sentence for what cannot be loaded, and those that the project ships."""

import errno
import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core import checkpoint
from core.backbones import Backbone, normalised_convolution, slim
from core.checkpoint import (
    CheckpointError,
    load_trunk,
    load_weights,
    read_card,
    save_tensors,
    update_card,
)
from core.data.scenes import CLASSES
from core.detectors import NAMES, load
from core.families import PHOTOS, SHAPES
from core.models import MODELS
from core.segmentation.study import UPSAMPLERS, UpsampledScores, UpsamplingStudy, head_of
from core.training.recipes import AT_ONCE

MOST_BYTES = 40_000_000
MOST_BYTES_OF_PHOTOS = 60_000_000
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut in the length": lambda whole: whole[:5],
    "cut in the header": lambda whole: whole[:200],
    "cut in the data": lambda whole: whole[:-8],
    "something more at the end": lambda whole: whole + bytes(8),
    "text": lambda whole: b"not safetensors at all, but long enough to be read",
    "noise": lambda whole: np.random.default_rng(0).bytes(len(whole)),
    "a huge length": lambda whole: b"\xff" * 8 + whole[8:],
    "a header that is no JSON": lambda whole: (2).to_bytes(8, "little") + b"{]",
}
HEADS = {head_of(upsampler): upsampler for upsampler in UPSAMPLERS}
SHIPPED = sorted(str(path.relative_to(SHAPES.folder).with_suffix("")) for path in SHAPES.folder.rglob("*.safetensors"))


def model() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_tensors(model().state_dict(), tmp_path / "yolo.safetensors")
    return tmp_path


def test_weights_come_back_as_they_were(stored: Path) -> None:
    torch.manual_seed(1)
    loaded = model()
    load_weights(loaded, "yolo", stored)
    torch.manual_seed(0)
    for name, values in model().state_dict().items():
        assert torch.equal(loaded.state_dict()[name], values), name
    assert [path.name for path in stored.iterdir()] == ["yolo.safetensors"], "something is left beside the checkpoint"


def test_weights_of_half_precision_load_into_float32(tmp_path: Path) -> None:
    saved = model()
    save_tensors(
        {name: values.half() if values.is_floating_point() else values for name, values in saved.state_dict().items()},
        tmp_path / "yolo.safetensors",
    )
    loaded = model()
    load_weights(loaded, "yolo", tmp_path)
    for name, values in saved.state_dict().items():
        assert loaded.state_dict()[name].dtype == values.dtype
        assert torch.equal(loaded.state_dict()[name], values.half().to(values.dtype)), name


def test_views_and_other_memory_formats_can_be_saved(tmp_path: Path) -> None:
    whole = torch.arange(24.0).view(1, 2, 3, 4)
    tensors = {"turned": whole.permute(0, 1, 3, 2), "last": whole.contiguous(memory_format=torch.channels_last)}
    save_tensors(tensors, tmp_path / "deep" / "folder" / "a.safetensors")
    found = load_file(tmp_path / "deep" / "folder" / "a.safetensors")
    assert all(torch.equal(found[name], values) for name, values in tensors.items())


@pytest.mark.parametrize(("folder", "command"), [("", "rcnn"), ("shapes", "rcnn"), ("photos", "rcnn --family photos")])
def test_missing_checkpoint_names_the_command_that_makes_it(
    folder: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "FOLDER", tmp_path if folder else tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match=f"rcnn is missing: run `python -m core train {command}` to train it"):
        load_weights(model(), "rcnn", tmp_path / folder)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint_names_the_command_that_makes_it_anew(damage: str, stored: Path) -> None:
    path = stored / "yolo.safetensors"
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(CheckpointError, match="yolo is damaged: run `python -m core train yolo` to train it anew"):
        load_weights(model(), "yolo", stored)


def test_a_folder_in_a_checkpoints_place_is_damage_too(tmp_path: Path) -> None:
    (tmp_path / "yolo.safetensors").mkdir()
    with pytest.raises(CheckpointError, match="yolo is damaged"):
        load_weights(model(), "yolo", tmp_path)


@pytest.mark.parametrize(
    "other",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2), nn.Linear(2, 2)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)),
    ],
    ids=["fewer layers", "more layers", "other shapes"],
)
def test_weights_of_another_model_are_refused(other: nn.Module, stored: Path) -> None:
    with pytest.raises(CheckpointError, match="another model: run `python -m core train yolo` to train it anew"):
        load_weights(other, "yolo", stored)


def test_a_checkpoint_of_a_part_leaves_the_rest_as_it_is(stored: Path) -> None:
    torch.manual_seed(1)
    longer = nn.Sequential(*model().children(), nn.Linear(2, 2))
    rest = {name: values.clone() for name, values in longer[3].state_dict().items()}
    load_weights(longer, "yolo", stored, part=True)
    for name, values in load_file(stored / "yolo.safetensors").items():
        assert torch.equal(longer.state_dict()[name], values), name
    for name, values in rest.items():
        assert torch.equal(longer[3].state_dict()[name], values), name


@pytest.mark.parametrize(
    "other",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3), nn.Linear(3, 3)),
    ],
    ids=["no place for it", "other shapes"],
)
def test_a_part_of_another_model_is_refused(other: nn.Module, stored: Path) -> None:
    with pytest.raises(CheckpointError, match="another model"):
        load_weights(other, "yolo", stored, part=True)


def tiny_trunk(channels: int = 4) -> Backbone:
    return Backbone(*normalised_convolution(3, channels, 3, stride=16), channels=channels, stride=16)


@pytest.fixture
def with_trunk(tmp_path: Path) -> Path:
    """A folder that holds a model with a trunk, and one without."""
    holder = nn.ModuleDict({"trunk": tiny_trunk(), "trunks_head": nn.Linear(4, 2)})
    save_tensors(holder.state_dict(), tmp_path / "trunk.safetensors")
    save_tensors(model().state_dict(), tmp_path / "yolo.safetensors")
    return tmp_path


def test_a_trunk_is_taken_from_the_model_that_has_it(with_trunk: Path) -> None:
    trunk = tiny_trunk()
    load_trunk(trunk, "trunk", with_trunk)
    stored = load_file(with_trunk / "trunk.safetensors")
    assert sum(name.startswith("trunk.") for name in stored) == len(trunk.state_dict())
    for name, values in trunk.state_dict().items():
        assert torch.equal(values, stored[f"trunk.{name}"]), name


def test_a_trunk_that_cannot_be_taken_names_the_command_that_makes_it(with_trunk: Path) -> None:
    with pytest.raises(CheckpointError, match="rcnn is missing: run `python -m core train rcnn` to train it"):
        load_trunk(tiny_trunk(), "rcnn", with_trunk)
    with pytest.raises(CheckpointError, match="trunk holds weights of another model: run `python -m core train trunk`"):
        load_trunk(tiny_trunk(channels=5), "trunk", with_trunk)
    with pytest.raises(CheckpointError, match="yolo holds weights of another model"):
        load_trunk(tiny_trunk(), "yolo", with_trunk)
    (with_trunk / "trunk.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="trunk is damaged: run `python -m core train trunk` to train it anew"):
        load_trunk(tiny_trunk(), "trunk", with_trunk)


@pytest.mark.parametrize("moment", ["writing", "renaming"])
def test_a_crash_while_saving_leaves_the_old_checkpoint(
    moment: str, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = stored / "yolo.safetensors"
    before = path.read_bytes()

    def half(tensors: dict[str, Tensor], place: Path) -> None:
        save_file(tensors, place)
        place.write_bytes(place.read_bytes()[:100])
        raise OSError("no space left")

    def crash(old: Path, new: Path) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save_file", half) if moment == "writing" else patch.setattr(os, "replace", crash)
        with pytest.raises(OSError, match=r"no space left|killed"):
            save_tensors({"other": torch.zeros(1000)}, path)
    assert path.read_bytes() == before
    save_tensors({"other": torch.ones(3)}, path)
    assert load_file(path)["other"].tolist() == [1, 1, 1], "what the crash left behind is in the way"


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
QUOTED = SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")
CLOSED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FULL, "^The disk is full, and one.safetensors could not be saved: make room"),
        (QUOTED, "^The disk is full"),
        (CLOSED, r"^one\.safetensors cannot be written: choose another folder"),
    ],
)
def test_a_disk_that_takes_nothing_more_is_a_sentence_and_the_old_file_stays(
    error: Exception, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.safetensors"
    save_tensors({"a": torch.zeros(3)}, path)

    def refuse(tensors: dict[str, Tensor], place: Path) -> None:
        place.write_bytes(b"half")
        raise error

    monkeypatch.setattr(checkpoint, "save_file", refuse)
    with pytest.raises(CheckpointError, match=sentence):
        save_tensors({"a": torch.ones(3)}, path)
    assert load_file(path)["a"].tolist() == [0, 0, 0] and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("platform", "tries"), [("win32", 3), ("linux", 1)])
def test_a_file_that_somebody_reads_is_replaced_a_moment_later_on_windows(
    platform: str, tries: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_card("a", tmp_path, epoch=1)
    tried: list[Path] = []
    replace = os.replace

    def read_at_first(new: Path, old: Path) -> None:
        tried.append(new)
        if len(tried) < 3:
            raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used", new)
        replace(new, old)

    monkeypatch.setattr(os, "replace", read_at_first)
    monkeypatch.setattr("core.checkpoint.sys.platform", platform)
    with nullcontext() if platform == "win32" else pytest.raises(CheckpointError, match="cannot be written"):
        update_card("a", tmp_path, epoch=2)
    assert len(tried) == tries and read_card("a", tmp_path) == {"epoch": 2 if platform == "win32" else 1}


def test_card_keeps_its_other_entries(tmp_path: Path) -> None:
    assert read_card("yolo", tmp_path) == {}
    update_card("yolo", tmp_path / "new", data="scenes", minutes=3.5)
    update_card("yolo", tmp_path / "new", evaluation={"map50": 0.9}, minutes=4.0)
    assert read_card("yolo", tmp_path / "new") == {"data": "scenes", "minutes": 4.0, "evaluation": {"map50": 0.9}}
    assert (tmp_path / "new" / "yolo.json").read_text().endswith("}\n")


def test_a_crash_while_a_card_is_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    update_card("yolo", tmp_path, data="scenes")

    def crash(old: Path, new: Path) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", crash)
        with pytest.raises(OSError, match="killed"):
            update_card("yolo", tmp_path, minutes=4.0)
    assert read_card("yolo", tmp_path) == {"data": "scenes"}


@pytest.mark.parametrize("text", ["", "{", '{"data": "sce', "[1, 2]", "\x00\xff"])
def test_a_damaged_card_says_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "yolo.json").write_bytes(text.encode("latin-1"))
    assert read_card("yolo", tmp_path) == {}
    update_card("yolo", tmp_path, seed=0)
    assert read_card("yolo", tmp_path) == {"seed": 0}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_checkpoint_loads_and_its_card_says_how_it_was_made(name: str) -> None:
    weights = load_file(SHAPES.folder / f"{name}.safetensors")
    if name in NAMES:
        load(name)
    elif name == UpsamplingStudy.name:
        load_trunk(slim(), name, SHAPES.folder)
        assert all(key.startswith("trunk.") for key in weights), "its heads have checkpoints of their own"
    elif name in HEADS:
        load_weights(UpsampledScores(HEADS[name], slim().channels, len(CLASSES)), name, SHAPES.folder)
    else:
        load_weights(MODELS[name].make(), name, SHAPES.folder)
    for key, values in weights.items():
        assert values.dtype == torch.float16 or not values.is_floating_point(), key
        assert values.isfinite().all(), key
    card = json.loads((SHAPES.folder / f"{name}.json").read_text())
    assert {"data", "recipe", "seed", "minutes", "losses", "machine"} <= set(card)
    assert isinstance(card["data"], str) and "train split" in card["data"]
    assert {"steps", "batch_size", "learning_rate", "start"} <= set(card["recipe"])
    assert isinstance(card["seed"], int) and card["minutes"] > 0


def test_shipped_checkpoints_stay_within_40_megabytes() -> None:
    """Of the drawn shapes; those of the photographs have 60."""
    assert "trunk" in SHIPPED and set(SHIPPED) == {*AT_ONCE, *HEADS}
    assert sum(path.stat().st_size for path in SHAPES.folder.rglob("*.safetensors")) <= MOST_BYTES
    assert 0 < sum(path.stat().st_size for path in PHOTOS.folder.rglob("*.safetensors")) <= MOST_BYTES_OF_PHOTOS
