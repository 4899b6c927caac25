"""What tests of trainings share: small photos, and a training on them that nothing has interrupted."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.training.events import Event
from core.training.tuning import tune
from tests.training.small_runs import plan

COLOURS = {"leaf": (30, 160, 60), "berry": (200, 30, 40)}
OBJECT = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of 96 x 72 pixels with two discs each: with boxes, and with a mask for each class."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part in ("voc/Annotations", "voc/JPEGImages", "voc/ImageSets", "masks/images", "masks/labels"):
        (root / part).mkdir(parents=True)
    for number in range(6):
        photo, mask = Image.new("RGB", (96, 72), (90, 90, 100)), Image.new("L", (96, 72))
        objects = []
        for label, (name, colour) in enumerate(COLOURS.items(), 1):
            x, y = 5 + 45 * (label - 1) + int(rng.integers(10)), int(rng.integers(5, 35))
            ImageDraw.Draw(photo).ellipse((x, y, x + 30, y + 30), colour)
            ImageDraw.Draw(mask).ellipse((x, y, x + 30, y + 30), label)
            objects.append(OBJECT.format(name, x + 1, y + 1, x + 31, y + 31))
        photo.save(root / "voc" / "JPEGImages" / f"{number}.jpg", quality=95)
        photo.save(root / "masks" / "images" / f"{number}.png")
        mask.save(root / "masks" / "labels" / f"{number}.png")
        (root / "voc" / "Annotations" / f"{number}.xml").write_text(f"<annotation>{''.join(objects)}</annotation>")
    (root / "voc" / "ImageSets" / "train.txt").write_text("0\n1\n2\n3\n")
    (root / "voc" / "ImageSets" / "val.txt").write_text("4\n5\n")
    shutil.copytree(root / "voc" / "ImageSets", root / "masks" / "ImageSets")
    return root


@pytest.fixture(scope="session")
def unbroken(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], Path]:
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    return list(tune(plan(folder), out)), out
