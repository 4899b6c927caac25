"""What the data page draws, against the samples, epochs and folders that it is of."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.checking import check_folder
from core.data.epochs import epoch_order
from core.data.pipelines import parse, swaps, tried
from core.data.practice import write_practice
from core.data.sources import open_source
from core.figures.data import (
    TILE,
    Checked,
    checked,
    collate_data,
    epochs_data,
    run_data,
    same_places,
    swaps_data,
    tiles,
)
from tests.data.flawed_folders import photo
from tests.data.written_folders import numbered, write_masked

CLASSES = ("background", "cat", "dog")
IMAGE = torch.full((3, 40, 60), 100, dtype=torch.uint8)
MASKS = torch.zeros(2, 40, 60, dtype=torch.bool)
MASKS[0, :, :20] = True
MASKS[1, 5:9, 50:58] = True
TARGET = {"boxes": torch.tensor([[0.0, 0, 20, 40], [50, 5, 58, 9]]), "labels": torch.tensor([1, 2]), "masks": MASKS}


def opened(address: str) -> np.ndarray:
    _kind, data = address.split(",", 1)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_each_stage_says_what_its_tensor_is() -> None:
    run = tried((IMAGE, TARGET), parse("centre_crop:side=30,to_float,normalise"), 0)
    first, cropped, floats, last = run_data(run, CLASSES)["stages"]
    assert (first["dtype"], first["shape"], first["range"]) == ("uint8", [3, 40, 60], [100, 100])
    assert (cropped["width"], cropped["height"], cropped["removed"]) == (30, 30, [1])
    assert [(one["number"], one["name"], one["box"]) for one in cropped["objects"]] == [(0, "cat", [0, 0, 5, 30])]
    assert (floats["dtype"], floats["range"], floats["stretched"]) == ("float32", [0.39, 0.39], False)
    assert last["range"][0] < 0 and last["stretched"]
    masks = opened(first["masks"])
    assert masks.shape == (40, 60, 4) and masks[0, 30, 3] == 0 and masks[0, 0, 3] == masks[6, 52, 3] > 0
    assert tuple(masks[0, 0, :3]) != tuple(masks[6, 52, :3]), "each class has its own colour"


def test_an_error_comes_with_the_stages_before_it() -> None:
    data = run_data(tried((IMAGE, TARGET), parse("flip,normalise"), 0), CLASSES)
    assert [stage["name"] for stage in data["stages"]] == ["", "flip"] and "float" in data["error"]


def test_a_large_image_is_sent_small_with_boxes_in_its_own_pixels() -> None:
    large = torch.zeros(3, 900, 1200, dtype=torch.uint8)
    (stage,) = run_data(tried((large, {"label": torch.tensor(1)}), [], 0), ("cat", "dog"))["stages"]
    assert (stage["width"], stage["height"], stage["label"], stage["objects"]) == (1200, 900, "dog", [])
    assert opened(stage["image"]).shape == (210, 280, 3)


def test_an_exchange_comes_with_its_end() -> None:
    (one,) = swaps_data(swaps((IMAGE, TARGET), parse("centre_crop:side=40,resize:side=40"), 0), CLASSES)
    assert one["gained"] == [1] and one["end"]["width"] == 40 and one["place"] == 0 and not one["same"]


def test_tiles_are_squares_side_by_side() -> None:
    white = torch.full((3, 20, 80), 255, dtype=torch.uint8)
    strip = opened(tiles([(IMAGE, TARGET), (white, {})], 2))
    assert strip.shape == (TILE, 2 * TILE, 3)
    assert strip[TILE // 2, TILE // 2].mean() == pytest.approx(100, abs=3)
    assert strip[TILE // 2, TILE + TILE // 2].mean() > 250 and strip[3, TILE + TILE // 2].mean() < 5


def test_epochs_name_every_sample_once() -> None:
    found = epoch_order(10, batch_size=4, shuffle=True, drop_last=True, epochs=2)
    for epoch in epochs_data(found):
        fetched = [index for batch in epoch["batches"] for index in batch["indices"]]
        assert sorted(fetched + epoch["dropped"]) == list(range(10)) and len(epoch["dropped"]) == 2
    again, other = (epoch_order(10, batch_size=4, shuffle=True, drop_last=True, seed=seed) for seed in (0, 1))
    assert same_places(found, again) == 8 > same_places(found, other)


def test_a_batch_says_why_it_cannot_be_stacked() -> None:
    samples = [open_source("scenes")[index] for index in range(3)]
    data = collate_data(samples)
    assert "equal size" in data["complaint"]
    assert data["images"] == [3, 3, 256, 256]
    assert [target["boxes"] for target in data["targets"]] == [
        list(target["boxes"].shape) for _image, target in samples
    ]


def test_flaws_come_with_pictures_on_which_they_are_marked(tmp_path: Path) -> None:
    *events, last = checked(str(write_practice(tmp_path / "set")))
    assert all(isinstance(event, Checked) and event.done < 1 and event.report is None for event in events)
    assert last.report == check_folder(tmp_path / "set") and last.data
    flaws = {flaw["kind"]: flaw["examples"][0] for flaw in last.data["flaws"]}
    assert list(flaws) == list(last.report.flaws)
    (picture,) = flaws["outside"]["pictures"]
    (box,) = [one["box"] for one in picture["boxes"] if one["flawed"]]
    assert box[2] > picture["width"] == 256 and opened(picture["image"]).shape == (240, 240, 3)
    assert [one["flawed"] for one in flaws["overlap"]["pictures"][0]["boxes"]] == [True, True]
    assert len(flaws["duplicate"]["pictures"]) == 2
    assert flaws["unreadable"]["pictures"][0]["image"] == "" and flaws["imbalance"]["pictures"] == []
    assert last.data["objects"][0]["name"] == "star" and last.data["images"] == 22, (
        "the copy of one can be used as well"
    )


def test_masks_and_folders_of_classes_have_pictures_too(tmp_path: Path) -> None:
    write_masked(tmp_path / "masked", "one", numbered(x1y2=3))
    write_masked(tmp_path / "masked", "small", Image.new("L", (5, 4), 1))
    data = list(checked(str(tmp_path / "masked")))[-1].data
    assert data
    (mismatch,) = [flaw["examples"][0] for flaw in data["flaws"] if flaw["kind"] == "mismatch"]
    assert [bool(picture["image"]) for picture in mismatch["pictures"]] == [True, True]
    for name in ("cat", "dog"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        photo(1).save(tmp_path / "classes" / name / "one.png")
    data = list(checked(str(tmp_path / "classes")))[-1].data
    assert data and data["objects"] == [{"name": "cat", "count": 1}, {"name": "dog", "count": 1}]
