"""Where a training starts from: weights of a checkpoint or a file, as far as they fit the model."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from core.checkpoint import CheckpointError
from core.families import SHAPES
from core.i18n import _

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")
_PICKLE_STARTS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # torch.save's zip, plain pickles
_MOST_NAMED = 3  # tensors in a sentence

Make = Callable[..., nn.Module]


@dataclass(frozen=True)
class Taken:
    """What a model took over: the names of the tensors that were ``taken``, those that stay ``new``, and those of the
    source that were ``left`` there."""

    taken: tuple[str, ...]
    new: tuple[str, ...]
    left: tuple[str, ...]


def read_weights(source: str | Path, folder: Path = SHAPES.folder) -> dict[str, Tensor]:
    """Read the weights of a checkpoint of ``folder`` by its name, or of a ``.safetensors`` file.

    Raises:
        CheckpointError: there is no such checkpoint or file, it is damaged, or it is a pickle file.
    """
    path = Path(source)
    if path.suffix.lower() in PICKLES or _starts_as_pickle(path):
        sentence = _(
            "{file} is a pickle file, which can run any program when it is opened: save the weights with "
            "safetensors.torch.save_file(model.state_dict(), 'weights.safetensors') and give that file."
        )
        raise CheckpointError(sentence.format(file=path.name))
    if path.suffix != ".safetensors":
        path = folder / f"{source}.safetensors"
        if not path.is_file():
            known = ", ".join(sorted(one.stem for one in folder.glob("*.safetensors"))) or _("none")
            sentence = _(
                "There is no checkpoint {name}: choose among {known}, or give a .safetensors file. "
                "`python -m core train` makes those of the app."
            )
            raise CheckpointError(sentence.format(name=source, known=known))
    try:
        # Copies: Windows lets no file be replaced or removed while a tensor lies in it.
        return {name: tensor.clone() for name, tensor in load_file(path).items()}
    except FileNotFoundError:
        raise CheckpointError(_("There is no file {file}.").format(file=path.name)) from None
    except (SafetensorError, OSError):
        raise CheckpointError(_("{file} is damaged, or no safetensors file.").format(file=path.name)) from None


def _starts_as_pickle(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4).startswith(_PICKLE_STARTS)
    except OSError:
        return False


def fit_weights(model: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load ``weights`` into ``model``; every name and shape has to fit.

    Raises:
        CheckpointError: they do not; the message names those that do not.
    """
    own = model.state_dict()
    flaws = {
        _("missing: {names}"): [name for name in own if name not in weights],
        _("unknown: {names}"): [name for name in weights if name not in own],
        _("of another shape: {names}"): _misshapen(own, weights),
    }
    said = "; ".join(sentence.format(names=_named(names)) for sentence, names in flaws.items() if names)
    if said:
        raise CheckpointError(_("These weights are of another model: {flaws}.").format(flaws=said))
    model.load_state_dict(weights)


def start_from(model: nn.Module, weights: dict[str, Tensor], make: Make, classes: tuple[str, ...]) -> Taken:
    """Take over what fits of ``weights`` into ``model``, which is ``make(classes=classes)``.

    From weights of the same model, or of one that it extends (an FCN with fewer skips, Faster R-CNN for Mask R-CNN),
    everything is taken but the layers whose shape follows the number of classes, where that is another: they stay new.
    From any other model the trunk is taken.

    Raises:
        CheckpointError: neither fits; the message names what does not.
    """
    own = model.state_dict()
    by_classes = _of_classes(make, classes)
    if weights.keys() <= own.keys():
        misshapen = _misshapen(own, weights)
        if wrong := [name for name in misshapen if name.split(" ")[0] not in by_classes]:
            raise CheckpointError(_("These weights do not fit: {names}.").format(names=_named(wrong)))
        new_heads = {name.split(" ")[0] for name in misshapen}
        taken = [name for name in weights if name not in new_heads]
    else:
        trunk = {name: value for name, value in own.items() if name.startswith("trunk.")}
        missing = [name for name in trunk if name not in weights]
        if wrong := missing or _misshapen(trunk, weights):
            sentence = _("These weights are of another model, and their trunk does not fit: {names}.")
            raise CheckpointError(sentence.format(names=_named(wrong)))
        taken = list(trunk)
    model.load_state_dict(own | {name: weights[name] for name in taken})
    chosen = set(taken)
    return Taken(
        tuple(taken), tuple(name for name in own if name not in chosen), tuple(n for n in weights if n not in chosen)
    )


def _of_classes(make: Make, classes: tuple[str, ...]) -> set[str]:
    """Return the names of the tensors whose shape follows the number of classes."""
    with torch.device("meta"):
        one, other = (make(classes=names).state_dict() for names in (classes, (*classes, "another")))
    return {name for name, values in one.items() if values.shape != other[name].shape}


def _misshapen(own: dict[str, Tensor], weights: dict[str, Tensor]) -> list[str]:
    """Name the tensors that both have, in two shapes, with both."""
    return [
        f"{name} {tuple(weights[name].shape)} instead of {tuple(values.shape)}"
        for name, values in own.items()
        if name in weights and weights[name].shape != values.shape
    ]


def _named(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return shown if more <= 0 else _("{names} and {count} more").format(names=shown, count=more)
