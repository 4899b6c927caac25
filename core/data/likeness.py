"""Images that are the same, or nearly the same: by their pixels, and by a perceptual hash (dHash)."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.flaws import Item
from core.data.folders import FORMATS
from core.i18n import _
from core.images import MOST_PIXELS

HASH_SIDE = 16  # a hash has the square of it in bits
NEAR_BITS = 40  # of the hash's 256 that may differ; unlike photos differ in 80 and more
NEAR_CORRELATION = 0.9  # of the small greys; empty pictures have like hashes, but no likeness
MOST_ITEMS = 1000  # pairs of like images that are listed

_BLOCK = 256  # images that are compared with all others at once


@dataclass(frozen=True)
class Look:
    """What an image looks like: ``size`` (width, height), a ``digest`` of its pixels, its dHash as ``bits`` of plus and
    minus 1 (256,), and its small ``greys`` (272,) with mean 0 and length 1, or all 0 for one of one grey."""

    size: tuple[int, int]
    digest: bytes
    bits: np.ndarray
    greys: np.ndarray


def look_at(path: Path) -> Look | None:
    """Return what the image at ``path`` looks like, None where it cannot be read."""
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            colours, small = picture.convert("RGB"), (HASH_SIDE + 1, HASH_SIDE)
    except Exception:  # noqa: BLE001 - a damaged file leads Pillow's decoders to nearly every exception there is
        return None
    digest = hashlib.sha256(repr(colours.size).encode() + colours.tobytes()).digest()
    greys = np.asarray(colours.convert("L").resize(small, Image.Resampling.BOX), np.float32)
    bits = np.where(greys[:, 1:] > greys[:, :-1], 1, -1).astype(np.float32)
    greys = greys - greys.mean()
    return Look(colours.size, digest, bits.ravel(), greys.ravel() / max(float(np.linalg.norm(greys)), 1e-6))


def same_and_near(looks: Mapping[str, Look]) -> tuple[list[Item], list[Item]]:
    """Return the groups of images that are the same, and the pairs of others that are nearly the same, by name."""
    alike: dict[bytes, list[str]] = defaultdict(list)
    for name, look in looks.items():
        alike[look.digest].append(name)
    same = [Item(tuple(names)) for names in alike.values() if len(names) > 1]
    return same, _near({names[0]: looks[names[0]] for names in alike.values()})


def _near(looks: Mapping[str, Look]) -> list[Item]:
    """Return the pairs of images whose hashes and small greys are nearly the same, block by block."""
    names = list(looks)
    if not names:
        return []
    bits = np.stack([look.bits for look in looks.values()])
    greys = np.stack([look.greys for look in looks.values()])
    items: list[Item] = []
    for start in range(0, len(names), _BLOCK):
        block = slice(start, start + _BLOCK)
        differing = (bits.shape[1] - bits[block] @ bits[start:].T) / 2
        alike = (differing <= NEAR_BITS) & (greys[block] @ greys[start:].T >= NEAR_CORRELATION)
        for first, second in np.argwhere(np.triu(alike, 1))[: MOST_ITEMS - len(items)].tolist():
            detail = _("{differing:.0f} of {bits} bits differ")
            detail = detail.format(differing=differing[first, second], bits=bits.shape[1])
            items.append(Item((names[start + first], names[start + second]), detail))
    return items
