"""Images that are nearly the same: which are found, and that none is missed."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from core.data.checking import check_folder
from tests.data.flawed_folders import files, photo, write
from tests.data.written_folders import thing


def rings(move: int, size: tuple[int, int] = (120, 80)) -> Image.Image:
    picture = photo(5).resize((120, 80))
    ImageDraw.Draw(picture).ellipse((20 + move, 10, 60 + move, 50), outline="red", width=3)
    return picture.resize(size)


def test_near_means_saved_anew_scaled_or_brighter_but_not_another_picture(tmp_path: Path) -> None:
    same = {"jpeg": rings(0), "scaled": rings(0, (97, 61)), "brighter": rings(0).point(lambda grey: 0.8 * grey + 40)}
    other = {"mirrored": rings(0).transpose(Image.Transpose.FLIP_LEFT_RIGHT), "unlike": photo(6)}
    blank = {"black": Image.new("RGB", (120, 80)), "grey": Image.new("RGB", (120, 80), "grey")}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    rings(0).save(tmp_path / "a" / "original.png")
    for name, picture in (same | other | blank).items():
        picture.save(tmp_path / "b" / f"{name}.{'jpg' if name == 'jpeg' else 'png'}", quality=40)
    pairs = {frozenset(pair) for pair in files(check_folder(tmp_path), "near")}
    names = ["original.png", "jpeg.jpg", "scaled.png", "brighter.png"]
    assert pairs == {frozenset((a, b)) for a in names for b in names if a != b}


def test_blocks_miss_no_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        write(tmp_path, f"{number}", thing("dog", 1, 2, 10, 12), seed=number % 3)
        photo(number % 3).point(lambda grey, shade=number: min(grey, 250 - shade)).save(
            tmp_path / "JPEGImages" / f"{number}.png"
        )
    whole = files(check_folder(tmp_path), "near")
    monkeypatch.setattr("core.data.likeness._BLOCK", 2)
    assert files(check_folder(tmp_path), "near") == whole and len(whole) == 3 + 1 + 1
