"""Trunks that somebody trained already: EfficientNet-Lite0 on photos and ours on drawn scenes, whose weights come with
the app, and torchvision's on photos where they are at hand.

torchvision's weights are looked for where ``torch.hub`` keeps them, under torchvision's own file names, which end in
the first digits of their SHA-256 sums: a file whose sum begins otherwise is not read, and no pickle is run.
"""

import hashlib
import pickle
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torchvision import models

from core.backbones import Backbone, slim
from core.checkpoint import TRUNK, CheckpointError, load_trunk, load_weights
from core.downloading import MB, Refusals, Remote, load_remote
from core.families import PHOTOS, SHAPES, Family
from core.i18n import N_, _
from core.imagenet import ImageNetClassifier

Name = Literal["lite0", "slim", "alexnet", "resnet18", "mobilenet_v3_small"]


@dataclass(frozen=True)
class Pretrained:
    """A trunk that somebody trained: its ``title``, the ``data`` that it learnt from, the ``licence`` of its weights
    and their ``source``, the ``side`` in pixels of the square images that it is shown here, and the learning ``rate``
    that it bears when it goes on learning with Adam, with the ``head_rate`` of a new last layer on it.

    It is ``cut`` out of the network that ``make`` builds. Its weights are those of the trunk of a ``family``, or else
    torchvision's: there are their ``url`` and the ``megabytes`` (10^6 bytes) of that file.
    """

    name: Name
    title: str
    data: str
    licence: str
    source: str
    side: int
    rate: float
    head_rate: float
    make: Callable[[], nn.Module]
    cut: Callable[[Any], Backbone]
    family: Family | None = None
    url: str = ""
    megabytes: float = 0.0

    @property
    def file(self) -> Path:
        """Where the weights of torchvision's trunks are kept (``TORCH_HOME`` says where that is)."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.url.rpartition("/")[2]

    @property
    def digest(self) -> str:
        """The first digits of the file's SHA-256 sum, as its name says them."""
        return Path(self.url).stem.rpartition("-")[2]

    def build(self) -> Backbone:
        """Return a fresh trunk with random weights."""
        return self.cut(self.make())


def _of_alexnet(network: models.AlexNet) -> Backbone:
    return Backbone(*list(network.features)[:-1], channels=256, stride=16)


def _of_resnet(network: models.ResNet) -> Backbone:
    blocks = (network.layer1, network.layer2, network.layer3, network.layer4)
    return Backbone(network.conv1, network.bn1, network.relu, network.maxpool, *blocks, channels=512, stride=32)


def _of_mobilenet(network: models.MobileNetV3) -> Backbone:
    return Backbone(*network.features, channels=576, stride=32)


_IMAGENET = N_("1.3 million photos of 1000 kinds of things (ImageNet, ILSVRC 2012)")
_TORCHVISION = (_IMAGENET, "BSD-3-Clause", "https://github.com/pytorch/vision")
_PLACE = "https://download.pytorch.org/models"

# ImageNet's trunks were trained on 224 pixels: at 128 they take a third of the time and know a little less.
PRETRAINED: dict[Name, Pretrained] = {
    kind.name: kind
    for kind in (
        Pretrained(
            "lite0",
            "EfficientNet-Lite0",
            _IMAGENET,
            "Apache-2.0",
            "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
            160,
            3e-4,
            1e-2,  # of 1280 features some are large
            ImageNetClassifier,
            ImageNetClassifier.before_last_layer,
            PHOTOS,
        ),
        Pretrained(
            "slim",
            "Slim AlexNet",
            N_("scenes of six shapes that this app draws"),
            "MIT",
            "",
            96,
            3e-3,
            1e-1,
            slim,
            lambda trunk: trunk,
            SHAPES,
        ),
        Pretrained(
            "alexnet",
            "AlexNet",
            *_TORCHVISION,
            128,
            1e-4,  # without batch normalisation it bears less
            1e-1,
            models.alexnet,
            _of_alexnet,
            url=f"{_PLACE}/alexnet-owt-7be5be79.pth",
            megabytes=244.4,
        ),
        Pretrained(
            "resnet18",
            "ResNet-18",
            *_TORCHVISION,
            128,
            3e-4,
            1e-1,
            models.resnet18,
            _of_resnet,
            url=f"{_PLACE}/resnet18-f37072fd.pth",
            megabytes=46.8,
        ),
        Pretrained(
            "mobilenet_v3_small",
            "MobileNetV3-Small",
            *_TORCHVISION,
            128,
            3e-4,
            1e-1,
            models.mobilenet_v3_small,
            _of_mobilenet,
            url=f"{_PLACE}/mobilenet_v3_small-047dcff4.pth",
            megabytes=10.3,
        ),
    )
}


def at_hand() -> tuple[Name, ...]:
    """Return the trunks whose trained weights are on this machine, those that come with the app first."""
    return tuple(name for name, kind in PRETRAINED.items() if kind.family or kind.file.is_file())


def trained(name: Name) -> Backbone:
    """Return trunk ``name`` with trained weights.

    Raises:
        CheckpointError: the weights are missing, damaged or not those that torchvision published.
    """
    kind = PRETRAINED[name]
    if kind.family:
        network = kind.make()
        if isinstance(network, Backbone):
            load_trunk(network, TRUNK, kind.family.folder)
        else:  # with all that is behind it
            load_weights(network, TRUNK, kind.family.folder)
        return kind.cut(network)
    with torch.device("meta"):  # the layers behind the trunk need no memory
        network = kind.make()
    weights = _published(kind)
    try:
        network.load_state_dict(weights, assign=True)
    except RuntimeError:
        raise CheckpointError(_damaged(kind)) from None
    return kind.cut(network)


def fetching(name: Name) -> Generator[int, None, None]:
    """Download the weights of trunk ``name`` to where they are looked for, yielding how many bytes there are.

    Closed before its end, or where what comes is not what torchvision published, it leaves nothing.

    Raises:
        DownloadError: there is no way to them, the connection broke off, or they cannot be kept.
    """
    kind = PRETRAINED[name]
    refusals = Refusals(
        unreachable=_(
            "{host} cannot be reached: this server may be offline. Its owner can put {file} into torch.hub's folder "
            "(TORCH_HOME)."
        ),
        other=_("What {host} sent is not what torchvision published: try again later."),
        disk=_("The server's disk cannot take the weights: ask its owner."),
    )
    remote = Remote(kind.url, int(kind.megabytes * MB), "sha256", kind.digest)
    yield from load_remote(remote, kind.file, refusals)


def _published(kind: Pretrained) -> dict[str, Tensor]:
    path = kind.file
    if not path.is_file():
        sentence = _(
            "The weights of {title} are not on this server: download them, or put {file} into torch.hub's folder "
            "(TORCH_HOME)."
        )
        raise CheckpointError(sentence.format(title=kind.title, file=path.name))
    if not is_published(kind, path):
        raise CheckpointError(_damaged(kind))
    try:
        weights: dict[str, Tensor] = torch.load(path, "cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        raise CheckpointError(_damaged(kind)) from None
    return weights


def is_published(kind: Pretrained, path: Path) -> bool:
    """Whether the file at ``path`` has the SHA-256 sum that torchvision's name for it begins with."""
    stat = path.stat()
    return _sum(path, stat.st_mtime_ns, stat.st_size).startswith(kind.digest)


@lru_cache(maxsize=16)
def _sum(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _damaged(kind: Pretrained) -> str:
    sentence = _("{file} does not hold the weights that torchvision published: remove it and download it again.")
    return sentence.format(file=kind.file.name)
