"""What the tensor language does to values: each call, operator and access, once it is known what that costs."""

import ast
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.i18n import _
from core.tensors.advice import not_in_the_language
from core.tensors.budget import Budget, check_size, shadow_of_index
from core.tensors.errors import RefusalError
from core.tensors.functions import Function, nothing
from core.tensors.source import Node, Place, place_of
from core.tensors.values import accepted, basic_index, check_bomb, plain

SEED = 0

_BINARY: dict[type[ast.operator], tuple[Callable[..., Any], Callable[..., Any]]] = {
    ast.Add: (operator.add, operator.iadd),
    ast.Sub: (operator.sub, operator.isub),
    ast.Mult: (operator.mul, operator.imul),
    ast.Div: (operator.truediv, operator.itruediv),
    ast.FloorDiv: (operator.floordiv, operator.ifloordiv),
    ast.Mod: (operator.mod, operator.imod),
    ast.Pow: (operator.pow, operator.ipow),
    ast.MatMult: (operator.matmul, operator.imatmul),
    ast.BitAnd: (operator.and_, operator.iand),
    ast.BitOr: (operator.or_, operator.ior),
    ast.BitXor: (operator.xor, operator.ixor),
    ast.LShift: (operator.lshift, operator.ilshift),
    ast.RShift: (operator.rshift, operator.irshift),
}
_ON_ARRAYS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Operations:
    """What one evaluation does, within its budget, and with random numbers of its own.

    ``at`` and ``operating`` are told of each operation as ``core.tensors.evaluate`` says; ``lines`` are the source's.
    """

    def __init__(
        self,
        lines: list[str],
        at: Callable[[Place], None] | None,
        operating: Callable[[Place, list[Tensor]], None] | None,
    ) -> None:
        self._lines = lines
        self._at = at
        self._operating = operating
        self._budget = Budget()
        self._generator = torch.Generator().manual_seed(SEED)

    def perform(self, function: Function, arguments: list[Any], keywords: dict[str, Any], node: Node) -> Any:
        """Call ``function`` once it is known what that costs, and return its value.

        Raises:
            RefusalError: it costs too much.
            Exception: what torch has against it.
        """
        self._begin(node)
        if function.elements is None:
            self._budget.rehearse(function.call, arguments, keywords)
        else:
            self._budget.estimate(function.elements(*arguments, **keywords), arguments)
        if function.call is Tensor.backward:
            self._budget.backward()
        generator = {"generator": self._generator} if function.random else {}
        return accepted(function.call(*arguments, **keywords, **generator))

    def change(self, operation: ast.unaryop, operand: Any, node: Node) -> Any:
        """Return what an operator with one operand makes of it."""
        return self._apply(_UNARY[type(operation)], [operand], node)

    def combine(self, operation: ast.operator, left: Any, right: Any, node: Node, in_place: bool = False) -> Any:
        """Return ``left`` and ``right`` combined; ``in_place`` writes it into ``left``, where that is a tensor."""
        if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
            if not isinstance(operation, _ON_ARRAYS):
                raise RefusalError(
                    _("Arrays have + - * / here."), _("from_numpy makes a tensor of an array, without a copy.")
                )
        elif isinstance(left, int) and isinstance(right, int):
            check_bomb(operation, left, right)
        return self._apply(_BINARY[type(operation)][in_place], [left, right], node)

    def compare(self, operation: ast.cmpop, left: Any, right: Any, node: Node) -> Any:
        """Return how ``left`` and ``right`` compare."""
        if isinstance(operation, ast.Is | ast.IsNot):
            return (left is right) == isinstance(operation, ast.Is)
        if type(operation) not in _COMPARE:
            raise not_in_the_language(operation)
        if isinstance(operation, ast.Eq | ast.NotEq) and plain(left) and plain(right):
            return _COMPARE[type(operation)](left, right)
        return self._apply(_COMPARE[type(operation)], [left, right], node)

    def read(self, node: ast.expr, place: Any, index: Any) -> Any:
        """Return ``place[index]``."""
        if isinstance(place, Tensor):
            return self._index_tensor(operator.getitem, [place, index], node)
        if isinstance(place, np.ndarray):
            return self.perform(Function(operator.getitem, nothing), [place, basic_index(index)], {}, node)
        if isinstance(place, list | tuple):
            return operator.getitem(place, index)
        raise RefusalError(_("This has no elements to index."), _("Index a tensor, an array, a list or a shape."))

    def write(self, node: ast.expr, place: Any, index: Any, value: Any) -> None:
        """Do ``place[index] = value``."""
        if isinstance(place, Tensor):
            self._index_tensor(operator.setitem, [place, index, value], node)
        elif isinstance(place, np.ndarray) and isinstance(value, int | float | np.ndarray):
            self.perform(Function(operator.setitem, nothing), [place, basic_index(index), value], {}, node)
        else:
            message = _("Only elements of a tensor or an array can be written, and an array takes numbers.")
            raise RefusalError(message, _("Make a tensor of a list with tensor(...)."))

    def _index_tensor(self, operation: Callable[..., Any], arguments: list[Any], node: ast.expr) -> Any:
        """Do ``operation`` on a tensor, an index and perhaps a value; a mask is rehearsed by what it selects."""
        place, index, *rest = arguments
        self._begin(node)
        self._budget.rehearse(operation, [place, shadow_of_index(index), *rest], {})
        return accepted(operation(*arguments))

    def _apply(self, operation: Callable[..., Any], operands: list[Any], node: Node) -> Any:
        """Apply an operator to numbers, tensors or arrays."""
        for operand in operands:
            if not isinstance(operand, int | float | Tensor | np.ndarray):
                kind = type(operand).__name__
                message = _("An operator takes tensors and numbers, not a {kind}.").format(kind=kind)
                raise RefusalError(message, _("Make a tensor of a list with tensor(...)."))
        if any(isinstance(operand, Tensor) for operand in operands):
            if any(isinstance(operand, np.ndarray) for operand in operands):
                raise RefusalError(_("This mixes a tensor and an array."), _("from_numpy makes a tensor of the array."))
            tensors = [operand for operand in operands if isinstance(operand, Tensor)]
            if self._operating is not None and operation is not operator.matmul and len(tensors) > 1:
                self._operating(place_of(node, self._lines), tensors)
            return self.perform(Function(operation), operands, {}, node)
        shapes = [operand.shape for operand in operands if isinstance(operand, np.ndarray)]
        elements = check_size(np.broadcast_shapes(*shapes))
        return self.perform(Function(operation, lambda *_operands: elements), operands, {}, node)

    def _begin(self, node: Node) -> None:
        self._budget.call()
        if self._at is not None:
            self._at(place_of(node, self._lines))
