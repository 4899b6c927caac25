"""Every kind of upload: it works and says what was done, or it is refused in one sentence."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from core.images import LONGEST, MOST_BYTES, ImageError, Source, open_image, read_image
from tests.uploads.corpus import IPHONE

RED, GREEN, WHITE = (200, 30, 30), (30, 200, 30), (255, 255, 255)


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def two_halves(mode: str = "RGB", size: tuple[int, int] = (40, 20)) -> Image.Image:
    """A picture whose left half is red and whose right half is green."""
    picture = Image.new("RGB", size, RED)
    picture.paste(GREEN, (size[0] // 2, 0, *size))
    return picture.quantize(4) if mode == "P" else picture.convert(mode)


def blank_png(width: int, height: int, rows: bytes = b"") -> bytes:
    """An RGBA PNG that claims a size and holds only the pixels that it is given."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    parts = [struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pixel(pixels: torch.Tensor, x: int, y: int) -> tuple[int, ...]:
    return tuple(pixels[:, y, x].tolist())


def refusal(source: Any) -> str:
    with pytest.raises(ImageError) as caught:
        read_image(source)
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "/" not in sentence
    return sentence


def test_a_path_bytes_and_a_file_give_the_same_pixels(tmp_path: Path) -> None:
    data = encoded(two_halves())
    path = tmp_path / "halves.png"
    path.write_bytes(data)
    sources: tuple[Source, ...] = (path, str(path), data, bytearray(data), io.BytesIO(data))
    for source in sources:
        pixels = read_image(source)
        assert pixels.shape == (3, 20, 40) and pixels.dtype == torch.uint8
        assert (pixel(pixels, 2, 2), pixel(pixels, 38, 18)) == (RED, GREEN)
    assert open_image(data).notes == ()


def test_a_file_that_was_read_before_is_read_again() -> None:
    file = io.BytesIO(encoded(two_halves()))
    assert read_image(file).equal(read_image(file))


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"])
def test_formats(kind: str) -> None:
    pixels = read_image(encoded(two_halves(), kind))
    assert pixels.shape == (3, 20, 40)
    for x, colour in ((2, RED), (38, GREEN)):
        assert max(abs(a - b) for a, b in zip(pixel(pixels, x, 10), colour, strict=True)) < 12


@pytest.mark.parametrize(("mode", "kind"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "PNG"), ("P", "GIF")])
def test_cmyk_and_palettes_become_rgb(mode: str, kind: str) -> None:
    pixels = read_image(encoded(two_halves(mode), kind))
    for x, colour in ((2, RED), (38, GREEN)):
        assert max(abs(a - b) for a, b in zip(pixel(pixels, x, 10), colour, strict=True)) < 12


@pytest.mark.parametrize("mode", ["1", "L"])
def test_black_and_white_become_rgb(mode: str) -> None:
    assert pixel(read_image(encoded(Image.new(mode, (4, 4), 255))), 1, 1) == WHITE


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_greys_keep_their_range(kind: str) -> None:
    greys = Image.new("I;16", (3, 1))
    for x, grey in enumerate((0, 128 * 257, 65535)):
        greys.putpixel((x, 0), grey)
    assert read_image(encoded(greys, kind))[0, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_what_is_transparent_is_shown_on_white(kind: str) -> None:
    picture = two_halves("RGBA")
    picture.paste((0, 0, 0, 0), (0, 0, 20, 20))
    opened = open_image(encoded(picture, kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert (pixel(opened.pixels, 2, 2), pixel(opened.pixels, 38, 2)) == (WHITE, GREEN)
    assert opened.notes == ("Its transparent parts are shown on white.",)


def test_a_transparent_palette_entry_is_shown_on_white() -> None:
    picture = two_halves("P")
    data = encoded(picture, transparency=picture.getpixel((2, 2)))
    assert pixel(read_image(data), 2, 2) == WHITE


def test_an_opaque_alpha_channel_goes_without_a_note() -> None:
    assert open_image(encoded(two_halves("RGBA"))).notes == ()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photo_is_set_upright(orientation: int, kind: str) -> None:
    stored = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    opened = open_image(encoded(two_halves().transpose(stored[orientation]), kind, exif=exif))
    assert opened.pixels.shape == (3, 20, 40), "width and height are those of the upright picture"
    left, right = pixel(opened.pixels, 4, 4), pixel(opened.pixels, 36, 16)
    assert left[0] > 150 > left[1] and right[1] > 150 > right[0], "red is left, green is right"
    assert opened.notes == ("Turned upright, as the camera noted it.",)


def test_an_iphones_photo_is_read_and_set_upright() -> None:
    opened = open_image(IPHONE)
    assert opened.pixels.shape == (3, 64, 48), "64 x 48, turned"
    red, blue = pixel(opened.pixels, 24, 5), pixel(opened.pixels, 24, 58)
    assert red[0] > 200 > 60 > red[2] and blue[2] > 200 > 60 > blue[0]


def test_what_reads_iphones_photos_is_loaded_for_them_alone() -> None:
    code = (
        "import sys; from core.images import read_image; from core.data.photos import FOLDER\n"
        "read_image(FOLDER / 'chelsea.png'); before = 'pi_heif' in sys.modules\n"
        f"read_image({str(IPHONE)!r}); print(before, 'pi_heif' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_an_iphones_photo_that_is_cut_off_is_refused(part: float) -> None:
    data = IPHONE.read_bytes()
    assert "cut off" in refusal(data[: int(len(data) * part)]) or "not an image" in refusal(
        data[: int(len(data) * part)]
    )


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_used(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, WHITE)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    opened = open_image(data)
    assert max(abs(a - b) for a, b in zip(pixel(opened.pixels, 4, 4), RED, strict=True)) < 12
    assert opened.notes == ("Only the first of its 3 frames is used.",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_large_image_is_scaled_down_and_says_so(kind: str) -> None:
    opened = open_image(encoded(two_halves(size=(3000, 1500)), kind))
    assert opened.pixels.shape == (3, LONGEST // 2, LONGEST)
    assert opened.notes == ("Scaled down from 3000 x 1500 pixels.",)


@pytest.mark.parametrize("size", [(20_000, 1), (20_000, 30), (30, 20_000)])
def test_a_very_long_image_keeps_its_shape_as_far_as_it_can(size: tuple[int, int]) -> None:
    pixels = read_image(encoded(two_halves(size=size)))
    assert max(pixels.shape[1:]) == LONGEST and min(pixels.shape[1:]) == max(1, round(min(size) * LONGEST / 20_000))


def test_a_single_pixel() -> None:
    assert pixel(read_image(encoded(Image.new("RGB", (1, 1), RED))), 0, 0) == RED


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7 ...", b"%!PS-Adobe-3.0 EPSF-3.0\n", bytes(1000)])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    assert refusal(data).startswith("This is not an image")


@pytest.mark.parametrize("kind", ["AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_an_image_that_is_cut_off_is_refused(kind: str, part: float) -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    data = encoded(noise, kind)
    assert "not an image" in (sentence := refusal(data[: int(len(data) * part)])) or "cut off" in sentence


@settings(max_examples=150)
@given(st.sampled_from(["AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP"]), st.data())
def test_damage_anywhere_leads_to_pixels_or_a_sentence(kind: str, data: st.DataObject) -> None:
    broken = bytearray(encoded(two_halves(), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        sound = read_image(broken).dtype == torch.uint8
    except ImageError as error:
        sound = str(error).endswith(".")
    assert sound


@pytest.mark.parametrize("size", [(8_000, 7_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    assert refusal(blank_png(*size)) == "The image has more than 50 megapixels: scale it down and try again."


@pytest.mark.slow
@pytest.mark.linux  # which says in a file how much memory a process has
def test_memory_stays_bounded(tmp_path: Path) -> None:
    """The most costly images that are let in: transparent, and a JPEG that keeps its coefficients while decoding."""
    (tmp_path / "1.png").write_bytes(blank_png(7000, 7000, bytes(7000 * (1 + 4 * 7000))))
    Image.new("RGB", (7000, 7000)).save(tmp_path / "2.jpg", progressive=True, subsampling=0)
    code = """
import pathlib, sys
from core.images import read_image
def peak():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
before = peak()
for path in sys.argv[1:]:
    read_image(path)
print((peak() - before) // 1024)
"""
    arguments = [sys.executable, "-c", code, *map(str, sorted(tmp_path.iterdir()))]
    grown = int(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
    assert grown < 800, f"reading an image took {grown} MiB"


def test_a_file_of_too_many_bytes_is_refused_without_reading_it_all() -> None:
    class Endless(io.RawIOBase):
        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MOST_BYTES + 1
            return bytes(size)

    assert refusal(Endless()) == "The file is larger than 20 MB: scale the image down and try again."
    assert "larger than 20 MB" in refusal(bytes(MOST_BYTES + 1))


def test_a_missing_file_is_a_sentence_without_its_path(tmp_path: Path) -> None:
    for source in (tmp_path / "missing.png", tmp_path, "a\0b", None, 3, 2.5, io.StringIO("text")):
        refusal(source)
