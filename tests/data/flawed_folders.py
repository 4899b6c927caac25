"""Folders of photos with flaws, and what is found in them."""

from pathlib import Path

import numpy as np
from PIL import Image

from core.data.flaws import FolderReport
from tests.data.written_folders import thing


def photo(seed: int) -> Image.Image:
    """A picture of 60 x 40 pixels that resembles no other."""
    rng = np.random.default_rng(seed)
    rough = Image.fromarray(rng.integers(0, 256, (8, 12, 3), np.uint8))
    return rough.resize((60, 40), Image.Resampling.BICUBIC)


def write(root: Path, stem: str, *objects: str, seed: int | None = None, size: str = "") -> None:
    for name in ("Annotations", "JPEGImages"):
        (root / name).mkdir(parents=True, exist_ok=True)
    text = f"<annotation><filename>{stem}.png</filename>{size}{''.join(objects)}</annotation>"
    (root / "Annotations" / f"{stem}.xml").write_text(text)
    number = len(list((root / "JPEGImages").iterdir())) if seed is None else seed
    photo(number).save(root / "JPEGImages" / f"{stem}.png")


def write_flawed(root: Path) -> Path:
    """Write a folder in Pascal VOC's form with one of every flaw, and ``good`` and ``also`` without; return it."""
    write(root, "good", thing("dog", 1, 2, 10, 12), thing("cat", 30, 20, 60, 40))
    write(root, "also", *[thing("dog", 1 + 10 * n, 2, 8 + 10 * n, 12) for n in range(5)])
    write(root, "boxes", thing("dog", 7, 7, 7, 20), thing("cat", 20, 30, 10, 5), thing("cat", 50, 30, 70, 45))
    write(root, "lost", thing("dog", 61, 2, 70, 12), thing("", 1, 2, 10, 12))
    write(root, "twice", thing("dog", 1, 2, 30, 32), thing("dog", 1, 2, 30, 33), thing("cat", 1, 2, 30, 32))
    write(root, "nothing")
    size = "<size><width>600</width><height>400</height></size>"
    write(root, "sized", thing("dog", 1, 2, 10, 12), size=size)
    write(root, "cut", thing("dog", 1, 2, 10, 12))
    write(root, "gone", thing("dog", 1, 2, 10, 12))
    write(root, "torn", thing("dog", 1, 2, 10, 12))
    write(root, "copied", thing("dog", 1, 2, 10, 12), seed=0)
    (root / "JPEGImages" / "gone.png").unlink()
    (root / "Annotations" / "torn.xml").write_text("<annotation>")
    whole = (root / "JPEGImages" / "cut.png").read_bytes()
    (root / "JPEGImages" / "cut.png").write_bytes(whole[:-100])
    photo(99).save(root / "JPEGImages" / "alone.jpg", quality=95)
    near = photo(0).point(lambda grey: min(255, grey + 12))
    write(root, "near", thing("dog", 1, 2, 10, 12))
    near.save(root / "JPEGImages" / "near.png")
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / "train.txt").write_text("good\nalso\nboxes\nlost\ngone\n")
    (root / "ImageSets" / "val.txt").write_text("copied\nnear\ntorn\ntwice\nsized\nnothing\n")
    return root


def files(report: FolderReport, kind: str) -> list[tuple[str, ...]]:
    return [tuple(Path(name).name for name in item.files) for item in report.flaws.get(kind, ())]


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
