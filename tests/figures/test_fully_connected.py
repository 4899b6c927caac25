"""What the view of fully connected layers is sent: flattened numbers, shuffles, and patches that slide."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch
from torch import Tensor

from core.data.scenes import ShapeScenes
from core.figures.fully_connected import UNKNOWN, flattened_data, slid_data
from core.figures.sent.segmentation import Flattened
from core.segmentation import build
from core.segmentation.patch_cnn import PatchCNN
from core.segmentation.sliding import Slid, slide_each_way
from core.stages import run


@pytest.fixture(scope="module", params=["shapes", "photos"])
def model(request: pytest.FixtureRequest) -> PatchCNN:
    torch.manual_seed(0)
    built = build("patch_cnn", request.param)
    assert isinstance(built, PatchCNN)
    return built


@pytest.fixture(scope="module")
def image() -> Tensor:
    return ShapeScenes("validation", 10)[1][0][:, :96, :128].contiguous()


@pytest.fixture(scope="module")
def data(model: PatchCNN, image: Tensor) -> Flattened:
    return flattened_data(model, run(model, image), 3)


def unsqueezed(text: str, dtype: str = "u1") -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), f"<{dtype}")


def test_the_flattened_numbers_are_the_patchs_own(model: PatchCNN, image: Tensor, data: Flattened) -> None:
    """The map of the whole image holds those of all patches."""
    rows, columns, cells = data["rows"], data["columns"], data["cells"]
    assert (rows, columns) == (6, 8)
    features = unsqueezed(data["features"]).reshape(data["channels"], rows + cells - 1, columns + cells - 1)
    step = (data["top"] - data["low"]) / 255
    windows = model.windows(image)
    for row, column in ((0, 0), (2, 5), (5, 7)):
        with torch.inference_mode():
            own = model.trunk(windows[row, column][None])[0]
        shown = features[:, row : row + cells, column : column + cells] * step + data["low"]
        np.testing.assert_allclose(shown, own, atol=1.01 * step)


def test_the_scores_are_those_of_the_patches_and_stay_when_all_is_shuffled(
    model: PatchCNN, image: Tensor, data: Flattened
) -> None:
    expected = torch.cat(list(model.slide(image, 16))).numpy()
    plain, together, alone = (unsqueezed(data["scores"][name], "f4").reshape(-1, 7) for name in data["scores"])
    np.testing.assert_allclose(plain, expected, atol=1e-4)
    assert np.abs(together - plain).max() == pytest.approx(data["differences"]["together"]) and (
        data["differences"]["together"] < 1e-4
    )
    assert np.abs(alone - plain).max() == pytest.approx(data["differences"]["alone"])
    assert data["differences"]["alone"] > 100 * data["differences"]["together"]
    assert sorted(unsqueezed(data["order"], "u2").tolist()) == list(range(data["channels"] * data["cells"] ** 2))
    assert 0 <= data["start"] < 48


def test_another_shuffle_is_another_order(model: PatchCNN, image: Tensor, data: Flattened) -> None:
    other = flattened_data(model, run(model, image), 4)
    assert other["order"] != data["order"] and other["scores"]["plain"] == data["scores"]["plain"]


def test_a_shuffled_convolution_changes(data: Flattened) -> None:
    maps = {name: unsqueezed(text) for name, text in data["convolution"]["maps"].items()}
    size = data["convolution"]["rows"] * data["convolution"]["columns"]
    assert {len(one) for one in maps.values()} == {size}
    assert sorted(maps["given"]) == sorted(maps["shuffled"]) and (maps["given"] != maps["shuffled"]).any()
    assert data["convolution"]["change"] > 0.1


def test_a_sliding_patch_has_labels_as_far_as_it_has_come(model: PatchCNN, image: Tensor) -> None:
    events: list[Slid] = []
    empty = slid_data(model, image)
    assert all(set(unsqueezed(way["labels"])) == {UNKNOWN} and way["done"] == 0 for way in empty["ways"].values())
    for event in slide_each_way(model, image):
        events.append(event)
        way = slid_data(model, image, events)["ways"][event.way]
        labels = unsqueezed(way["labels"])
        assert (labels[: event.done] < 7).all() and (labels[event.done :] == UNKNOWN).all()
        assert way["done"] == event.done and way["total"] == 48 and way["seconds"] == event.seconds
        assert way["difference"] is not None and way["difference"] < 1e-4
    ways = slid_data(model, image, events)["ways"]
    assert ways["convolution"]["labels"] == ways["batches"]["labels"] == ways["singly"]["labels"]


@pytest.mark.parametrize("size", [(2, 2), (1, 50), (700, 1000)])
def test_images_of_any_size_are_flattened(model: PatchCNN, size: tuple[int, int]) -> None:
    pixels = torch.randint(256, (3, *size), dtype=torch.uint8)
    data = flattened_data(model, run(model, pixels), 0)
    assert (data["rows"], data["columns"]) == tuple(-(-side // 16) for side in size)
    assert len(json.dumps(data, allow_nan=False)) < 1_500_000
