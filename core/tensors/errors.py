"""What the tensor language says when a line fails: torch's own message, and one sentence of help."""

import re
from typing import Any

from core.faults import UserError
from core.i18n import _


class ExpressionError(UserError):
    """A line that cannot be evaluated; the message is torch's own where torch raised it.

    ``line`` and ``column`` count from 1; the culprit ends before ``end_column`` of that line. ``help`` is one sentence
    that says what to do. ``values`` are what the lines before have assigned, by name.
    """

    def __init__(self, message: str, line: int, column: int, end_column: int, help: str) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.end_column = end_column
        self.help = help
        self.values: dict[str, Any] = {}


class RefusalError(Exception):
    """Something that the language does not do, before anyone has said where; ``help`` is one sentence."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


def help_for(error: Exception) -> str:
    """Return one sentence on what to do about ``error``, which torch, numpy or Python raised."""
    message = str(error)
    for pattern, sentence in _advice():
        if re.search(pattern, message):
            return sentence
    return _("Look at the shapes and dtypes of what goes in.")


def _advice() -> tuple[tuple[str, str], ...]:
    """Return pairs of a pattern and a sentence: the first pattern that a message holds gives the sentence."""
    return (
        (
            r"einsum\(\)",
            _("An equation names each axis of each operand, as in 'ij,jk->ik'; the same letter means the same size."),
        ),
        (
            r"expanded size of the tensor|number of sizes provided|expand\(",
            _("Only an axis of size 1 can be expanded, and new axes come in front; -1 keeps a size as it is."),
        ),
        (
            r"shape of the mask|boolean index did not match",
            _("A mask needs the shape of the axes that it selects from."),
        ),
        (
            r"must match the size of tensor b|not broadcastable|could not be broadcast|shape mismatch|broadcast",
            _(
                "Broadcasting aligns shapes from the right, and each pair of sizes must be equal or one of them 1: add "
                "an axis of size 1 with None or unsqueeze, or transpose."
            ),
        ),
        (
            r"Sizes of tensors must match except|expects each tensor to be equal size|zero-dimensional.*concatenated",
            _("stack wants equal shapes; cat wants equal sizes in every axis but the one along which it joins."),
        ),
        (
            r"must be a (matrix|3D tensor)|1D tensors expected|vector, got|vector \+ matrix",
            _("mm takes two matrices, mv a matrix and a vector, dot two vectors, bmm two batches; @ takes them all."),
        ),
        (
            r"shapes cannot be multiplied|size mismatch|batch1|inconsistent tensor size|must be at least 1D"
            r"|same reduction dim|expected size for first two dimensions",
            _(
                "A product needs equal inner sizes, (n, k) @ (k, m): transpose one with .T, or multiply element by "
                "element with *."
            ),
        ),
        (
            r"view size is not compatible",
            _(
                "view never copies, and in this order no stride can step through the storage: use reshape, which "
                "copies where it must, or contiguous() first."
            ),
        ),
        (
            r"is invalid for input of size|cannot reshape|product of sizes|don't multiply up",
            _("A new shape needs as many elements as the old one; write -1 for one size and torch works it out."),
        ),
        (
            r"ZeroDivision|division by zero|modulo by zero",
            _("Whole numbers cannot be divided by zero: use floating-point numbers, which have inf and nan."),
        ),
        (
            r"Class values|one_hot is only|Target \S+ is out of bounds|num_classes",
            _("Class numbers run from 0 to the number of classes minus 1, as whole numbers."),
        ),
        (
            r"leaf Variable.*in-place",
            _("A leaf that waits for its gradient is not overwritten: do it inside `with no_grad():`, or to a clone."),
        ),
        (
            r"modified by an inplace operation",
            _("backward needs the old value, which was overwritten in place: write x = x + 1 instead of x += 1."),
        ),
        (
            r"through the graph a second time",
            _("backward frees the graph: run the forward line again, or call backward(retain_graph=True)."),
        ),
        (
            r"does not require grad",
            _("Nothing in it asks for a gradient: make a leaf with requires_grad=True, and do not detach on the way."),
        ),
        (
            r"implicitly created only for scalar outputs",
            _("backward begins at one number: take sum() or mean() first, or pass a gradient of the same shape."),
        ),
        (
            r"numpy\(\) on Tensor that requires grad",
            _("numpy knows no gradients: leave the graph with detach() first."),
        ),
        (
            r"written-to tensor",
            _("Several elements share a cell of storage, so it matters which is written last: clone() first."),
        ),
        (
            r"can't be cast to the desired output type|result type",
            _("In place, the target keeps its dtype: write x = x + y instead, or convert x first."),
        ),
        (
            r"Boolean value of Tensor|truth value of an array",
            _("Many elements have no single truth: combine them with &, | and ~, or take any() or all()."),
        ),
        (
            r"converted to Scalar|only one element|single element|1 element",
            _("Only one element becomes a Python number: index down to it, or take sum() or mean() first."),
        ),
        (r"expected sequence of length|inhomogeneous", _("Every row of a nested list needs the same length.")),
        (
            r"negative stride|strides is negative",
            _("A tensor's stride is never negative: copy() the reversed array first."),
        ),
        (
            r"Dimension out of range|[Dd]imension specified as|invalid dim|repeated dim|dims? .*match",
            _("There is no such axis: they are counted from 0, or from the end with -1; x.ndim says how many."),
        ),
        (
            r"out of bounds|out of range|too many indices|cannot be applied to a 0-dim|invalid index of a 0-dim",
            _("Counting begins at 0, so the last place is the size minus 1; negative numbers count from the end."),
        ),
        (
            r"used as indices|only integers, slices|slice indices|indices must be integers",
            _("Index with whole numbers, slices, None, ..., a mask of bools, or a tensor of whole numbers."),
        ),
        (
            r"step must be greater than zero|step must be positive",
            _("Slices of a tensor only go forwards; flip(0) turns an axis around, with a copy."),
        ),
        (r"negative dimension|negative size", _("A size is a whole number, 0 or more.")),
        (
            r"same dtype|expected scalar type|int64 for index|same type",
            _("The dtypes do not fit together: convert one of them, with .float(), .long() or .to(dtype)."),
        ),
        (
            r"negative integer powers|floating point|[Ff]loat|dtype|could not infer output dtype|not implemented for",
            _("This needs floating-point numbers: write 1. instead of 1, or convert with .float()."),
        ),
        (
            r"argument|unexpected keyword|missing|takes|positional|must be (tuple|Tensor|int|bool)",
            _("The arguments do not fit the function: look at their number, their order and their types."),
        ),
    )
