"""Where the elements of a tensor lie: its storage is one row of cells, and shape, stride and offset say how to read it.

A tensor is a way of reading: element (i, j, ...) lies in cell ``offset + i * stride[0] + j * stride[1] + ...``. Tensors
and arrays over the same memory are ways of reading the same cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.lib.array_utils import byte_bounds
from torch import Tensor

Readable = Tensor | np.ndarray


@dataclass(frozen=True)
class View:
    """How the tensor or array called ``name`` reads a storage.

    ``stride`` and ``offset`` count elements; the offset is from the storage's first cell. An element takes ``span``
    cells, more than one only where another dtype divides the same storage finer.
    """

    name: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    contiguous: bool
    span: int = 1

    @property
    def cells(self) -> Tensor:
        """The first cell (N,) int64 of each element in the order in which it reads them, the last index fastest."""
        return cells_read(self.shape, self.stride, self.offset) * self.span


@dataclass(frozen=True)
class Storage:
    """One row of cells: ``values`` (C,), and the ``views`` that read it, in the order of their names."""

    values: Tensor
    views: tuple[View, ...]


def row_major(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the strides, in elements, of a fresh tensor of ``shape``: the last axis steps by one."""
    strides: list[int] = []
    step = 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], stride: Sequence[int]) -> bool:
    """Tell whether a tensor reads neighbouring cells one after the other; an axis of size 1 steps nowhere."""
    if 0 in shape:
        return True
    return all(size == 1 or step == own for size, step, own in zip(shape, stride, row_major(shape), strict=True))


def cells_read(shape: Sequence[int], stride: Sequence[int], offset: int) -> Tensor:
    """Return the cell (N,) int64 of each element of a tensor, in the order in which it reads them."""
    cells = torch.full((1,) * len(shape), offset)
    for axis, (size, step) in enumerate(zip(shape, stride, strict=True)):
        steps = torch.arange(size) * step
        cells = cells + steps.reshape([-1 if other == axis else 1 for other in range(len(shape))])
    return cells.flatten()


def storages(values: Mapping[str, Readable]) -> list[Storage]:
    """Return the storages behind the named tensors and arrays, in the order of their first names."""
    groups: list[list[str]] = []
    for name, value in values.items():
        sharing = [group for group in groups if any(_overlap(value, values[other]) for other in group)]
        groups = [group for group in groups if group not in sharing]
        groups.append([*(other for group in sharing for other in group), name])
    order = list(values)
    groups = sorted((sorted(group, key=order.index) for group in groups), key=lambda group: order.index(group[0]))
    return [_storage({name: values[name] for name in group}) for group in groups]


def _overlap(one: Readable, other: Readable) -> bool:
    (start, end), (other_start, other_end) = memory_of(one), memory_of(other)
    return max(start, other_start) < min(end, other_end)


def memory_of(value: Readable) -> tuple[int, int]:
    """Return the first address of a tensor's whole storage or of an array's elements, and the one behind the last."""
    if isinstance(value, np.ndarray):
        return byte_bounds(value) if value.size else (0, 0)
    storage = value.untyped_storage()
    return storage.data_ptr(), storage.data_ptr() + storage.nbytes()


def _storage(values: Mapping[str, Readable]) -> Storage:
    """Return the storage that all of ``values`` share."""
    start = min(memory_of(value)[0] for value in values.values())
    cell = min(value.itemsize for value in values.values())  # bytes
    widest = max(values.values(), key=lambda value: memory_of(value)[1] - memory_of(value)[0])
    finest = next(value for value in values.values() if value.itemsize == cell)
    return Storage(_all_cells(widest, finest), tuple(_view(name, value, start, cell) for name, value in values.items()))


def _view(name: str, value: Readable, start: int, cell: int) -> View:
    size = value.itemsize
    if isinstance(value, np.ndarray):
        stride = tuple(step // size for step in value.strides)
        address = value.__array_interface__["data"][0]
    else:
        stride, address = value.stride(), value.data_ptr()
    shape = tuple(value.shape)
    offset = (address - start) // size if 0 not in shape else 0
    return View(name, shape, tuple(stride), offset, is_contiguous(shape, stride), size // cell)


def _all_cells(value: Readable, finest: Readable) -> Tensor:
    """Return a copy of all cells of the memory of ``value``, as numbers of the dtype of ``finest``."""
    if isinstance(value, np.ndarray):
        ascending = value[tuple(slice(None, None, -1 if step < 0 else 1) for step in value.strides)]
        start, end = memory_of(value)
        count = (end - start) // value.itemsize
        row = np.lib.stride_tricks.as_strided(ascending, (count,), (value.itemsize,))
        return torch.from_numpy(row.copy()).view(_dtype(finest))
    whole = torch.empty(0, dtype=torch.uint8).set_(value.untyped_storage())
    return whole.clone().view(_dtype(finest))


def _dtype(value: Readable) -> torch.dtype:
    return value.dtype if isinstance(value, Tensor) else torch.from_numpy(np.empty(0, value.dtype)).dtype
