"""Features of a frozen trunk, computed once and kept on the disk: by what was looked at, and with which weights."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from core.checkpoint import CheckpointError, save_tensors
from core.pretrained import Name

FOLDER = Path(__file__).parents[2] / "runs" / "cache" / "features"
MOST = 64 * 10**6  # bytes of a folder


@dataclass(frozen=True)
class Features:
    """What a trunk makes of images: ``values`` (N, C), which took so many ``seconds`` when they were computed."""

    values: Tensor
    seconds: float


def kept_features(
    images: Tensor, trunk: Name, weights: str, compute: Callable[[Tensor], Tensor], folder: Path | None
) -> Features:
    """Return what ``compute`` makes of ``images`` (N, 3, S, S) uint8, from ``folder`` where it did so before.

    ``weights`` is the digest of those of the ``trunk``. Without a folder nothing is kept; one that is full loses what
    was not asked for longest, and one that cannot be written is no reason to learn nothing.
    """
    path = folder and folder / f"{trunk}-{weights}-{digest_of(images)}.safetensors"
    known = _read(path) if path else None
    if known:
        return known
    start = time.perf_counter()
    found = Features(compute(images), time.perf_counter() - start)
    if path:
        with suppress(CheckpointError, OSError):
            save_tensors({"values": found.values}, path, seconds=f"{found.seconds:.6f}")
            _make_room(path.parent)
    return found


def digest_of(*tensors: Tensor) -> str:
    """Return a short text that other ``tensors`` would not have."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:24]


def _read(path: Path) -> Features | None:
    """Return what is kept in ``path``, None where that is nothing that can be read; it counts as asked for now."""
    try:
        with safe_open(path, "pt") as file:
            found = Features(file.get_tensor("values"), float(file.metadata()["seconds"]))
        path.touch()
    except (OSError, SafetensorError, KeyError, ValueError, TypeError):
        return None
    return found


def _make_room(folder: Path) -> None:
    """Remove what was not asked for longest until at most ``MOST`` bytes are left."""
    files = sorted(folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    total = 0
    for file in files:
        total += file.stat().st_size
        if total > MOST:
            file.unlink(missing_ok=True)
