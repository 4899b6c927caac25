"""What one evaluation may cost, found out before the work is done.

Each call is rehearsed first: torch runs it on tensors of its ``meta`` device, which have shapes and no memory, while
every operation underneath is counted. A call too large is refused there, whichever way it was written; one that is not
is then done for real. Nothing of the rehearsal reaches the result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from core.i18n import _
from core.tensors.errors import RefusalError

MOST_ELEMENTS = 1_000_000  # of one tensor
MOST_BYTES = 64_000_000  # that an evaluation allocates
MOST_WORK = 4e8  # in about nanoseconds of one core
UNREHEARSED = 1_000_000  # where a rehearsal is not possible: the product of all sizes and numbers that go in

# Nanoseconds for an element of what goes in and comes out, or for a multiply-add, rather too many than too few.
_CALL = 3e6  # of any call: what the slowest rehearsals take
_EACH = 5.0
_VIEWING = 1.0  # nothing now, but its backward fills a tensor of the whole size
_SLOW = {
    **dict.fromkeys(("sort", "topk", "kthvalue", "median", "mode", "cumprod", "prod", "index_put"), 60.0),
    **dict.fromkeys(("pow", "remainder", "fmod", "floor_divide", "dot", "vdot"), 35.0),
}
_MULTIPLY_ADD = 0.3
_SLOW_MULTIPLY_ADD = 3.0  # of dtypes that have no library for it
_PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "mv", "addmv"}
_ESTIMATED = 60.0


@dataclass
class Budget:
    """What one evaluation has used up so far."""

    bytes: float = 0
    work: float = 0
    forward: tuple[float, float] = (0, 0)  # bytes and work that a backward pass may have to go through

    def call(self) -> None:
        """Count one call, whatever it does.

        Raises:
            RefusalError: that is more than what is left.
        """
        self.spend(0, _CALL)

    def spend(self, size: float, work: float) -> None:
        """Count ``size`` bytes that are allocated and ``work``.

        Raises:
            RefusalError: that is more than what is left.
        """
        self.bytes += size
        self.work += work
        if self.work > MOST_WORK:
            raise RefusalError(
                _("This is too much work for one evaluation."), _("Do less at once, or with smaller tensors.")
            )
        if self.bytes > MOST_BYTES:
            message = _("This would take more than {limit} MB of memory.").format(limit=MOST_BYTES // 1_000_000)
            raise RefusalError(message, _("Use smaller tensors, or fewer of them."))

    def backward(self) -> None:
        """Count a backward pass through all that has been done.

        Raises:
            RefusalError: that is more than what is left.
        """
        size, work = self.forward
        self.spend(size, 2 * work)

    def estimate(self, elements: int, taken: Sequence[Any]) -> None:
        """Count a call that makes so many ``elements`` at most.

        Raises:
            RefusalError: that is too many, or more than what is left.
        """
        inputs = sum(value.numel() for value in taken if isinstance(value, Tensor))
        check_size([elements])
        self.spend(8 * elements, (_ESTIMATED if elements else 0) * (elements + inputs))

    def rehearse(self, call: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]) -> None:
        """Count what ``call`` would cost.

        Raises:
            RefusalError: it would make a tensor that is too large, or the whole more than what is left.
            Exception: what torch raises on a call that is large *and* wrong; a small one is left to raise it itself.
        """
        shadows = [shadow(argument) for argument in arguments]
        named = {name: shadow(value) for name, value in keywords.items()}
        try:
            with _disable_current_modes(), torch.no_grad(), torch.device("meta"), _Counting(self):
                call(*shadows, **named)
        except RefusalError:
            raise
        except Exception as error:
            depends_on_values = isinstance(error, NotImplementedError) or "meta tensor" in str(error)
            elements = _worst_case([*arguments, *keywords.values()], depends_on_values)
            if elements <= UNREHEARSED:
                self.spend(8 * elements, _ESTIMATED * elements)
                return
            if depends_on_values:
                raise too_large() from error
            raise


def too_large(elements: float | None = None) -> RefusalError:
    """Return the refusal to make a tensor of so many ``elements``, where that is known."""
    limit = f"{MOST_ELEMENTS:,}"
    if elements is None:
        message = _("This might make a tensor of more than {limit} elements.").format(limit=limit)
    else:
        message = _("This would make a tensor of {elements} elements; the limit is {limit}.").format(
            elements=f"{elements:,}" if elements < 1e18 else _("a huge number of"), limit=limit
        )
    return RefusalError(message, _("Use smaller sizes."))


def check_size(shape: Sequence[int]) -> int:
    """Return the number of elements of a tensor of ``shape``.

    Raises:
        RefusalError: it is too large, in all or along one axis.
    """
    elements = math.prod(shape)
    if elements > MOST_ELEMENTS or any(size > MOST_ELEMENTS for size in shape):
        raise too_large(max(elements, *shape))
    return elements


def shadow(value: Any) -> Any:
    """Return ``value`` with every tensor in it replaced by one of the same layout without memory."""
    if isinstance(value, Tensor):
        check_size(value.shape)
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, list | tuple):
        parts = [shadow(item) for item in value]
        return parts if isinstance(value, list) else tuple(parts)
    return value


def shadow_of_index(index: Any) -> Any:
    """Return ``index`` as something whose result has the same size, made of numbers instead of single-element tensors,
    and of as many whole numbers as a mask selects instead of the mask."""
    parts = index if isinstance(index, tuple) else (index,)
    result: list[Any] = []
    for part in parts:
        if isinstance(part, Tensor) and part.dtype in (torch.bool, torch.uint8) and part.ndim:
            selected = torch.zeros(int(part.count_nonzero()), dtype=torch.long, device="meta")
            result += [selected] * part.ndim
        elif isinstance(part, Tensor) and part.ndim == 0 and part.dtype != torch.bool and not part.is_floating_point():
            result.append(int(part))
        else:
            result.append(part)
    return tuple(result) if isinstance(index, tuple) or len(result) != 1 else result[0]


class _Counting(TorchDispatchMode):
    """Counts the operations that torch's functions are made of, as they pass."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self.budget = budget

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        result = operation(*arguments, **(keywords or {}))
        taken = [leaf for leaf in tree_leaves((arguments, keywords)) if isinstance(leaf, Tensor)]
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        elements = sum(check_size(tensor.shape) for tensor in (*taken, *made))
        name = operation.overloadpacket.__name__
        views = all(returned.alias_info is not None for returned in operation._schema.returns)
        work = elements * (_VIEWING if views and not name.endswith("_") else _SLOW.get(name.rstrip("_"), _EACH))
        if name in _PRODUCTS:
            work += _multiply_adds(name, taken, made)
        size = 0 if views else sum(tensor.numel() * tensor.itemsize for tensor in made)
        self.budget.spend(size, work)
        spent, worked = self.budget.forward
        self.budget.forward = (spent + size, worked + work)
        return result


def _multiply_adds(name: str, taken: Sequence[Tensor], made: Sequence[Tensor]) -> float:
    left = taken[1] if name in {"addmm", "baddbmm", "addmv"} else taken[0]
    count = made[0].numel() * left.shape[-1]
    fast = left.dtype in (torch.float32, torch.float64)
    return count * (_MULTIPLY_ADD if fast else _SLOW_MULTIPLY_ADD)


def _worst_case(values: Sequence[Any], of_elements: bool) -> float:
    """Return the product of all sizes and numbers in ``values``: no function makes more elements out of them.

    ``of_elements`` says that the elements of tensors may be numbers that matter, too.
    """
    product = 1.0
    waiting = list(values)
    while waiting:
        leaf = waiting.pop()
        if isinstance(leaf, list | tuple):
            waiting += leaf
        elif isinstance(leaf, Tensor):
            product *= max(leaf.numel(), 1)
            if of_elements and leaf.numel():
                waiting.append(float(leaf.detach().double().abs().max()))
        elif isinstance(leaf, int | float) and not isinstance(leaf, bool):
            product *= max(abs(leaf), 1 / abs(leaf)) if leaf and math.isfinite(leaf) else 1
    return product


Budget().rehearse(torch.arange, [1], {})  # the first rehearsal imports a second's worth of torch
