"""Features are computed once: found again by images and weights, and no disk is filled by them."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor

from core.transfer import kept
from core.transfer.kept import digest_of, kept_features

IMAGES = torch.randint(256, (4, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


class Trunk:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, images: Tensor) -> Tensor:
        self.asked += 1
        return images.float().mean((2, 3))


def test_they_are_computed_once_for_the_same_images_and_weights(tmp_path: Path) -> None:
    trunk = Trunk()
    first = kept_features(IMAGES, "slim", "ours", trunk, tmp_path)
    again = kept_features(IMAGES.clone(memory_format=torch.channels_last), "slim", "ours", trunk, tmp_path)
    assert trunk.asked == 1
    assert torch.equal(again.values, first.values)
    assert again.seconds == pytest.approx(first.seconds, abs=1e-6) and first.seconds > 0
    kept_features(IMAGES.flip(0), "slim", "ours", trunk, tmp_path)
    kept_features(IMAGES, "slim", "others", trunk, tmp_path)
    kept_features(IMAGES, "lite0", "ours", trunk, tmp_path)
    assert trunk.asked == 4


def test_without_a_folder_nothing_is_kept() -> None:
    trunk = Trunk()
    for _time in range(2):
        kept_features(IMAGES, "slim", "ours", trunk, None)
    assert trunk.asked == 2


def test_a_damaged_file_is_computed_anew(tmp_path: Path) -> None:
    trunk = Trunk()
    kept_features(IMAGES, "slim", "ours", trunk, tmp_path)
    (file,) = tmp_path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:40])
    assert torch.equal(kept_features(IMAGES, "slim", "ours", trunk, tmp_path).values, trunk(IMAGES))
    kept_features(IMAGES, "slim", "ours", trunk, tmp_path)
    assert trunk.asked == 3, "the damaged one was replaced"


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert kept_features(IMAGES, "slim", "ours", Trunk(), tmp_path / "file").values.shape == (4, 3)


def test_what_was_not_asked_for_longest_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trunk = Trunk()
    pictures = [IMAGES.roll(shift, 0) for shift in range(3)]
    for number, images in enumerate(pictures[:2]):
        kept_features(images, "slim", "ours", trunk, tmp_path)
        file = tmp_path / f"slim-ours-{digest_of(images)}.safetensors"
        os.utime(file, (1000 + number, 1000 + number))
    kept_features(pictures[0], "slim", "ours", trunk, tmp_path)  # asked for again
    monkeypatch.setattr(kept, "MOST", 2 * file.stat().st_size)
    kept_features(pictures[2], "slim", "ours", trunk, tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {f"slim-ours-{digest_of(images)}.safetensors" for images in (pictures[0], pictures[2])}
