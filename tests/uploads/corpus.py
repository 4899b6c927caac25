"""A corpus of damaged uploads: small good files of every kind, each mutated in many ways, the same in every run."""

import io
import json
import pickle
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import ExifTags, Image
from safetensors.torch import save
from torch import ones

from core.data import ShapeScenes

IMAGES, ARCHIVES, FOLDERS, WEIGHTS = 4000, 800, 800, 600
SIDE = 48  # pixels
IPHONE = Path(__file__).parent / "iphone.heic"  # which nothing here could write: 64 x 48 pixels, red and blue, turned
TELLING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ANNOTATION = (
    "<annotation><size><width>48</width><height>48</height></size><object><name>disc</name><bndbox>"
    "<xmin>5</xmin><ymin>5</ymin><xmax>30</xmax><ymax>30</ymax></bndbox></object></annotation>"
)


@dataclass(frozen=True)
class Upload:
    """One file for a ``door`` ("image", "archive" or "weights"): its ``name`` says what it was made of."""

    door: str
    name: str
    data: bytes


def corpus() -> Iterator[Upload]:
    """Yield all uploads: for each door the good files in turn, mutated by a draw that their number decides."""
    packed = {name: zipped(files, way) for name, (files, way) in archives().items()}
    doors = (("image", images(), IMAGES), ("archive", packed, ARCHIVES), ("weights", weights(), WEIGHTS))
    for door, seeds, count in doors:
        names = sorted(seeds)
        for number in range(count):
            name = names[number % len(names)]
            draw = Random(f"{door} {number}")
            yield Upload(door, f"{name} {number}", mutated(seeds[name], seeds[draw.choice(names)], draw))
    for number in range(FOLDERS):
        draw = Random(f"folder {number}")
        name = draw.choice(sorted(packed))
        files, way = archives()[name]
        for one in draw.sample(sorted(files), draw.randint(1, len(files))):
            files[one] = mutated(files[one], files[draw.choice(sorted(files))], draw)
        yield Upload("archive", f"good archive of bad files, {name} {number}", zipped(files, way))


def images() -> dict[str, bytes]:
    """Return a good image of every format that is let in, in its several ways of coding."""
    picture = _picture()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    ways: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
        "jpeg": (picture, "JPEG", {}),
        "progressive jpeg": (picture, "JPEG", {"progressive": True, "exif": exif.tobytes()}),
        "cmyk jpeg": (picture.convert("CMYK"), "JPEG", {}),
        "grey jpeg": (picture.convert("L"), "JPEG", {}),
        "mpo": (picture, "MPO", {"save_all": True, "append_images": _turned(picture)}),
        "png": (picture, "PNG", {}),
        "palette png": (picture.quantize(16), "PNG", {"transparency": 0}),
        "16-bit png": (picture.convert("I;16"), "PNG", {}),
        "rgba png": (picture.convert("RGBA"), "PNG", {"exif": exif.tobytes()}),
        "animated png": (picture, "PNG", {"save_all": True, "append_images": _turned(picture)}),
        "gif": (picture.convert("P"), "GIF", {}),
        "animated gif": (picture, "GIF", {"save_all": True, "append_images": _turned(picture)}),
        "bmp": (picture, "BMP", {}),
        "one-bit bmp": (picture.convert("1"), "BMP", {}),
        "ppm": (picture, "PPM", {}),
        "pgm": (picture.convert("L"), "PPM", {}),
        "tiff": (picture, "TIFF", {}),
        "lzw tiff": (picture, "TIFF", {"compression": "tiff_lzw"}),
        "jpeg tiff": (picture, "TIFF", {"compression": "jpeg"}),
        "fax tiff": (picture.convert("1"), "TIFF", {"compression": "group4"}),
        "pages tiff": (picture, "TIFF", {"save_all": True, "append_images": _turned(picture)}),
        "webp": (picture, "WEBP", {}),
        "lossless webp": (picture.convert("RGBA"), "WEBP", {"lossless": True}),
        "animated webp": (picture, "WEBP", {"save_all": True, "append_images": _turned(picture)}),
        "avif": (picture, "AVIF", {}),
        "animated avif": (picture, "AVIF", {"save_all": True, "append_images": _turned(picture)}),
    }
    return {name: _encoded(*way) for name, way in ways.items()} | {"heic": IPHONE.read_bytes()}


@lru_cache
def _datasets() -> dict[str, dict[str, bytes]]:
    photo = _encoded(_picture(), "JPEG", {})
    mask = _encoded(_picture().convert("L").point(lambda grey: grey // 100), "PNG", {})
    return {
        "voc": {
            "set/JPEGImages/a.jpg": photo,
            "set/JPEGImages/b.jpg": photo,
            "set/Annotations/a.xml": ANNOTATION.encode(),
            "set/Annotations/b.xml": ANNOTATION.encode(),
            "set/ImageSets/Main/train.txt": b"a\n",
        },
        "masks": {"images/a.jpg": photo, "labels/a.png": mask, "images/b.jpg": photo, "labels/b.png": mask},
        "classes": {"cat/a.jpg": photo, "cat/b.jpg": photo, "dog/a.jpg": photo, "dog/b.jpg": photo},
    }


def archives() -> dict[str, tuple[dict[str, bytes], int]]:
    """Return the files of a good dataset of each form, to be packed or stored."""
    ways = {"packed": zipfile.ZIP_DEFLATED, "stored": zipfile.ZIP_STORED}
    return {f"{form} {word}": ({**files}, way) for form, files in _datasets().items() for word, way in ways.items()}


def weights() -> dict[str, bytes]:
    """Return good weights of a small layer, their look-alikes, and what is refused whatever is in it."""
    layer = {"layer.weight": ones(3, 4), "layer.bias": ones(3)}
    return {
        "safetensors": save(layer, {"model": "yolo", "classes": json.dumps(["background", "disc"])}),
        "safetensors without a header": save(layer),
        "pickle": pickle.dumps({"layer.bias": [1.0, 2.0]}),
    }


def mutated(data: bytes, other: bytes, draw: Random) -> bytes:
    """Return ``data`` after one to four mutations; some of them take a piece of ``other``."""
    changed = bytearray(data)
    for _mutation in range(draw.choice((1, 1, 1, 2, 4))):
        if changed:
            draw.choice(MUTATIONS)(changed, other, draw)
    return bytes(changed)


def _flip(data: bytearray, _other: bytes, draw: Random) -> None:
    for _bit in range(draw.choice((1, 8, 64))):
        data[_place(data, draw)] ^= 1 << draw.randrange(8)


def _overwrite(data: bytearray, _other: bytes, draw: Random) -> None:
    """Put a number with a meaning to decoders, such as the largest, where a size or an offset may stand."""
    size = draw.choice((1, 2, 4))
    number = draw.choice(TELLING) % 256**size
    place = _place(data, draw)
    data[place : place + size] = number.to_bytes(size, draw.choice(("little", "big")))


def _cut(data: bytearray, _other: bytes, draw: Random) -> None:
    del data[_place(data, draw) :]


def _remove(data: bytearray, _other: bytes, draw: Random) -> None:
    place = _place(data, draw)
    del data[place : place + draw.randrange(1, 65)]


def _repeat(data: bytearray, _other: bytes, draw: Random) -> None:
    place = _place(data, draw)
    data[place:place] = data[place : place + draw.randrange(1, 257)] * draw.choice((1, 2, 50))


def _insert(data: bytearray, _other: bytes, draw: Random) -> None:
    place = _place(data, draw)
    data[place:place] = draw.randbytes(draw.randrange(1, 65))


def _splice(data: bytearray, other: bytes, draw: Random) -> None:
    start = draw.randrange(max(1, len(other)))
    place = _place(data, draw)
    data[place : place + draw.randrange(1, 513)] = other[start : start + draw.randrange(1, 513)]


def _blank(data: bytearray, _other: bytes, draw: Random) -> None:
    place = _place(data, draw)
    length = min(draw.randrange(1, 129), len(data) - place)
    data[place : place + length] = bytes(length)


MUTATIONS: tuple[Callable[[bytearray, bytes, Random], None], ...] = (
    *(_flip, _overwrite, _overwrite, _cut, _remove, _repeat, _insert, _splice, _blank),
)


def _place(data: bytearray, draw: Random) -> int:
    """Draw a place: as often as not among the first 64 bytes, where the headers are."""
    return draw.randrange(min(64, len(data)) if draw.random() < 0.5 else len(data))


def _picture() -> Image.Image:
    pixels, _target = ShapeScenes("train", 1)[0]
    return Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize((SIDE, SIDE))


def _turned(picture: Image.Image) -> list[Image.Image]:
    """Return new pictures: one remembers the format that it was saved in, and trips over the next."""
    return [picture.rotate(90 * turn) for turn in range(1, 4)]


def _encoded(picture: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    file = io.BytesIO()
    picture.copy().save(file, kind, **options)
    return file.getvalue()


def zipped(files: dict[str, bytes], way: int) -> bytes:
    """Pack ``files`` by ``way`` and return the zip file."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", way) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, way)
    return packed.getvalue()
