"""What the tensor playground draws: each tensor as a heat map, the storage that it reads, and how shapes broadcast."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.figures.palette import OKABE_ITO
from core.figures.sent.tensors import (
    BroadcastData,
    DrawnPart,
    Evaluated,
    LineError,
    StorageCells,
    TensorCells,
)
from core.tensors import ExpressionError, evaluate
from core.tensors.broadcasting import Broadcast, broadcast
from core.tensors.expression import LAST
from core.tensors.source import Place
from core.tensors.storage import Readable, Storage, View, cells_read, storages

MOST_CELLS = 256  # drawn of a tensor or a storage
MOST_SIDE = 16  # rows and columns drawn of a tensor
MOST_PARTS = 8  # shown of a list of tensors
MOST_TENSORS = 24
MOST_LETTERS = 200  # of a value in words

Crop = tuple[slice, ...]


def playground_data(source: str) -> Evaluated:
    """Return, ready for JSON, what ``source`` makes.

    ``storages`` are rows of cells with a ``colour``, the ``labels`` of the cells that are drawn and whether any
    tensor has ``read`` them, and ``count``, how many there are. Each of ``tensors`` has its facts (``shape``,
    ``dtype``, ``stride``, ``offset``, ``contiguous``, ``leaf``), its ``storage`` by number, and, of the part that is
    drawn, the shape ``drawn`` with each element's label, shade from 0 to 1 (None for what is not finite) and first
    cell, in reading order; an element takes ``span`` cells. ``others`` are pairs of a name and a value in words.
    ``broadcast`` is the last operation whose operands differed in shape, or None. ``error`` is what stopped the
    evaluation, or None: then the rest is from the lines before.
    """
    seen: list[tuple[Broadcast, list[Tensor]]] = []

    def note(place: Place, operands: list[Tensor]) -> None:
        if len({operand.shape for operand in operands}) > 1:
            seen[:] = [(broadcast(source, place, operands), [operand.detach().clone() for operand in operands])]

    error: LineError | None = None
    try:
        values = evaluate(source, operating=note)
    except ExpressionError as raised:
        values = raised.values
        error = {
            "message": str(raised),
            "help": raised.help,
            "line": raised.line,
            "column": raised.column,
            "end": raised.end_column,
        }
    shown = dict(list(_readable(values))[:MOST_TENSORS])
    rows = storages(shown)
    return {
        "source": source,
        "storages": [_storage_data(row, number) for number, row in enumerate(rows)],
        "tensors": _tensors_data(shown, rows),
        "others": [[name, _in_words(value)] for name, value in values.items() if not _holds_tensors(value)],
        "broadcast": _broadcast_data(*seen[-1]) if seen else None,
        "error": error,
    }


def _readable(values: Mapping[str, Any]) -> Iterator[tuple[str, Readable]]:
    """Yield every tensor and array, the parts of lists and the gradients by names that the language understands."""
    for name, value in values.items():
        if name == LAST and any(value is other for other_name, other in values.items() if other_name != LAST):
            continue
        if isinstance(value, list | tuple):
            parts = {f"{name}[{number}]": part for number, part in enumerate(value[:MOST_PARTS])}
            yield from ((key, part) for key, part in parts.items() if isinstance(part, Tensor | np.ndarray))
        elif isinstance(value, Tensor | np.ndarray):
            yield name, value
            if isinstance(value, Tensor) and value.is_leaf and value.grad is not None:
                yield f"{name}.grad", value.grad


def _holds_tensors(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(isinstance(part, Tensor | np.ndarray) for part in value)
    return isinstance(value, Tensor | np.ndarray)


def _in_words(value: Any) -> str:
    words = str(tuple(value)) if isinstance(value, torch.Size) else str(value)
    return words if len(words) <= MOST_LETTERS else f"{words[:MOST_LETTERS]}..."


# ---- storage ----


def _storage_data(row: Storage, number: int) -> StorageCells:
    drawn = row.values[:MOST_CELLS]
    return {
        "colour": OKABE_ITO[number % len(OKABE_ITO)],
        "count": len(row.values),
        "dtype": _dtype(row.values),
        "labels": labels_of(drawn),
        "shades": _shades(drawn, row.values),
        "read": _cells_read(row)[: len(drawn)].tolist(),
    }


def _cells_read(row: Storage) -> Tensor:
    """Return for each cell (C,) bool whether any tensor reads it."""
    read = torch.zeros(len(row.values), dtype=torch.bool)
    for view in row.views:
        cells = view.cells
        for part in range(view.span):
            read[cells + part] = True
    return read


def _tensors_data(shown: Mapping[str, Readable], rows: list[Storage]) -> list[TensorCells]:
    entries = {
        view.name: _tensor_data(shown[view.name], view, row, number)
        for number, row in enumerate(rows)
        for view in row.views
    }
    return [entries[name] for name in shown]


def _tensor_data(value: Readable, view: View, row: Storage, number: int) -> TensorCells:
    crop = crop_of(view.shape)
    elements = _elements(value, crop)
    return {
        "name": view.name,
        "array": isinstance(value, np.ndarray),
        "storage": number,
        "dtype": _dtype(value),
        "shape": list(view.shape),
        "stride": list(view.stride),
        "offset": view.offset,
        "contiguous": view.contiguous,
        "leaf": isinstance(value, Tensor) and value.requires_grad and value.is_leaf,
        "graph": value.grad_fn.name() if isinstance(value, Tensor) and value.grad_fn is not None else None,
        "drawn": list(elements.shape),
        "labels": labels_of(elements),
        "shades": _shades(elements, row.values if view.span == 1 else elements),
        "cells": (cells_read(elements.shape, view.stride, view.offset) * view.span).tolist(),
        "span": view.span,
    }


def crop_of(shape: tuple[int, ...]) -> Crop:
    """Return the corner of a tensor of ``shape`` that is drawn: at most ``MOST_CELLS`` elements."""
    left = MOST_CELLS
    sizes: list[int] = []
    for size in reversed(shape):
        sizes.append(min(size, MOST_SIDE if len(sizes) < 2 and len(shape) > 1 else MOST_CELLS, max(left, 1)))
        left //= max(sizes[-1], 1)
    return tuple(slice(size) for size in reversed(sizes))


def _elements(value: Readable, crop: Crop) -> Tensor:
    part = value[crop] if crop else value
    return torch.from_numpy(np.array(part)) if isinstance(part, np.ndarray) else part.detach()


def labels_of(values: Tensor) -> list[str]:
    """Return each element of ``values`` in at most six or so letters, in reading order."""
    return [_label(value) for value in values.flatten().tolist()]


def _label(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value) if abs(value) < 1_000_000 else f"{value:.1e}"
    return f"{value:.3g}"


def _shades(values: Tensor, among: Tensor) -> list[float | None]:
    """Return how far each of ``values`` is from the least to the greatest of the finite values ``among`` others."""
    numbers, scale = values.detach().flatten().double(), among.detach().flatten().double()
    scale = scale[scale.isfinite()]
    if not len(scale):
        return [None] * len(numbers)
    low, high = scale.min(), scale.max()
    shades = (numbers - low) / (high - low) if high > low else torch.full_like(numbers, 0.5)
    finite = numbers.isfinite().tolist()
    return [round(shade, 3) if fine else None for shade, fine in zip(shades.tolist(), finite, strict=True)]


def _dtype(value: Readable) -> str:
    return str(value.dtype).removeprefix("torch.")


# ---- broadcasting ----


def _broadcast_data(described: Broadcast, operands: list[Tensor]) -> BroadcastData:
    return {
        "operands": [
            {
                "name": name,
                "shape": list(shape),
                "stretched": [axis.stretched[number] for axis in described.axes],
                "sizes": [axis.sizes[number] for axis in described.axes],
                **_stretched(operand, described.shape),
            }
            for number, (name, shape, operand) in enumerate(
                zip(described.operands, described.shapes, operands, strict=True)
            )
        ],
        "sizes": [axis.size for axis in described.axes],
    }


def _stretched(operand: Tensor, shape: tuple[int, ...] | None) -> DrawnPart:
    """Return the corner that is drawn of ``operand``, as the operation reads it: stretched to ``shape``, if there is
    one."""
    whole = operand if shape is None else operand.expand(shape)
    part = _elements(whole, crop_of(tuple(whole.shape)))
    return {"drawn": list(part.shape), "labels": labels_of(part)}
