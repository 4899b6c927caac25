"""What each operation made and from what, noted while it runs, by the number that autograd gives its node."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

MOST_ELEMENTS = 4096  # of a tensor whose values are kept

Hidden = Literal["detach", "no_grad", "not differentiable"]
Place = tuple[int, int, int, int]  # first line and column of a piece of source, and those behind its end


@dataclass(frozen=True)
class Operation:
    """What ran: the operator's ``name`` (such as aten.mul.Tensor), and what it made.

    ``outputs`` are copies from that moment, None where one is too large to keep. ``inputs`` are the differentiable
    arguments as they were handed over, tensors of numbers that are not whole and Python's numbers. ``place`` is the
    piece of source that asked for it, where whoever evaluates the source says so.
    """

    name: str
    outputs: tuple[Tensor | None, ...]
    inputs: tuple[Tensor | float, ...]
    place: Place | None = None


class Recording(TorchDispatchMode):
    """Notes every operation while it is active: ``with Recording() as recording: ...``.

    Autograd counts its nodes and gives an operation's node the next number just before the operation runs
    (``grad_fn._sequence_nr()``). Every other way to tell which operation belongs to a node is lost in a library
    function that does several, such as cross-entropy. ``place`` is noted with each operation: tell ``at`` where in a
    source the evaluation is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.operations: dict[int, Operation] = {}
        self.place: Place | None = None
        self._hidden: dict[int, tuple[Hidden, Tensor]] = {}  # by identity, and the tensor itself, so that it lives on

    def at(self, place: Place) -> None:
        """Take ``place`` for where the next operations are asked for."""
        self.place = place

    def hidden(self, value: Tensor) -> Hidden | None:
        """Return by what ``value`` was cut from the leaves that it was computed from, if it was."""
        reason, _value = self._hidden.get(id(value), (None, None))
        return reason

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run ``func`` and note what it made."""
        number = torch._C._autograd._get_sequence_nr() - 1
        result = func(*args, **(kwargs or {}))
        outputs = result if isinstance(result, tuple | list) else [result]
        outputs = [output for output in outputs if isinstance(output, Tensor)]
        self._note_cuts(func, args, outputs)
        if number not in self.operations:  # later ones with its number have no node of their own
            copies = tuple(kept(output) for output in outputs)
            inputs = tuple(value for value in tree_leaves((args, kwargs)) if _differentiable(value))
            self.operations[number] = Operation(str(func), copies, inputs, self.place)
        return result

    def _note_cuts(self, func: Any, args: Sequence[Any], outputs: Sequence[Tensor]) -> None:
        inputs = [value for value in tree_leaves(args) if isinstance(value, Tensor)]
        reasons: list[Hidden] = [reason for reason in map(self.hidden, inputs) if reason]
        if any(value.requires_grad for value in inputs):
            if not torch.is_grad_enabled():
                reasons.append("no_grad")
            elif func is torch.ops.aten.detach.default:
                reasons.append("detach")
            elif not any(output.is_floating_point() or output.is_complex() for output in outputs):
                reasons.append("not differentiable")
        for output in outputs if reasons else ():
            self._hidden.setdefault(id(output), (reasons[0], output))


def kept(value: Tensor) -> Tensor | None:
    """Return a copy of ``value`` that nothing changes any more, or None where it is too large to keep."""
    return value.detach().clone() if value.numel() <= MOST_ELEMENTS else None


def _differentiable(value: object) -> bool:
    if isinstance(value, Tensor):
        return value.is_floating_point() or value.is_complex()
    return isinstance(value, int | float) and not isinstance(value, bool)
