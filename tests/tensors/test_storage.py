"""Where tensors' elements lie, held against torch's own strides and as_strided."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from core.tensors import evaluate
from core.tensors.storage import cells_read, is_contiguous, row_major, storages

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@settings(max_examples=100)
@given(shapes)
def test_fresh_tensors_step_as_torchs(shape: tuple[int, ...]) -> None:
    assert row_major(shape) == torch.zeros(shape).stride()


@settings(max_examples=200)
@given(st.data())
def test_views_read_the_cells_that_as_strided_reads(data: st.DataObject) -> None:
    view = torch.arange(1000)
    view = view[: 3 * 4 * 5].reshape(3, 4, 5).permute(data.draw(st.permutations(range(3))))
    for axis in range(3):
        start = data.draw(st.integers(0, view.shape[axis]))
        view = view.narrow(axis, start, view.shape[axis] - start)[:: data.draw(st.integers(1, 3))]
    if data.draw(st.booleans()):
        view = view[None].expand(2, *view.shape)
    cells = cells_read(view.shape, view.stride(), int(view.storage_offset()))
    assert torch.equal(cells, view.flatten()), "each element of arange is the number of its own cell"
    assert is_contiguous(view.shape, view.stride()) == view.is_contiguous()


def shared(source: str) -> list[str]:
    """Return for each storage the names that read it."""
    values = {name: value for name, value in evaluate(source).items() if isinstance(value, Tensor | np.ndarray)}
    return [" ".join(view.name for view in storage.views) for storage in storages(values)]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = arange(6)\ny = x[2:]\nz = x.reshape(2, 3).T\nc = x.clone()", ["x y z", "c"]),
        ("x = arange(6).reshape(2, 3)\nr = x.reshape(6)\ns = x.T.reshape(6)\nf = x.flatten()", ["x r f", "s"]),
        ("x = arange(6)\ni = x[[0, 1]]\nm = x[x > 2]\ns = x[::2]", ["x s", "i", "m"]),
        ("n = np.array([1., 2.])\nt = from_numpy(n)\nc = tensor(n)\nu = as_tensor(n)", ["n t u", "c"]),
        ("n = np.array([1., 2., 3.])\nt = from_numpy(n[1:])\nm = n[:1]", ["n t m"]),
        ("n = np.array([1., 2., 3.])\nt = from_numpy(n[2:])\nm = n[:1]", ["n t m"]),
        ("t = ones(3)\nn = t.numpy()\nr = n[::-1]", ["t n r"]),
        ("a = zeros(0)\nb = zeros(0)", ["a", "b"]),
        ("a = ones(2)\nb = ones(2)\nc = a", ["a c", "b"]),
    ],
)
def test_who_shares_with_whom(source: str, names: list[str]) -> None:
    assert shared(source) == names


def test_a_storage_holds_all_its_cells_and_views_say_which_they_read() -> None:
    (storage,) = storages(evaluate("x = arange(12).reshape(3, 4)\ny = x[1:, ::2]\nt = x.T"))
    assert storage.values.tolist() == list(range(12))
    x, y, t = storage.views
    assert (y.shape, y.stride, y.offset, y.contiguous) == ((2, 2), (4, 2), 4, False)
    assert y.cells.tolist() == [4, 6, 8, 10]
    assert t.cells.tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
    assert x.contiguous and x.cells.tolist() == list(range(12))


def test_a_view_alone_still_shows_the_storage_behind_it() -> None:
    (storage,) = storages(evaluate("y = arange(10)[6:8]"))
    assert storage.values.tolist() == list(range(10))
    assert storage.views[0].cells.tolist() == [6, 7]


def test_a_reversed_array_reads_backwards() -> None:
    (storage,) = storages(evaluate("n = np.array([1., 2., 3.])\nr = n[::-1]"))
    assert storage.values.tolist() == [1, 2, 3]
    assert storage.views[1].cells.tolist() == [2, 1, 0] and storage.views[1].stride == (-1,)
    (alone,) = storages({"r": np.arange(6.0).reshape(2, 3)[::-1, ::-1]})
    assert alone.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert alone.views[0].cells.tolist() == [5, 4, 3, 2, 1, 0]


def test_another_dtype_divides_the_same_memory_finer() -> None:
    (storage,) = storages(evaluate("x = tensor([1, 2])\ny = x.view(int32)"))
    assert storage.values.tolist() == [1, 0, 2, 0]
    x, y = storage.views
    assert (x.span, x.cells.tolist()) == (2, [0, 2])
    assert (y.span, y.cells.tolist()) == (1, [0, 1, 2, 3])
