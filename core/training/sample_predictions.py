"""What a model says of fixed samples without being trained: before its first step, or with weights loaded back."""

import torch

from core.models import MODELS
from core.stages import Detector, Staged
from core.training.datasets import Data, open_data
from core.training.events import Looked
from core.training.initial_weights import fit_weights, read_weights, start_from
from core.training.observed_run import LOOKED_AT
from core.training.plan import Plan
from core.training.sample_history import Kept, shown
from core.training.uploaded_weights import Weights
from core.training.validation import looks

FEW_REGIONS = 100  # proposals an image: a page waits for the answer, and R-CNN warps each of them


def look_before(plan: Plan) -> tuple[Kept, tuple[str, ...]]:
    """Return what the model of ``plan`` says of the fixed samples before its first step, and the classes.

    Raises:
        CheckpointError: ``plan.start`` does not fit.
        FolderError: ``plan.data`` cannot be used.
    """
    data = open_data(plan.data, plan.model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        make = MODELS[plan.model].make
        model = make(classes=data.classes)
    if plan.start:
        start_from(model, read_weights(plan.start), make, data.classes)
    return _look(model, data), data.classes


def load_back(weights: Weights, model: str) -> tuple[Kept, tuple[str, ...]]:
    """Load ``weights`` into a ``model`` of the classes that they name, else of the scenes', and let it look at scenes.

    The truth is left out where the classes are not the scenes'.

    Raises:
        CheckpointError: a name or a shape does not fit.
    """
    data = open_data("scenes", model)
    made = MODELS[model].make(classes=weights.classes or data.classes)
    fit_weights(made, weights.tensors)
    kept = _look(made, data)
    if made.classes != data.classes:
        kept = Kept(tuple({"image": sample["image"]} for sample in kept.samples), kept.looks)
    return kept, made.classes


def _look(model: Staged, data: Data) -> Kept:
    if isinstance(model, Detector):
        model.limit_regions(FEW_REGIONS)
    return shown(Looked(0, 0.0, tuple(looks(model, data.validation, LOOKED_AT))))
