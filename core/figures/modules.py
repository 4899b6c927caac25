"""What the view of a network of blocks shows, ready for JSON: its blocks and modules, one batch, and one update."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from core.autograd.blocks import (
    FROZEN,
    KINDS,
    Block,
    BlockError,
    Number,
    Shape,
    build,
    expect_scores,
    parse,
    shape_words,
)
from core.autograd.descent import EPSILON
from core.autograd.modules import (
    MOMENTUM,
    WAYS,
    Batch,
    Layer,
    Node,
    Stored,
    Update,
    pass_through,
    tree,
    update,
)
from core.data.digits import handwritten
from core.data.points import labelled_points
from core.figures.sent.modules import (
    BlockData,
    BlockNumber,
    BuiltNetwork,
    HistogramData,
    LayerSpread,
    ModuleRow,
    StoredTensor,
    UpdateData,
    UpdateWay,
)
from core.figures.transport import packed
from core.figures.transposed import signed_colours

BATCH = 64
BINS = 33
ROWS, COLUMNS = 10, 24  # of a parameter, as a matrix, whose update is shown
PICTURES = 6  # digits of the batch that are shown


@dataclass(frozen=True)
class Source:
    """Where the batch comes from: a sample's ``shape``, the number of ``classes``, and networks to begin with."""

    shape: Shape
    classes: int
    draw: Callable[[], tuple[Tensor, Tensor]]
    presets: dict[str, str]


def _digits(count: int) -> tuple[Tensor, Tensor]:
    """Return handwritten digits to train on: images (N, 1, 8, 8) from 0 to 1, labels (N,)."""
    images, labels = handwritten("train")
    return images[:count, None] / 255, labels[:count]


SOURCES = {
    "digits": Source(
        (1, 8, 8),
        10,
        lambda: _digits(BATCH),
        {
            "convolutions": "conv 8, relu, max_pool 2, conv 16, relu, flatten, linear 32, relu, linear 10",
            "norm": "conv 8, batch_norm, relu, max_pool 2, conv 16, batch_norm, relu, flatten, dropout 0.2, linear 10",
            "sigmoids": "flatten, " + "linear 32, sigmoid, " * 5 + "linear 10",
            "relus": "flatten, " + "linear 32, relu, " * 5 + "linear 10",
            "frozen": "conv 8 frozen, relu, max_pool 2, flatten, linear 32, relu, linear 10",
            "misfit": "conv 8, relu, max_pool 2, linear 10",
        },
    ),
    "moons": Source(
        (2,),
        2,
        partial(labelled_points, "moons", BATCH, 0.2, 0),
        {
            "small": "linear 8, tanh, linear 8, tanh, linear 2",
            "relus": "linear 16, relu, " * 4 + "linear 2",
            "norm": "linear 16, batch_norm, relu, linear 16, batch_norm, relu, linear 2",
            "misfit": "linear 8, relu, conv 4, linear 2",
        },
    ),
}


def first_network(source: str) -> str:
    """Return the description to begin with on the data called ``source``."""
    return next(iter(SOURCES[source].presets.values()))


def network_data(source: str, description: str, seed: int, lr: float) -> BuiltNetwork:
    """Return the blocks of ``description``; where they are a network also its modules, a batch and an update.

    ``blocks`` come with the shape after each, as far as they fit; what is wrong is the sentence ``error`` and the
    place ``blame`` of the block that it is about, or None.

    Raises:
        BlockError: the description cannot be read as blocks.
    """
    where = SOURCES[source]
    blocks = parse(description)
    head: BuiltNetwork = {
        "presets": where.presets,
        "kinds": {name: [_number(number) for number in kind.numbers] for name, kind in KINDS.items()},
        "frozenWord": FROZEN,
        "input": shape_words(where.shape),
        "pictures": _pictures(source),
        "blocks": [],
        "error": "",
        "blame": None,
    }
    try:
        built = build(blocks, where.shape, seed)
    except BlockError as error:
        fitting = build(blocks[: error.block], where.shape).shapes if error.block else ()
        return {**head, "blocks": _blocks(blocks, fitting), "error": str(error), "blame": error.block}
    head["blocks"] = _blocks(blocks, built.shapes)
    try:
        expect_scores(built, where.classes)
    except BlockError as error:
        return {**head, "error": str(error), "blame": len(blocks) - 1}
    batch = Batch(*where.draw(), seed)
    # A network of its own for each: a pass moves batch norm's running statistics.
    updates = {name: update(built.network, batch, way, lr) for name, way in WAYS.items()}
    names = tree(built.network)
    passed = pass_through(built.network, batch)
    gradients = {name: parameter.grad for name, parameter in built.network.named_parameters()}
    return {
        **head,
        "loss": passed.loss,
        "modules": _rows(names, {layer.name: place for place, layer in enumerate(passed.layers)}),
        "layers": [_layer(layer) for layer in passed.layers],
        "gradients": {name: None if g is None else _histogram(g) for name, g in gradients.items()},
        "update": _updates(updates, lr),
    }


def _number(number: Number) -> BlockNumber:
    return {"least": number.least, "most": number.most, "default": number.default, "whole": number.whole}


def _pictures(source: str) -> list[str]:
    if source != "digits":
        return []
    return [packed((255 * image).round(), "u1") for image in _digits(PICTURES)[0][:, 0]]


def _blocks(blocks: Sequence[Block], shapes: Sequence[Shape]) -> list[BlockData]:
    words: list[str | None] = [shape_words(shape) for shape in shapes]
    words += [None] * (len(blocks) - len(words))
    return [
        {"kind": block.kind, "numbers": list(block.numbers), "frozen": block.frozen, "shape": shape}
        for block, shape in zip(blocks, words, strict=True)
    ]


def _rows(node: Node, layers: dict[str, int], path: str = "", depth: int = 0) -> list[ModuleRow]:
    """Return ``node`` and all below it as the rows of a table; ``layer`` is the place of one without children."""
    row: ModuleRow = {
        "name": path,
        "depth": depth,
        "kind": node.kind,
        "settings": node.settings,
        "parameters": [_stored(one) for one in node.parameters],
        "buffers": [_stored(one) for one in node.buffers],
        "count": node.count,
        "trained": node.trained,
        "layer": layers.get(path),
    }
    below = [_rows(child, layers, f"{path}.{child.name}" if path else child.name, depth + 1) for child in node.children]
    return [row, *(one for rows in below for one in rows)]


def _stored(one: Stored) -> StoredTensor:
    return {"name": one.name, "shape": " x ".join(map(str, one.shape)), "trained": one.requires_grad}


def _layer(layer: Layer) -> LayerSpread:
    return {
        "name": layer.name,
        "activations": _histogram(layer.output),
        "gradient": None if layer.gradient is None else _histogram(layer.gradient),
        "dead": layer.dead,
    }


def _histogram(values: Tensor) -> HistogramData:
    """Return the counts of ``values`` in bins from the lowest to the highest, with mean and standard deviation."""
    low, high = float(values.min()), float(values.max())
    counts = torch.histc(values.float(), BINS, low, high) if high > low else torch.tensor([float(values.numel())])
    return {
        "low": low,
        "high": high,
        "counts": counts.int().tolist(),
        "mean": float(values.mean()),
        "std": float(values.std(correction=0)),
    }


def _updates(updates: dict[str, Update], lr: float) -> UpdateData:
    """Return the updates of the parameters, of each the first rows and columns as a matrix, one after the other."""
    first = next(iter(updates.values()))
    matrices = [_matrix(before) for before in first.before]
    return {
        "lr": lr,
        "momentum": MOMENTUM,
        "epsilon": EPSILON,
        "colours": signed_colours(),
        "parameters": [
            {"name": name, "shape": " x ".join(map(str, before.shape)), "rows": len(part), "columns": part.shape[1]}
            for name, before, part in zip(first.names, first.before, matrices, strict=True)
        ],
        "count": sum(before.numel() for before in first.before),
        "ways": {name: _way(one, WAYS[name].decay) for name, one in updates.items()},
    }


def _way(one: Update, decay: float) -> UpdateWay:
    def flat(tensors: Sequence[Tensor]) -> str:
        return packed(torch.cat([_matrix(tensor).flatten() for tensor in tensors]), "f4") if tensors else ""

    return {
        "decay": decay,
        "before": flat(one.before),
        "gradients": flat(one.gradients),
        "earlier": flat(one.earlier),
        "byHand": flat(one.by_hand),
        "byStep": flat(one.by_step),
        "difference": one.difference(),
        "losses": list(one.losses),
    }


def _matrix(parameter: Tensor) -> Tensor:
    rows = parameter.detach().flatten(1) if parameter.ndim > 1 else parameter.detach()[None]
    return rows[:ROWS, :COLUMNS]
