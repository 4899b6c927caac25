"""Weights that somebody gives, from nobody knows where: read, or refused in a sentence."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from core.checkpoint import CheckpointError
from core.i18n import _
from core.training.initial_weights import PICKLES, read_weights

MOST_BYTES = 100 * 10**6
MOST_NAMED = 60  # letters of a file's name

_STRANGE = re.compile(r"[^\w.-]+")


@dataclass(frozen=True)
class Weights:
    """A state dict, ``tensors`` by name, with a ``title``, and the ``model`` and ``classes`` that its file says it is
    of: "" and () where it does not."""

    title: str
    tensors: dict[str, Tensor]
    model: str = ""
    classes: tuple[str, ...] = ()


def read_file(path: Path, title: str) -> Weights:
    """Read the weights in the safetensors file ``path``, called ``title`` in what is said of them.

    Raises:
        CheckpointError: there is no such file, or it is damaged, or a pickle file.
    """
    try:
        tensors = read_weights(path)
    except CheckpointError as error:
        raise CheckpointError(str(error).replace(str(path), title)) from None
    with safe_open(path, "pt") as file:
        header = file.metadata() or {}
    return Weights(title, tensors, header.get("model", ""), _classes(header.get("classes", "")))


def read_upload(name: str, data: bytes) -> Weights:
    """Read the weights in an uploaded safetensors file, ``data``, that was called ``name``.

    Raises:
        CheckpointError: it is too large, damaged, or a pickle file.
    """
    plain = _STRANGE.sub("_", Path(name.replace("\\", "/")).name)[-MOST_NAMED:].lstrip(".") or "weights"
    if len(data) > MOST_BYTES:
        raise CheckpointError(
            _("The file has more than {most} MB: give a smaller one.").format(most=MOST_BYTES // 10**6)
        )
    with TemporaryDirectory() as folder:
        suffix = "" if Path(plain).suffix.lower() in PICKLES or plain.endswith(".safetensors") else ".safetensors"
        path = Path(folder) / f"{plain}{suffix}"
        path.write_bytes(data)
        return read_file(path, plain)


def packed(weights: Weights) -> bytes:
    """Return ``weights`` as a safetensors file that says which model and classes they are of."""
    said = {"model": weights.model, "classes": json.dumps(weights.classes)} if weights.model else None
    tensors = {name: values.contiguous() for name, values in weights.tensors.items()}
    return save(tensors, said)


def _classes(text: str) -> tuple[str, ...]:
    try:
        names = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    wanted = isinstance(names, list) and 0 < len(names) < 1000
    return tuple(str(name)[:MOST_NAMED] for name in names) if wanted else ()
