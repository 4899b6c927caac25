"""The one door for outside images: whatever is uploaded comes out as upright RGB pixels, or as one clear sentence."""

import io
import math
import os
import threading
from dataclasses import dataclass
from typing import IO

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from torch import Tensor
from torchvision.transforms.functional import pil_to_tensor
from torchvision.transforms.v2.functional import center_crop

from core.faults import UserError
from core.i18n import _

MOST_BYTES = 20 * 2**20
MOST_PIXELS = 50_000_000
LONGEST = 1024  # pixels of the longer side that is handed on
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # none that runs another program
IPHONES = "HEIF"  # what iPhones take, unless they are told to take JPEG

Source = str | os.PathLike[str] | bytes | bytearray | IO[bytes]

_decoding = threading.Lock()  # a class uploads at once: one large image at a time bounds the memory


class ImageError(UserError):
    """An image cannot be used; the message is one sentence for the user that says what to do."""


@dataclass(frozen=True)
class OpenedImage:
    """An image from outside: ``pixels`` (3, H, W) uint8, and ``notes``, a sentence for each thing done to it."""

    pixels: Tensor
    notes: tuple[str, ...]


def read_image(source: Source) -> Tensor:
    """Return the pixels of ``open_image``: (3, H, W) uint8.

    Raises:
        ImageError: as ``open_image`` does.
    """
    return open_image(source).pixels


def open_image(source: Source) -> OpenedImage:
    """Decode a path, bytes or a binary file: turned upright, flattened onto white, its longer side at most 1024.

    Of an animation the first frame is taken. The header is checked before anything is decoded.

    Raises:
        ImageError: it is no image, damaged, or larger than 20 MiB or 50 megapixels; nothing else is ever raised.
    """
    data = _read(source)
    try:
        with _decoding:
            return _decode(data)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(_("This is not an image that can be read: choose a JPEG, PNG, WebP or GIF file.")) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception:  # noqa: BLE001 - a damaged file leads Pillow's decoders to nearly every exception there is
        raise ImageError(_("The image is damaged or cut off: save it anew, as JPEG or PNG, and try again.")) from None


def middle_square(image: Tensor) -> Tensor:
    """Return the largest square in the middle of ``image`` (3, H, W)."""
    square: Tensor = center_crop(image, [min(image.shape[1:])] * 2)
    return square


def _too_many_pixels() -> ImageError:
    sentence = _("The image has more than {most} megapixels: scale it down and try again.")
    return ImageError(sentence.format(most=MOST_PIXELS // 10**6))


def _read(source: Source) -> bytes:
    """Return the bytes of ``source``, never reading more than one beyond the limit."""
    try:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                data = file.read(MOST_BYTES + 1)
        elif isinstance(source, bytes | bytearray):
            data = bytes(source[: MOST_BYTES + 1])
        else:
            source.seek(0)
            data = source.read(MOST_BYTES + 1)
    except Exception:  # noqa: BLE001 - a path may be anything that a user types, a file object anything at all
        raise ImageError(_("There is no such file, or it cannot be read: choose another one.")) from None
    if len(data) > MOST_BYTES:
        sentence = _("The file is larger than {most} MB: scale the image down and try again.")
        raise ImageError(sentence.format(most=MOST_BYTES // 2**20))
    return data


def _decode(data: bytes) -> OpenedImage:
    notes = []
    with Image.open(io.BytesIO(data), formats=_formats(data)) as picture:
        width, height = picture.size
        if width * height > MOST_PIXELS:
            raise _too_many_pixels()
        frames = getattr(picture, "n_frames", 1)
        if frames > 1 and picture.format != "MPO":  # a phone's second picture in a file is not an animation
            notes.append(_("Only the first of its {count} frames is used.").format(count=frames))
        if picture.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9):
            notes.append(_("Turned upright, as the camera noted it."))
        shrink = LONGEST / max(width, height)
        if shrink < 1:
            notes.append(_("Scaled down from {width} x {height} pixels.").format(width=width, height=height))
            # A JPEG leaves out its fine detail while it is decoded; to other formats this means nothing.
            picture.draft(None, (math.ceil(width * shrink), math.ceil(height * shrink)))
        plain = _in_eight_bits(picture)
    plain.thumbnail((LONGEST, LONGEST))
    upright = ImageOps.exif_transpose(plain)
    if upright.mode == "RGBA":
        if upright.getchannel("A").getextrema() != (255, 255):
            notes.append(_("Its transparent parts are shown on white."))
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
    return OpenedImage(pil_to_tensor(upright), tuple(notes))


def _formats(data: bytes) -> tuple[str, ...]:
    """Return the formats that ``data`` may be in; what reads iPhones' is loaded for files that may be of those."""
    if data[4:8] != b"ftyp":
        return FORMATS
    from pi_heif import register_heif_opener

    register_heif_opener()
    return (*FORMATS, IPHONES)


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    """Return ``picture`` as RGB, or as RGBA where some of it may be transparent."""
    if picture.mode.startswith("I"):
        # Pillow would cut 16-bit greys off at 255 instead of scaling them.
        return picture.convert("I").point(lambda grey: grey * (1 / 257) + 0.5).convert("L").convert("RGB")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
