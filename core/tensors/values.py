"""What the tensor language computes with: tensors, arrays, numbers, dtypes, and lists and tuples of them."""

import ast
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.i18n import _
from core.tensors.budget import check_size
from core.tensors.errors import RefusalError
from core.tensors.functions import (
    ARRAY_ATTRIBUTES,
    ARRAY_METHODS,
    METHODS,
    MOST_ITEMS,
    PAIR_ATTRIBUTES,
    TENSOR_ATTRIBUTES,
    Function,
    count,
)

LARGEST = 2**63  # Python's whole numbers stay below, as torch's do
_BITS = 64


def accepted(value: Any) -> Any:
    """Return ``value`` if it is one that the language has; numpy's numbers become Python's.

    Raises:
        RefusalError: it is not, or too large.
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int | float | torch.dtype | None):
        if isinstance(value, int) and not -LARGEST <= value < LARGEST:
            raise RefusalError(_("This number is too large."), _("Whole numbers stay below 2**63, as in a tensor."))
    elif isinstance(value, Tensor):
        check_size(value.shape)
    elif isinstance(value, np.ndarray):
        if value.dtype.kind not in "biuf":
            raise RefusalError(_("An array holds numbers."), _("Look at what goes into it."))
        check_size(value.shape)
    elif isinstance(value, list | tuple):
        for item in value:
            accepted(item)
    else:
        message = _("A result of the kind {kind} is not shown.").format(kind=type(value).__name__)
        raise RefusalError(message, _("Results are tensors and real numbers."))
    return value


def constant(value: object) -> Any:
    """Return a constant of the source.

    Raises:
        RefusalError: it is a string or a complex number.
    """
    if isinstance(value, str | bytes):
        message = _("A string means nothing here.")
        raise RefusalError(
            message, _("Only the equation of einsum and a few options are strings; dtypes are plain names.")
        )
    return value if value is Ellipsis else accepted(value)


def counted(items: Any) -> Any:
    """Return ``items``, a list or tuple, if it holds no more than a list may.

    Raises:
        RefusalError: it holds more.
    """
    count(items, MOST_ITEMS, tensors_whole=True)
    return items


def plain(value: Any) -> bool:
    """Tell whether ``value`` is a dtype, None, or a shape: what can only be equal or not."""
    if isinstance(value, list | tuple):
        return all(isinstance(item, int | float) for item in value)
    return value is None or isinstance(value, torch.dtype)


def basic_index(index: Any) -> Any:
    """Return ``index`` if it takes a view of an array: whole numbers, slices, None and ``...``.

    Raises:
        RefusalError: it would make a copy.
    """
    for part in index if isinstance(index, tuple) else (index,):
        if not isinstance(part, int | slice | None) and part is not Ellipsis:
            raise RefusalError(
                _("An array takes whole numbers and slices here."), _("Index a tensor: from_numpy makes one.")
            )
    return index


def check_bomb(operation: ast.operator, left: int, right: int) -> None:
    """Look at a power or shift of whole numbers before it is computed.

    Raises:
        RefusalError: the result would be too large.
    """
    power = isinstance(operation, ast.Pow) and abs(left) > 1 and right > 0
    shift = isinstance(operation, ast.LShift)
    if (power and right * math.log2(abs(left)) > _BITS) or (shift and right > _BITS):
        raise RefusalError(_("This number is too large."), _("Whole numbers stay below 2**63, as in a tensor."))


def attributes_of(value: Any) -> set[str]:
    """Return the attributes of ``value`` that the language has."""
    if isinstance(value, Tensor):
        return TENSOR_ATTRIBUTES
    if isinstance(value, np.ndarray):
        return ARRAY_ATTRIBUTES
    return PAIR_ATTRIBUTES if type(value).__module__ == torch.return_types.__name__ else set()


def methods_of(value: Any) -> dict[str, Function]:
    """Return the methods of ``value`` that the language has."""
    if isinstance(value, Tensor):
        return METHODS
    return ARRAY_METHODS if isinstance(value, np.ndarray) else {}
