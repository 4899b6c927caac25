"""Trunks that somebody trained already: ours on drawn scenes, and torchvision's on ImageNet where they are at hand.

torchvision's weights are looked for where ``torch.hub`` keeps them, under torchvision's own file names, which end in
the first digits of their SHA-256 sums: a file whose sum begins otherwise is not read, and no pickle is run.
"""

import hashlib
import pickle
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torchvision import models

from core.backbones import Backbone, slim
from core.checkpoint import CheckpointError, load_trunk
from core.downloading import MB, Refusals, Remote, load_remote
from core.families import SHAPES, AnyFamily, family_of
from core.i18n import _

Name = Literal["slim", "alexnet", "resnet18", "mobilenet_v3_small"]


@dataclass(frozen=True)
class Pretrained:
    """A trunk that somebody trained: its ``title``, the ``side`` in pixels of the square images that it is shown
    here, the ``channels`` of its map and its ``stride`` in pixels, and the learning ``rate`` that it bears when it
    goes on learning with Adam.

    Of one that torchvision trained on ImageNet there are also its ``url``, the ``megabytes`` (10^6 bytes) of that
    file, and how a network of ``make`` is cut ``into`` the layers of a trunk.
    """

    name: Name
    title: str
    side: int
    channels: int
    stride: int
    rate: float
    url: str = ""
    megabytes: float = 0.0
    make: Callable[[], nn.Module] | None = None
    into: Callable[..., list[nn.Module]] = list

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
        return self.cut(self.make()) if self.make else slim()

    def cut(self, network: nn.Module) -> Backbone:
        """Return the trunk of torchvision's ``network``."""
        return Backbone(*self.into(network), channels=self.channels, stride=self.stride)


def _of_resnet(network: models.ResNet) -> list[nn.Module]:
    blocks = (network.layer1, network.layer2, network.layer3, network.layer4)
    return [network.conv1, network.bn1, network.relu, network.maxpool, *blocks]


_PLACE = "https://download.pytorch.org/models"
_RESNET = f"{_PLACE}/resnet18-f37072fd.pth"

# ImageNet's trunks were trained on 224 pixels: at 128 they take a third of the time and know a little less.
PRETRAINED: dict[Name, Pretrained] = {
    kind.name: kind
    for kind in (
        Pretrained("slim", "Slim AlexNet", 96, 128, 16, 3e-3),
        Pretrained(
            "alexnet",
            "AlexNet",
            128,
            256,
            16,
            1e-4,  # without batch normalisation it bears less
            f"{_PLACE}/alexnet-owt-7be5be79.pth",
            244.4,
            models.alexnet,
            lambda network: list(network.features)[:-1],
        ),
        Pretrained("resnet18", "ResNet-18", 128, 512, 32, 3e-4, _RESNET, 46.8, models.resnet18, _of_resnet),
        Pretrained(
            "mobilenet_v3_small",
            "MobileNetV3-Small",
            128,
            576,
            32,
            3e-4,
            f"{_PLACE}/mobilenet_v3_small-047dcff4.pth",
            10.3,
            models.mobilenet_v3_small,
            lambda network: list(network.features),
        ),
    )
}


def at_hand() -> tuple[Name, ...]:
    """Return the trunks whose trained weights are on this machine, ours first."""
    return tuple(name for name, kind in PRETRAINED.items() if not kind.url or kind.file.is_file())


def trained(name: Name, family: AnyFamily = SHAPES) -> Backbone:
    """Return trunk ``name`` with trained weights, ours from ``family``.

    Raises:
        CheckpointError: the weights are missing, damaged or not those that torchvision published.
    """
    kind = PRETRAINED[name]
    if kind.make is None:
        trunk = slim()
        load_trunk(trunk, "trunk", family_of(family).folder)
        return trunk
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
