"""How shapes are made to fit: aligned from the right, and every axis of size 1 stretched to its partner's size."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from core.tensors.source import Place, lines_of, parsed

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """One axis of the result: the ``sizes`` that the operands have there, None where one has no such axis.

    ``size`` is the result's, None where the operands' sizes do not fit.
    """

    sizes: tuple[int | None, ...]
    size: int | None

    @property
    def stretched(self) -> tuple[bool, ...]:
        """For each operand whether its elements are read again and again along this axis."""
        return tuple(self.size not in (None, 1) and size in (1, None) and size != self.size for size in self.sizes)


@dataclass(frozen=True)
class Broadcast:
    """An operation on ``operands``, as the source calls them, of ``shapes``, and its ``axes`` from the left."""

    operands: tuple[str, ...]
    shapes: tuple[Shape, ...]
    axes: tuple[Axis, ...]

    @property
    def shape(self) -> Shape | None:
        """The shape of the result, None where there is none."""
        sizes = [axis.size for axis in self.axes]
        return None if None in sizes else tuple(size for size in sizes if size is not None)


def align(*shapes: Sequence[int]) -> tuple[Axis, ...]:
    """Return the axes of the result of broadcasting ``shapes`` against each other, from the left."""
    length = max(map(len, shapes), default=0)
    padded = [(*(None,) * (length - len(shape)), *shape) for shape in shapes]
    return tuple(Axis(sizes, _joined(sizes)) for sizes in zip(*padded, strict=True))


def _joined(sizes: Sequence[int | None]) -> int | None:
    """Return the one size that is not 1, or 1; None where there are several."""
    others = {size for size in sizes if size not in (None, 1)}
    return None if len(others) > 1 else next(iter(others), 1)


def broadcast(source: str, place: Place, operands: Sequence[Tensor]) -> Broadcast:
    """Return how the operator at ``place`` in ``source`` broadcasts its ``operands``, called as they are there."""
    first, column, last, end = place
    lines = lines_of(source)[first - 1 : last]
    lines[-1] = lines[-1][: end - 1]
    lines[0] = lines[0][column - 1 :]
    shapes = tuple(tuple(operand.shape) for operand in operands)
    return Broadcast(_sides("\n".join(lines)), shapes, align(*shapes))


def _sides(text: str) -> tuple[str, str]:
    """Return what stands left and right of the operator in ``text``, an expression or `x += y`."""
    try:
        statement = parsed(f"({text})").body[0]
    except SyntaxError:
        statement = parsed(text).body[0]
    match statement:
        case (
            ast.Expr(ast.BinOp(left, _, right))
            | ast.Expr(ast.Compare(left, [_], [right]))
            | ast.AugAssign(left, _, right)
        ):
            return ast.unparse(left), ast.unparse(right)
        case _:  # of a chain of comparisons it is not said which
            return "", ""
