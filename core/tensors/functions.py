"""The words of the tensor language: every function, method and attribute that may be used, and nothing else is.

To add one, add its name to a list here. What it costs is found by rehearsal (``core.tensors.budget``), unless the
size of its result depends on the values; then the entry says how to tell the most elements that it can make.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.i18n import _
from core.tensors.errors import RefusalError

MOST_PIECES = 100  # that one tensor is taken apart into
MOST_ITEMS = 10_000  # numbers in a list


@dataclass(frozen=True)
class Function:
    """One function: ``call`` does it.

    ``elements``, called with the same arguments, returns the most elements that it can make; without it the call is
    rehearsed. ``text`` is a pattern for the one string that it takes. A ``random`` one is given the generator of the
    evaluation.
    """

    call: Callable[..., Any]
    elements: Callable[..., int] | None = None
    text: str | None = None
    random: bool = False


# ---- what cannot be rehearsed ----


def nothing(*_arguments: Any, **_keywords: Any) -> int:
    """Return the elements that a view, a fact or a single number makes."""
    return 0


def _same(data: Any = None, *_arguments: Any, **_keywords: Any) -> int:
    """Return the number of elements of ``data``: of a list, a tensor or an array."""
    return count(data, MOST_ITEMS)


def _whole(array: np.ndarray, *_arguments: Any, **_keywords: Any) -> int:
    """Return the elements of a copy of ``array``."""
    return array.size


def _pieces(x: Any = None, size: Any = 1, dim: int = 0, *_arguments: Any, **_keywords: Any) -> int:
    """Check how many pieces of ``size`` along ``dim`` split makes."""
    if isinstance(size, list | tuple):
        return _few(len(size))
    length = _length(x, dim)
    return _few(length / size if isinstance(size, int) and size else length)


def _chunks(_x: Any = None, chunks: Any = 1, *_arguments: Any, **_keywords: Any) -> int:
    if isinstance(chunks, list | tuple):
        return _few(len(chunks))
    if isinstance(chunks, Tensor):
        return _few(chunks.numel() if chunks.ndim else float(chunks))
    return _few(chunks if isinstance(chunks, int) else 0)


def _slices(x: Any = None, dim: Any = 0, *_arguments: Any, **_keywords: Any) -> int:
    return _few(_length(x, dim))


def _length(x: Any, dim: Any) -> int:
    """Return the size of ``x`` along ``dim``; 0 where there is none, which the function itself is to say."""
    if isinstance(x, Tensor) and isinstance(dim, int) and -x.ndim <= dim < x.ndim:
        return x.shape[dim]
    return 0


def _few(pieces: float) -> int:
    if pieces > MOST_PIECES:
        raise RefusalError(
            _("This would make more than {limit} tensors.").format(limit=MOST_PIECES),
            _("Take larger pieces, or fewer of them."),
        )
    return 0


def _classes(labels: Any = None, num_classes: Any = -1, *_arguments: Any, **_keywords: Any) -> int:
    """Return the elements of a one-hot encoding."""
    if not isinstance(labels, Tensor) or not isinstance(num_classes, int) or not labels.numel():
        return 0
    classes = num_classes if num_classes > 0 else max(int(labels.max()) + 1, 0)
    return labels.numel() * classes


def _coordinates(x: Any = None, *_arguments: Any, **_keywords: Any) -> int:
    """Return the most elements of the places of all nonzero elements."""
    return x.numel() * max(x.ndim, 1) if isinstance(x, Tensor) else 0


def _broadcast(x: Any = None, *others: Any, **named: Any) -> int:
    """Return the elements of the shape to which all are broadcast; 0 where they cannot be, which is said later."""
    tensors = [value for value in (x, *others, *named.values()) if isinstance(value, Tensor)]
    try:
        return math.prod(torch.broadcast_shapes(*(tensor.shape for tensor in tensors)))
    except RuntimeError:
        return 0


def count(value: Any, limit: int, tensors_whole: bool = False) -> int:
    """Return how many numbers a list holds, lists in it included, and the elements of tensors or each as one.

    Raises:
        RefusalError: they are more than ``limit``; this is found without counting them all.
    """
    total = 0
    waiting = [value]
    while waiting:
        item = waiting.pop()
        total += 1
        if isinstance(item, list | tuple):
            waiting += item[: limit + 1]
        elif isinstance(item, Tensor | np.ndarray) and not tensors_whole:
            total += math.prod(item.shape)
        if total + len(waiting) > limit:
            raise RefusalError(
                _("A list holds at most {limit} numbers.").format(limit=f"{limit:,}"),
                _("Make large tensors with arange, zeros or randn."),
            )
    return total


def _seed(seed: int, generator: torch.Generator) -> None:
    generator.manual_seed(seed)


# ---- functions ----


def _table(place: Any, names: str, **properties: Any) -> dict[str, Function]:
    return {name: Function(getattr(place, name), **properties) for name in names.split()}


REDUCTION = "none|mean|sum"

TORCH: dict[str, Function] = {
    **_table(torch, "arange linspace zeros ones full eye zeros_like ones_like full_like tril_indices triu_indices"),
    **_table(torch, "rand randn randint randperm", random=True),
    "manual_seed": Function(_seed, nothing, random=True),
    **_table(torch, "tensor as_tensor", elements=_same),
    **_table(torch, "from_numpy is_tensor numel", elements=nothing),
    **_table(torch, "reshape flatten unflatten squeeze unsqueeze permute transpose t movedim swapaxes ravel"),
    **_table(torch, "broadcast_to tile clone detach narrow select diag diagonal tril triu flip roll rot90"),
    **_table(torch, "stack cat concat hstack vstack dstack repeat_interleave"),
    **_table(torch, "where gather scatter scatter_add take index_select masked_fill take_along_dim"),
    **_table(torch, "matmul mm bmm mv dot outer addmm baddbmm inner kron"),
    **_table(torch, "add sub mul divide true_divide floor_divide remainder fmod pow neg square sqrt rsqrt reciprocal"),
    **_table(torch, "abs sign exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh"),
    **_table(torch, "sigmoid relu softmax log_softmax erf floor ceil round trunc frac clamp clip lerp maximum minimum"),
    **_table(torch, "eq ne lt le gt ge isnan isinf isfinite isclose logical_and logical_or logical_not logical_xor"),
    **_table(torch, "sum mean prod std var min max amin amax argmin argmax all any norm median logsumexp nansum"),
    **_table(torch, "cumsum cumprod cummax cummin sort argsort topk diff count_nonzero var_mean std_mean aminmax"),
    **_table(torch, "is_floating_point", elements=nothing),
    **_table(torch, "equal allclose masked_select", elements=_broadcast),
    **_table(torch, "split", elements=_pieces),
    **_table(torch, "chunk tensor_split", elements=_chunks),
    **_table(torch, "unbind", elements=_slices),
    **_table(torch, "nonzero argwhere unique", elements=_coordinates),
    **_table(torch, "einsum", text=r"[A-Za-z ,.]{1,60}(->[A-Za-z .]{0,40})?"),
    **_table(torch, "meshgrid", text="ij|xy"),
    **_table(torch, "div", text="floor"),
    **_table(torch, "promote_types result_type can_cast broadcast_shapes", elements=nothing),
}  # fmt: skip

FUNCTIONAL: dict[str, Function] = {
    **_table(
        functional, "relu leaky_relu elu gelu silu softplus sigmoid tanh softmax log_softmax normalize pad linear"
    ),
    **_table(functional, "one_hot", elements=_classes),
    **_table(functional, "cross_entropy mse_loss l1_loss nll_loss smooth_l1_loss", text=REDUCTION),
    **_table(functional, "binary_cross_entropy binary_cross_entropy_with_logits", text=REDUCTION),
}

NUMPY: dict[str, Function] = _table(np, "array", elements=_same)

# Python's own, which are not torch's
PYTHON: dict[str, Function] = {
    **{made.__name__: Function(made, nothing) for made in (float, int, bool)},
    "len": Function(len, nothing),
}

# ---- methods and attributes ----

_METHODS_LIKE_FUNCTIONS = """
    reshape flatten unflatten squeeze unsqueeze permute transpose t movedim swapaxes ravel
    broadcast_to tile clone detach narrow select diag diagonal tril triu flip roll rot90 repeat_interleave
    where gather scatter scatter_add take index_select masked_fill take_along_dim
    matmul mm bmm mv dot outer addmm baddbmm inner kron
    add sub mul divide true_divide floor_divide remainder fmod pow neg square sqrt rsqrt reciprocal
    abs sign exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh
    sigmoid relu softmax log_softmax erf floor ceil round trunc frac clamp clip lerp maximum minimum
    eq ne lt le gt ge isnan isinf isfinite isclose logical_and logical_or logical_not logical_xor
    sum mean prod std var min max amin amax argmin argmax all any norm median logsumexp nansum
    cumsum cumprod cummax cummin sort argsort topk diff count_nonzero aminmax
    split chunk tensor_split unbind nonzero argwhere unique masked_select equal allclose is_floating_point div
"""

METHODS: dict[str, Function] = {
    **{
        name: Function(getattr(Tensor, name), TORCH[name].elements, TORCH[name].text)
        for name in _METHODS_LIKE_FUNCTIONS.split()
    },
    **_table(Tensor, "view view_as reshape_as expand expand_as repeat contiguous unfold clamp_min clamp_max"),
    **_table(Tensor, "to type_as float double half bfloat16 long int short bool new_zeros new_ones new_full"),
    **_table(Tensor, "index_add index_fill index_copy index_put"),
    **_table(Tensor, "add_ sub_ mul_ pow_ neg_ sqrt_ square_ abs_ exp_ log_ sin_ cos_ tanh_ sigmoid_ relu_"),
    **_table(Tensor, "zero_ fill_ copy_ clamp_ clamp_min_ clamp_max_ round_ floor_ ceil_ masked_fill_ index_fill_"),
    **_table(Tensor, "scatter_ scatter_add_ index_add_ index_copy_ fill_diagonal_ lerp_ tril_ triu_ remainder_"),
    **_table(Tensor, "squeeze_ unsqueeze_ transpose_ t_ div_"),
    **_table(Tensor, "normal_ uniform_", random=True),
    **_table(Tensor, "size stride dim ndimension numel nelement element_size", elements=nothing),
    **_table(Tensor, "storage_offset is_contiguous", elements=nothing),
    **_table(Tensor, "item numpy requires_grad_ retain_grad detach_ backward", elements=nothing),
    **_table(Tensor, "tolist", elements=_same),
}  # fmt: skip

TENSOR_ATTRIBUTES = {"shape", "dtype", "ndim", "T", "mT", "grad", "requires_grad", "is_leaf", "itemsize", "nbytes"}
ARRAY_METHODS: dict[str, Function] = {
    **_table(np.ndarray, "copy reshape", elements=_whole),
    **_table(np.ndarray, "item", elements=nothing),
}
ARRAY_ATTRIBUTES = {"shape", "ndim", "size", "T", "strides"}
PAIR_ATTRIBUTES = {"values", "indices"}  # of what sort, topk, max, min, ... return

# A function's first argument has no keyword, so that its size is always found in the same place.
KEYWORDS = {
    *("other", "tensors", "value", "values", "fill_value", "source", "src", "mask", "condition"),
    *("dim", "dims", "dim0", "dim1", "axis", "axes", "keepdim", "size", "shape", "sizes", "repeats", "shifts"),
    *("start", "end", "step", "steps", "low", "high", "n", "m", "k", "diagonal", "offset", "length"),
    *("dtype", "requires_grad", "copy", "min", "max", "min_val", "max_val", "alpha", "beta", "weight", "exponent"),
    *("correction", "unbiased", "descending", "stable", "largest", "sorted", "p", "eps", "start_dim", "end_dim"),
    *("num_classes", "target", "reduction", "label_smoothing", "ignore_index", "pos_weight", "bias", "pad"),
    *("as_tuple", "index", "indices", "indexing", "return_inverse", "return_counts", "rtol", "atol", "equal_nan"),
    *("accumulate", "gradient", "retain_graph"),
    *("mean", "std", "rounding_mode", "decimals", "negative_slope", "threshold", "mat2", "batch2", "vec", "vec2"),
    *("unflattened_size", "output_size", "force"),
}  # fmt: skip

# ---- names of values ----

DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool"),
        *("double", "half", "long", "short"),
    )
}
TORCH_DTYPES = {**DTYPES, "float": torch.float, "int": torch.int}  # only after `torch.`: Python's own float is another
CONSTANTS: dict[str, Any] = {"pi": math.pi, "inf": math.inf, "nan": math.nan, "newaxis": None}

FUNCTIONS = {**PYTHON, **FUNCTIONAL, **TORCH}
MODULES: dict[str, dict[str, Any]] = {
    "torch": {**TORCH, **TORCH_DTYPES, **CONSTANTS},
    "F": dict(FUNCTIONAL),
    "torch.nn.functional": dict(FUNCTIONAL),
    "nn.functional": dict(FUNCTIONAL),
    "np": dict(NUMPY),
    "numpy": dict(NUMPY),
}


def known_words() -> Iterable[str]:
    """Return every name that a line can begin with."""
    return (*FUNCTIONS, *DTYPES, *CONSTANTS, "torch", "F", "np", "no_grad")
