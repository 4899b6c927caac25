"""What the tensor playground is sent."""

import json

import pytest
import torch

from core.figures.sent.tensors import TensorCells
from core.figures.tensors import MOST_CELLS, MOST_TENSORS, crop_of, labels_of, playground_data


def tensors(source: str) -> dict[str, TensorCells]:
    return {tensor["name"]: tensor for tensor in playground_data(source)["tensors"]}


def test_tensors_of_one_storage_say_which_of_its_cells_they_read() -> None:
    data = playground_data("x = arange(12).reshape(3, 4)\ns = x[1:, ::2]\nc = s.clone()")
    assert [tensor["storage"] for tensor in data["tensors"]] == [0, 0, 1]
    slice_ = data["tensors"][1]
    assert (slice_["shape"], slice_["stride"], slice_["offset"], slice_["contiguous"]) == ([2, 2], [4, 2], 4, False)
    assert slice_["cells"] == [4, 6, 8, 10]
    storage = data["storages"][0]
    assert [storage["labels"][cell] for cell in slice_["cells"]] == slice_["labels"] == ["4", "6", "8", "10"]
    assert [storage["shades"][cell] for cell in slice_["cells"]] == slice_["shades"]
    assert storage["read"] == [True] * 12
    assert storage["colour"] != data["storages"][1]["colour"]
    assert data["error"] is None and data["broadcast"] is None


def test_cells_that_nobody_reads_are_told_from_those_that_are_read_outside_the_corner() -> None:
    assert playground_data("x = arange(6)[1::2]")["storages"][0]["read"] == [False, True] * 3
    assert all(playground_data("x = zeros(3, 20)")["storages"][0]["read"])
    assert playground_data("x = tensor([1, 2])\ny = x.view(int32)[:1]")["storages"][0]["read"] == [True] * 4


def test_an_error_leaves_what_the_lines_before_made() -> None:
    data = playground_data("x = ones(2, 3)\nx.T.view(6)\ny = x")
    assert [tensor["name"] for tensor in data["tensors"]] == ["x"]
    error = data["error"]
    assert error and "view size is not compatible" in error["message"] and "reshape" in error["help"]
    assert (error["line"], error["column"], error["end"]) == (2, 1, 12)


def test_the_last_broadcast_is_aligned_and_stretched() -> None:
    broadcast = playground_data("x = arange(3)[:, None]\ny = arange(2)\nz = x + y\nw = z * 2")["broadcast"]
    assert broadcast is not None
    left, right = broadcast["operands"]
    assert broadcast["sizes"] == [3, 2]
    assert (left["name"], left["sizes"], left["stretched"]) == ("x", [3, 1], [False, True])
    assert (right["name"], right["sizes"], right["stretched"]) == ("y", [None, 2], [True, False])
    assert left["labels"] == ["0", "0", "1", "1", "2", "2"] and right["labels"] == ["0", "1"] * 3


def test_a_mismatch_is_aligned_too() -> None:
    data = playground_data("ones(3, 4) - ones(3)")
    assert data["error"] and data["broadcast"] and data["broadcast"]["sizes"] == [3, None]
    assert playground_data("ones(3, 4) - ones(3, 4)")["broadcast"] is None


def test_the_last_line_is_shown_unless_it_has_a_name() -> None:
    assert list(tensors("x = ones(2)\nx + 1")) == ["x", "_"]
    assert list(tensors("x = ones(2)\nx")) == ["x"]


def test_parts_of_lists_and_gradients_are_tensors_too() -> None:
    assert list(tensors("p = arange(4).split(2)")) == ["p[0]", "p[1]"]
    shown = tensors("w = ones(2, requires_grad=True)\ny = w * 3\ny.sum().backward()")
    assert shown["w"]["leaf"] and shown["w.grad"]["labels"] == ["3", "3"]
    assert shown["y"]["graph"] == "MulBackward0" and not shown["y"]["leaf"]


def test_other_values_are_said_in_words() -> None:
    data = playground_data("n = 3\nd = float32\ns = ones(2, 3).shape\nl = [1, 2]\nx = ones(1)\nx.item()")
    assert data["others"] == [["n", "3"], ["d", "torch.float32"], ["s", "(2, 3)"], ["l", "[1, 2]"], ["_", "1.0"]]


@pytest.mark.parametrize(
    "shape", [(), (5,), (1000,), (3, 4), (1000, 1000), (2, 3, 400), (0, 3), (9, 9, 9, 9), (1,) * 10]
)
def test_what_is_drawn_of_a_tensor_is_its_first_corner(shape: tuple[int, ...]) -> None:
    corner = torch.zeros(shape)[crop_of(shape)]
    assert corner.numel() <= MOST_CELLS
    assert corner.ndim == len(shape)
    if torch.zeros(shape).numel() <= 16:
        assert corner.shape == shape


def test_large_and_many_tensors_stay_small_to_send() -> None:
    data = playground_data("x = zeros(1000, 1000)\n" + "\n".join(f"y{n} = x + {n}" for n in range(6)))
    assert len(json.dumps(data)) < 150_000
    assert data["tensors"][0]["drawn"] == [16, 16] and data["tensors"][0]["cells"][16] == 1000
    assert data["storages"][0]["count"] == 1_000_000 and len(data["storages"][0]["labels"]) == MOST_CELLS
    many = playground_data("\n".join(f"x{n} = ones(1)" for n in range(MOST_TENSORS + 9)))
    assert len(many["tensors"]) == MOST_TENSORS


def test_what_is_not_finite_has_no_shade() -> None:
    (tensor,) = playground_data("x = tensor([nan, inf, 1., 3.])")["tensors"]
    assert tensor["labels"] == ["nan", "inf", "1", "3"] and tensor["shades"] == [None, None, 0, 1]
    json.dumps(playground_data("x = tensor([nan])\ny = zeros(0)"), allow_nan=False)


def test_labels_are_short() -> None:
    assert labels_of(torch.tensor([1 / 3, -1234.5, 1e-8])) == ["0.333", "-1.23e+03", "1e-08"]
    assert labels_of(torch.tensor([7, 10**12])) == ["7", "1.0e+12"]
    assert labels_of(torch.tensor([True, False])) == ["T", "F"]
