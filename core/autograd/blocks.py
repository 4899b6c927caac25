"""Small networks from a plain description.

A description names the blocks in order, ``"conv 8, relu, max_pool 2, flatten, linear 10"``. A shape is that of one
sample: (C, H, W), or (F,) numbers in a row.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import nn

from core.faults import UserError
from core.i18n import _

MOST_BLOCKS = 14
MOST_PARAMETERS = 20_000
FROZEN = "frozen"

Shape = tuple[int, ...]


class BlockError(UserError):
    """A description that is no network; the message is a sentence that says what to do.

    ``block`` is the place of the block that is to blame, from 0; None where it is the network as a whole.
    """

    def __init__(self, message: str, block: int | None = None):
        super().__init__(message)
        self.block = block


@dataclass(frozen=True)
class Block:
    """One block: its ``kind``, a key of ``KINDS``, its ``numbers``, and whether its parameters are ``frozen``."""

    kind: str
    numbers: tuple[float, ...] = ()
    frozen: bool = False

    def __str__(self) -> str:
        return " ".join([self.kind, *(f"{number:g}" for number in self.numbers), *([FROZEN] if self.frozen else [])])


@dataclass(frozen=True)
class Number:
    """A number that a kind of block takes: its least, its most and its default, and whether it is a ``whole`` one."""

    least: float
    most: float
    default: float
    whole: bool = True


@dataclass(frozen=True)
class Kind:
    """A kind of block: ``make`` builds its module for a sample's shape; ``numbers`` are what stands behind its name."""

    make: Callable[..., nn.Module]
    numbers: tuple[Number, ...] = ()


def _convolution(shape: Shape, channels: float, kernel: float) -> nn.Module:
    _needs_map(shape)
    if kernel % 2 == 0:
        raise BlockError(_("its kernel has an odd side here, so that the map keeps its size: 1, 3, 5 or 7"))
    return nn.Conv2d(shape[0], int(channels), int(kernel), padding=int(kernel) // 2)


def _linear(shape: Shape, features: float) -> nn.Module:
    if len(shape) != 1:
        words = _("it gets a map of {shape}, and needs numbers in a row: put flatten before it")
        raise BlockError(words.format(shape=shape_words(shape)))
    return nn.Linear(shape[0], int(features))


def _batch_norm(shape: Shape) -> nn.Module:
    return nn.BatchNorm1d(shape[0]) if len(shape) == 1 else nn.BatchNorm2d(shape[0])


def _pool(module: type[nn.MaxPool2d] | type[nn.AvgPool2d]) -> Callable[..., nn.Module]:
    def make(shape: Shape, side: float) -> nn.Module:
        _needs_map(shape)
        if side > min(shape[1:]):
            words = _("it gets a map of {shape}, smaller than its window of {side} x {side}: take a smaller window")
            raise BlockError(words.format(shape=shape_words(shape), side=int(side)))
        return module(int(side))

    return make


def _needs_map(shape: Shape) -> None:
    if len(shape) != 3:
        words = _("it gets {shape}, and needs a map of channels x rows x columns, as images are before flatten")
        raise BlockError(words.format(shape=shape_words(shape)))


def _plain(module: type[nn.Module]) -> Kind:
    return Kind(lambda _shape: module())


KINDS: dict[str, Kind] = {
    "conv": Kind(_convolution, (Number(1, 32, 8), Number(1, 7, 3))),
    "linear": Kind(_linear, (Number(1, 256, 16),)),
    "relu": _plain(nn.ReLU),
    "tanh": _plain(nn.Tanh),
    "sigmoid": _plain(nn.Sigmoid),
    "gelu": _plain(nn.GELU),
    "batch_norm": Kind(_batch_norm),
    "dropout": Kind(lambda _shape, share: nn.Dropout(share), (Number(0, 0.95, 0.5, whole=False),)),
    "max_pool": Kind(_pool(nn.MaxPool2d), (Number(1, 8, 2),)),
    "avg_pool": Kind(_pool(nn.AvgPool2d), (Number(1, 8, 2),)),
    "flatten": _plain(nn.Flatten),
}


def shape_words(shape: Shape) -> str:
    """Return a sample's ``shape`` as one reads it: "8 x 4 x 4", or "128 numbers"."""
    return " x ".join(map(str, shape)) if len(shape) > 1 else _("{count} numbers").format(count=shape[0])


# ---- from a description to a network ----


def parse(description: str) -> list[Block]:
    """Read a ``description``, blocks with a comma between them; numbers that are left out take their defaults.

    Raises:
        BlockError: a block has a name that there is not, or numbers that do not suit it.
    """
    parts = [part.split() for part in description.lower().split(",") if part.strip()]
    if not parts:
        raise BlockError(_("There is no block yet. Add one, or type one: {example}.").format(example="linear 10"))
    if len(parts) > MOST_BLOCKS:
        words = _("These are {count} blocks, and at most {most} fit here: take some away.")
        raise BlockError(words.format(count=len(parts), most=MOST_BLOCKS))
    return [_block(place, words) for place, words in enumerate(parts)]


def _block(place: int, words: list[str]) -> Block:
    name, *rest = words
    if name not in KINDS:
        message = _("there is no such block; there are {names}").format(names=", ".join(KINDS))
        raise _to_blame(place, " ".join(words), message)
    frozen = FROZEN in rest
    given = [word for word in rest if word != FROZEN]
    wanted = KINDS[name].numbers
    if len(given) > len(wanted):
        message = _("it takes {count} numbers at most, here are {given}").format(count=len(wanted), given=len(given))
        raise _to_blame(place, " ".join(words), message)
    numbers = [number.default for number in wanted]
    for index, (text, number) in enumerate(zip(given, wanted, strict=False)):
        value = _number(text, number)
        if value is None:
            kind = _("a whole number") if number.whole else _("a number")
            message = _("{text} is to be {kind} from {least:g} to {most:g}").format(
                text=text[:20], kind=kind, least=number.least, most=number.most
            )
            raise _to_blame(place, " ".join(words), message)
        numbers[index] = value
    return Block(name, tuple(numbers), frozen)


def _number(text: str, number: Number) -> float | None:
    """Return the number that ``text`` writes, or None where it is none, or not one that ``number`` allows."""
    try:
        value = float(text)
    except ValueError:
        return None
    allowed = number.least <= value <= number.most and (not number.whole or value == int(value))
    return value if allowed else None


def _to_blame(place: int, text: str, message: str) -> BlockError:
    words = _("Block {number}, {text}: {message}.")
    return BlockError(words.format(number=place + 1, text=text[:40], message=message), place)


@dataclass(frozen=True)
class Built:
    """A ``network`` with, for each block in order, the ``names`` of its modules and the ``shapes`` that come out."""

    network: nn.Sequential
    names: tuple[str, ...]
    shapes: tuple[Shape, ...]


def build(blocks: Sequence[Block], shape: Shape, seed: int = 0) -> Built:
    """Build a network of ``blocks`` for samples of ``shape``, its weights drawn as PyTorch does, from ``seed``.

    Where there is a flatten, what comes before it is called ``features`` and what begins with it ``head``.

    Raises:
        BlockError: a block does not fit what it gets, or the network is too large.
    """
    modules, shapes = [], []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for place, block in enumerate(blocks):
            try:
                module = KINDS[block.kind].make(shape, *block.numbers)
            except BlockError as error:
                raise _to_blame(place, str(block), str(error)) from None
            modules.append(module.requires_grad_(not block.frozen))
            shape = _shape_after(module, shape)
            shapes.append(shape)
            if sum(parameter.numel() for made in modules for parameter in made.parameters()) > MOST_PARAMETERS:
                message = _("with it the network has more than {most} parameters: make it or what comes before smaller")
                raise _to_blame(place, str(block), message.format(most=MOST_PARAMETERS))
    network = _in_two(blocks, modules)
    names = tuple(name for name, module in network.named_modules() if not list(module.children()))
    return Built(network, names, tuple(shapes))


def _shape_after(module: nn.Module, shape: Shape) -> Shape:
    # Of a copy, in evaluation: the real one's running statistics are to begin with the first real batch.
    with torch.no_grad():
        return tuple(deepcopy(module).eval()(torch.zeros(1, *shape)).shape[1:])


def _in_two(blocks: Sequence[Block], modules: list[nn.Module]) -> nn.Sequential:
    kinds = [block.kind for block in blocks]
    cut = kinds.index("flatten") if "flatten" in kinds else 0
    if not cut:
        return nn.Sequential(*modules)
    network = nn.Sequential()
    network.add_module("features", nn.Sequential(*modules[:cut]))
    network.add_module("head", nn.Sequential(*modules[cut:]))
    return network


def expect_scores(built: Built, classes: int) -> None:
    """Check that the network scores so many ``classes`` and has something to train.

    Raises:
        BlockError: it does not, or has not.
    """
    if built.shapes[-1] != (classes,):
        words = _(
            "The network ends with {shape}, and cross-entropy needs {classes} numbers, one a class: end with {end}."
        )
        end = f"linear {classes}" if len(built.shapes[-1]) == 1 else f"flatten, linear {classes}"
        raise BlockError(words.format(shape=shape_words(built.shapes[-1]), classes=classes, end=end))
    if not any(parameter.requires_grad for parameter in built.network.parameters()):
        raise BlockError(_("No parameter can be trained: add a linear block, or thaw one."))
