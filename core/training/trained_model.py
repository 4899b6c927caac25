"""A model made again from the weights that a training on one's own data has left behind."""

import json
from pathlib import Path

from safetensors import safe_open

from core.checkpoint import CheckpointError
from core.i18n import _
from core.models import MODELS
from core.stages import Staged
from core.training.initial_weights import fit_weights, read_weights

MOST_CLASSES = 2000  # of weights that come from anywhere: a model of millions would take the memory


def load_trained(path: Path) -> Staged:
    """Return the model whose weights are in ``path``, which a training on one's own data has written, ready to use.

    Raises:
        CheckpointError: there is no such file, or it does not say which model it is of, or is not of that one.
    """
    weights = read_weights(path)
    with safe_open(path, "pt") as file:
        header = file.metadata() or {}
    try:
        classes = tuple(map(str, json.loads(header["classes"])))
        if len(classes) > MOST_CLASSES:
            raise ValueError("a model too large to be made")
        model: Staged = MODELS[header["model"]].make(classes=classes)
    except (KeyError, TypeError, ValueError):
        sentence = _(
            "{file} does not say which model its weights are of: give a file that a training here has written."
        )
        raise CheckpointError(sentence.format(file=Path(path).name)) from None
    fit_weights(model, weights)
    return model.eval()
