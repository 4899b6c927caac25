"""Small networks from a plain description, their tree of modules, one batch through them, and one update in numbers.

A description names the blocks in order, ``"conv 8, relu, max_pool 2, flatten, linear 10"``. A shape is that of one
sample: (C, H, W), or (F,) numbers in a row.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.autograd.descent import RULES, Settings
from core.i18n import _

MOST_BLOCKS = 14
MOST_PARAMETERS = 20_000
FROZEN = "frozen"

Shape = tuple[int, ...]


class BlockError(ValueError):
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


# ---- the tree of modules ----


@dataclass(frozen=True)
class Stored:
    """A parameter or buffer of a module: ``requires_grad`` is False for a buffer."""

    name: str
    shape: Shape
    requires_grad: bool


@dataclass(frozen=True)
class Node:
    """A module in its tree: the ``name`` that its parent knows it by, its class and settings, and what it holds.

    ``count`` are the parameters in it and in all below, ``trained`` those of them that have ``requires_grad``.
    """

    name: str
    kind: str
    settings: str
    parameters: tuple[Stored, ...]
    buffers: tuple[Stored, ...]
    children: tuple["Node", ...]
    count: int
    trained: int


def tree(module: nn.Module, name: str = "") -> Node:
    """Return ``module`` and all below it as data."""
    parameters = [
        Stored(key, tuple(value.shape), value.requires_grad) for key, value in module.named_parameters(recurse=False)
    ]
    buffers = [Stored(key, tuple(value.shape), False) for key, value in module.named_buffers(recurse=False)]
    sizes = [(value.numel(), value.requires_grad) for value in module.parameters()]
    return Node(
        name,
        type(module).__name__,
        module.extra_repr(),
        tuple(parameters),
        tuple(buffers),
        tuple(tree(child, key) for key, child in module.named_children()),
        sum(size for size, _trained in sizes),
        sum(size for size, trained in sizes if trained),
    )


# ---- one batch, forward and backward ----


@dataclass(frozen=True)
class Layer:
    """What a module made of one batch: its ``output`` (N, ...), and the ``gradient`` of the loss with respect to it.

    ``gradient`` is None where none came back: nothing before it is trained. ``dead`` is, for a ReLU, the share of its
    units, channels of a map, that are zero on the whole batch.
    """

    name: str
    output: Tensor
    gradient: Tensor | None
    dead: float | None


@dataclass(frozen=True)
class Passed:
    """One batch forward and backward: the ``loss``, its ``layers`` in order; the network's parameters hold ``grad``."""

    loss: float
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Batch:
    """Samples (N, ...) with their labels (N,), and the seed that dropout draws from: the same mask on every pass."""

    inputs: Tensor
    labels: Tensor
    seed: int = 0


def loss_on(network: nn.Module, batch: Batch) -> Tensor:
    """Return the mean cross-entropy of the ``network``'s scores, in training mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(batch.seed)
        return functional.cross_entropy(network.train()(batch.inputs), batch.labels)


def pass_through(network: nn.Module, batch: Batch) -> Passed:
    """Send ``batch`` forward and the loss's gradient back, with a hook on every module that has none below it."""
    modules = {name: module for name, module in network.named_modules() if not list(module.children())}
    outputs: dict[str, Tensor] = {}
    gradients: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
            outputs[name] = output.detach()
            if output.requires_grad:
                output.register_hook(lambda gradient: gradients.update({name: gradient}))

        return hook

    handles = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    network.zero_grad()
    loss = loss_on(network, batch)
    loss.backward()
    for handle in handles:
        handle.remove()
    layers = [
        Layer(name, outputs[name], gradients.get(name), _dead(outputs[name]) if isinstance(module, nn.ReLU) else None)
        for name, module in modules.items()
    ]
    return Passed(loss.item(), tuple(layers))


def _dead(output: Tensor) -> float:
    units = output.transpose(0, 1).flatten(1)
    return float((units == 0).all(1).float().mean())


# ---- one update, by hand and by the optimizer ----


@dataclass(frozen=True)
class Way:
    """A way to update: the rule in ``RULES``, with its weight decay, and the ``step`` that is looked at, from 1."""

    rule: str
    decay: float = 0.0
    step: int = 1


MOMENTUM = 0.9
WAYS = {
    "sgd": Way("sgd"),
    "decay": Way("sgd", decay=0.1),
    "momentum": Way("momentum", step=2),
    "adam": Way("adam"),
}


@dataclass(frozen=True)
class Update:
    """One step of an optimizer, as lists of tensors, one for each trained parameter, in the network's order.

    ``before`` and ``gradients`` are the parameters and their gradients before the step, ``earlier`` the gradients one
    step before that (empty at step 1). ``by_hand`` are the parameters that the rule gives, ``by_step`` those that
    ``torch.optim`` gives; ``losses`` are the batch's before and after.
    """

    names: tuple[str, ...]
    before: list[Tensor]
    gradients: list[Tensor]
    earlier: list[Tensor]
    by_hand: list[Tensor]
    by_step: list[Tensor]
    losses: tuple[float, float]

    def difference(self) -> float:
        """Return the largest difference between what the hand and what the optimizer gives."""
        return max(float((a - b).abs().max()) for a, b in zip(self.by_hand, self.by_step, strict=True))


def update(network: nn.Module, batch: Batch, way: Way, lr: float) -> Update:
    """Take ``way.step`` steps from where the ``network`` is, by hand and by ``torch.optim``; it stays as it is."""
    settings = Settings(lr, MOMENTUM, way.decay)
    hand, steps = deepcopy(network), deepcopy(network)
    walks = [RULES[way.rule](parameter.detach().clone(), settings) for parameter in _trained(hand).values()]
    visited = [[next(walk) for walk in walks]]
    gradients = []
    for _step in range(way.step):
        gradients.append(_gradients(hand, batch))
        visited.append([walk.send(g) for walk, g in zip(walks, gradients[-1], strict=True)])
        with torch.no_grad():
            for parameter, value in zip(_trained(hand).values(), visited[-1], strict=True):
                parameter.copy_(value)
    optimizer = _optimizer(way, list(_trained(steps).values()), lr)
    losses = []
    for _step in range(way.step):
        optimizer.zero_grad()
        loss = loss_on(steps, batch)
        loss.backward()
        losses.append(loss.item())
        optimizer.step()
    after = loss_on(steps, batch).item()
    return Update(
        tuple(_trained(network)),
        visited[-2],
        gradients[-1],
        gradients[-2] if way.step > 1 else [],
        visited[-1],
        [parameter.detach() for parameter in _trained(steps).values()],
        (losses[-1], after),
    )


def _optimizer(way: Way, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
    if way.rule == "adam":
        return torch.optim.Adam(parameters, lr, (MOMENTUM, 0.999), weight_decay=way.decay)
    momentum = MOMENTUM if way.rule == "momentum" else 0.0
    return torch.optim.SGD(parameters, lr, momentum, weight_decay=way.decay)


def _trained(network: nn.Module) -> dict[str, nn.Parameter]:
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def _gradients(network: nn.Module, batch: Batch) -> list[Tensor]:
    return list(torch.autograd.grad(loss_on(network, batch), list(_trained(network).values())))
