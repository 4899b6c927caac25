"""Checkpoints as safetensors with a card beside them: written atomically, read with a clear sentence on failure."""

import errno
import glob
import json
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.backbones import Backbone, fold_batch_norm
from core.faults import UserError
from core.i18n import _

Model = TypeVar("Model", bound=nn.Module)

FOLDER = Path(__file__).parents[1] / "checkpoints"
UNNAMED = "shapes"  # the family that commands take where none is named
TRUNK = "trunk"  # the checkpoint of the trunk that all models of a family start from
RESTS_ON = "rests_on"  # what a file's header says of the checkpoint that has the rest of its model
PARTIAL = ".partial"
READING = (0.01, 0.03, 0.1, 0.3, 1.0)  # seconds
OLD = 3600  # seconds: nobody writes one file for so long

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR)


class CheckpointError(UserError):
    """A checkpoint is missing, damaged, of another model, or cannot be written; the message says what to do."""


def save_tensors(tensors: dict[str, Tensor], path: Path, **said: str) -> None:
    """Write ``tensors`` to ``path`` so that a reader never meets half a file, nor leaves a crash or a power cut one.

    What is ``said`` of them goes into the file's header.

    Raises:
        CheckpointError: as ``write_whole`` does.
    """
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_whole(path, partial(save_file, on_cpu, metadata=said) if said else partial(save_file, on_cpu))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file of another name, and put it in the place of ``path`` once all of it is on the disk.

    It is filled in a folder of its own: safetensors writes under yet another name, which a kill leaves behind.

    Raises:
        CheckpointError: the disk is full, or not for us to write to; ``path`` is what it was.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        discard_partial(path, OLD)
        folder = Path(mkdtemp(PARTIAL, f".{path.name}.", path.parent))
        try:
            beside = folder / path.name
            beside.touch()
            mode = beside.stat().st_mode  # safetensors' files are for their owner alone
            write(beside)
            beside.chmod(mode)
            # Without this a disk may know the new name before the bytes that it stands for.
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            _replace(beside, path)
        finally:
            rmtree(folder, ignore_errors=True)
        _sync_folder(path.parent)


def _replace(new: Path, old: Path) -> None:
    """Put the file ``new`` in the place of ``old``; Windows refuses while somebody reads that, which is soon over."""
    for pause in READING if sys.platform == "win32" else ():
        with suppress(PermissionError):
            os.replace(new, old)
            return
        time.sleep(pause)
    os.replace(new, old)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence that the disk has no room for ``path``, or that it must not be written there.

    Raises:
        CheckpointError: it is so.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        number = error.errno if isinstance(error, OSError) else _number_in(str(error))
        if number in _FULL:
            sentence = _("The disk is full, and {file} could not be saved: make room, and resume the training.")
        elif number in _CLOSED:
            sentence = _("{file} cannot be written: choose another folder.")
        else:
            raise
        raise CheckpointError(sentence.format(file=path.name)) from None


def _number_in(message: str) -> int | None:
    """Return the system's error number that safetensors quotes."""
    found = re.search(r"\(os error (\d+)\)", message)
    return int(found[1]) if found else None


def _sync_folder(folder: Path) -> None:
    with suppress(PermissionError):  # Windows opens no folders, and writes names through
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def discard_partial(path: Path, older_than: float = -math.inf) -> None:
    """Remove what a kill while ``path`` was written has left beside it, if it has lain there for so many seconds."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{PARTIAL}"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > older_than:
                rmtree(left, ignore_errors=True)


def load_weights(model: nn.Module, name: str, folder: Path, part: bool = False) -> None:
    """Load ``name``.safetensors of ``folder`` into ``model``; every key and shape has to fit.

    A checkpoint of a ``part`` only leaves the rest of the model as it is. What that of a model on a shared trunk does
    not hold, the one that it rests on does, which is the family's trunk unless its header names another.

    Raises:
        CheckpointError: the file is missing, damaged, or holds another model's weights.
    """
    shared = _shared_weights(model, rest_of(name, folder), folder) if name != TRUNK else {}
    with _retraining(name, folder):
        weights = shared | load_file(folder / f"{name}.safetensors")
        model.load_state_dict({**model.state_dict(), **weights} if part else weights)


def rest_of(name: str, folder: Path) -> str:
    """Return the name of the checkpoint that has what checkpoint ``name`` of ``folder`` leaves out of its model.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    with _retraining(name, folder), safe_open(folder / f"{name}.safetensors", "pt") as file:
        return (file.metadata() or {}).get(RESTS_ON, TRUNK)


def _shared_weights(model: nn.Module, rest: str, folder: Path) -> dict[str, Tensor]:
    """Return the weights of ``model`` that checkpoint ``rest`` of ``folder`` has, with those that it rests on itself.

    There are none where the model shares no trunk.
    """
    trunk = getattr(model, "trunk", None)
    if not (isinstance(trunk, Backbone) and trunk.shared):
        return {}
    with _retraining(rest, folder):
        weights = load_file(folder / f"{rest}.safetensors")
    if rest == TRUNK:
        return {key: values for key, values in weights.items() if key.startswith(f"{TRUNK}.")}
    known = model.state_dict().keys()
    below = _shared_weights(model, rest_of(rest, folder), folder)
    return below | {key: values for key, values in weights.items() if key in known}


def own_weights(model: nn.Module, folder: Path, rest: str = TRUNK) -> dict[str, Tensor]:
    """Return the weights of ``model`` in half precision, without those that are bit by bit what ``rest`` has of them.

    Raises:
        CheckpointError: checkpoint ``rest`` or the family's trunk is missing or damaged.
    """
    shared = _shared_weights(model, rest, folder)
    own = halved(model.state_dict())
    return {key: values for key, values in own.items() if key not in shared or not values.cpu().equal(shared[key])}


def save_own(model: nn.Module, name: str, folder: Path, rest: str = TRUNK) -> None:
    """Write the ``own_weights`` of ``model`` as checkpoint ``name``, which rests on ``rest`` where a trunk is shared.

    Raises:
        CheckpointError: as ``own_weights`` and ``save_tensors`` do.
    """
    own = own_weights(model, folder, rest)
    said = {RESTS_ON: rest} if rest != TRUNK and len(own) < len(model.state_dict()) else {}
    save_tensors(own, folder / f"{name}.safetensors", **said)


def halved(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return ``weights`` in half precision, but for those that count."""
    return {key: values.half() if values.is_floating_point() else values for key, values in weights.items()}


@contextmanager
def _retraining(name: str, folder: Path) -> Iterator[None]:
    """Say in a sentence what is wrong with checkpoint ``name`` of ``folder``, and by which command it is made."""
    try:
        yield
    except FileNotFoundError:
        sentence = _("The checkpoint of {name} is missing: run `{command}` to train it.")
    except (SafetensorError, OSError):
        sentence = _("The checkpoint of {name} is damaged: run `{command}` to train it anew.")
    except RuntimeError:
        sentence = _("The checkpoint of {name} holds weights of another model: run `{command}` to train it anew.")
    else:
        return
    raise CheckpointError(sentence.format(name=name, command=f"python -m core train {name}{_of_family(folder)}"))


def _of_family(folder: Path) -> str:
    """Return the option that names the family whose checkpoints lie in ``folder``, if it is one that needs naming."""
    family = folder.relative_to(FOLDER).parts[0] if folder.parent.is_relative_to(FOLDER) else UNNAMED
    return "" if family == UNNAMED else f" --family {family}"


def load_ready(model: Model, name: str, folder: Path) -> Model:
    """Return ``model`` with the weights of checkpoint ``name``, ready to predict: batch normalisation is folded.

    Raises:
        CheckpointError: as ``load_weights`` does.
    """
    load_weights(model, name, folder)
    return ready(model)


def ready(model: Model) -> Model:
    """Return ``model``, changed in place, ready to predict: batch normalisation is folded into the convolutions."""
    fold_batch_norm(model.eval())
    return model.to(memory_format=torch.channels_last)


def load_trunk(trunk: Backbone, name: str, folder: Path) -> None:
    """Load the trunk in checkpoint ``name`` into ``trunk``, where every detector starts from.

    Raises:
        CheckpointError: as ``load_weights`` does.
    """
    holder = nn.ModuleDict({TRUNK: trunk})
    shared = _shared_weights(holder, rest_of(name, folder), folder) if name != TRUNK else {}
    with _retraining(name, folder):
        weights = shared | load_file(folder / f"{name}.safetensors")
        holder.load_state_dict({key: values for key, values in weights.items() if key.startswith(f"{TRUNK}.")})


def read_card(name: str, folder: Path) -> dict[str, Any]:
    """Return the card of checkpoint ``name`` (data, recipe, time, figures), empty where there is none to be read."""
    try:
        card = json.loads((folder / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def update_card(name: str, folder: Path, **entries: Any) -> None:
    """Write ``entries`` into the card of checkpoint ``name``, beside what it says already."""
    text = json.dumps({**read_card(name, folder), **entries}, indent=2) + "\n"
    write_whole(folder / f"{name}.json", lambda beside: beside.write_text(text, "utf-8"))
