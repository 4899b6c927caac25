"""The tensor language: what it returns, its errors, and that nothing hostile runs."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.tensors import ExpressionError, evaluate
from core.tensors.functions import FUNCTIONAL, METHODS, TORCH
from tests.tensors.hostile import HOSTILE

pytestmark = pytest.mark.filterwarnings("ignore")

ROOT = Path(__file__).parents[2]
SECONDS = 1.0
MEGABYTES = 200
PATIENCE = 300.0  # seconds for all hostile inputs, on a busy machine

# ---- what it returns ----


def test_names_come_in_order_and_the_last_expression_at_the_end() -> None:
    values = evaluate("b = arange(3)\nb + 1\na = 2\nb = b * a\n")
    assert list(values) == ["b", "a", "_"]
    assert values["b"].tolist() == [0, 2, 4] and values["_"].tolist() == [1, 2, 3]
    assert evaluate("") == evaluate("# nothing") == {}


def test_names_that_are_given_are_used_and_written_but_not_returned() -> None:
    x = torch.zeros(3)
    assert list(evaluate("x[1] = 5\ny = x * 2", {"x": x})) == ["y"]
    assert x.tolist() == [0, 5, 0]


def test_a_name_of_a_function_may_be_a_variable_as_in_python() -> None:
    assert evaluate("max = tensor([1, 5]).max()\nmax + 1")["_"].item() == 6


def test_random_numbers_are_the_same_each_time_and_leave_the_rest_of_the_server_alone() -> None:
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    one, other = (evaluate("x = randn(4)\ny = rand(4)") for _ in range(2))
    assert torch.equal(one["x"], other["x"]) and torch.equal(one["y"], other["y"])
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(evaluate("manual_seed(3)\nrandn(4)")["_"], torch.randn(4))


def test_gradients_accumulate_until_they_are_set_to_none() -> None:
    source = "w = tensor([1., 2.], requires_grad=True)\n" + "(w * w).sum().backward()\n" * 2
    assert evaluate(source)["w"].grad.tolist() == [4, 8]
    assert evaluate(source + "w.grad = None\n(w * 3).sum().backward()")["w"].grad.tolist() == [3, 3]


def test_no_grad_is_a_block() -> None:
    values = evaluate("w = ones(2, requires_grad=True)\nwith torch.no_grad():\n    x = w * 2\n    w += 1\ny = w * 2")
    assert not values["x"].requires_grad and values["y"].requires_grad
    assert values["w"].tolist() == [2, 2]
    with pytest.raises(ExpressionError):
        evaluate("with no_grad():\n    ones(2) + ones(3)")
    assert torch.is_grad_enabled()


def test_arrays_share_both_ways_and_tensor_copies() -> None:
    source = "n = np.array([1., 2.])\na = from_numpy(n)\nb = tensor(n)\nc = a.numpy()\n"
    values = evaluate(source + "n[0] = 7\na[1] = 8\nc *= 10")
    assert isinstance(values["n"], np.ndarray)
    assert values["n"].tolist() == values["a"].tolist() == values["c"].tolist() == [70, 80]
    assert values["b"].tolist() == [1, 2]


def test_pairs_have_names() -> None:
    values = evaluate("r = tensor([3, 1]).sort()\nr.indices\np, q = r")
    assert values["_"].tolist() == values["q"].tolist() == [1, 0]


def test_it_says_where_it_is_before_each_operation() -> None:
    places: list[tuple[int, int, int, int]] = []
    evaluate("a = ones(2)\nä = (a\n  * 2)\nä + 1.5 * 2", at=places.append)
    assert places == [(1, 5, 1, 12), (2, 6, 3, 6), (4, 5, 4, 12), (4, 1, 4, 12)]


# ---- errors ----


@pytest.mark.parametrize(
    ("source", "culprit", "message", "advice"),
    [
        (
            "x = ones(3, 4) + ones(3)",
            "ones(3, 4) + ones(3)",
            "The size of tensor a (4)",
            "aligns shapes from the right",
        ),
        ("x = arange(6).reshape(2, 3).T.view(6)", None, "view size is not compatible", "reshape, which copies"),
        ("arange(6).view(4, 2)", None, "shape '[4, 2]' is invalid for input of size 6", "as many elements"),
        ("ones(2, 3) @ ones(2, 3)", None, "mat1 and mat2 shapes cannot be multiplied", "inner sizes"),
        ("mm(ones(2, 3, 4), ones(4, 2))", None, "must be a matrix", "@ takes them all"),
        ("ones(3) @ ones(3, dtype=int64)", None, "same dtype", "dtypes do not fit"),
        ("arange(4).mean()", None, "mean(): could not infer output dtype", "floating-point"),
        ("x = arange(4)\ny = x[1] + x[7]", "x[7]", "index 7 is out of bounds", "begins at 0"),
        ("ones(3).sum(dim=2)", None, "Dimension out of range", "no such axis"),
        ("1 + aragne(3)", "aragne", "name 'aragne' is not defined", "`arange`"),
        ("ones(3).reshap(3)", "reshap", "has no attribute 'reshap'", "`reshape`"),
        ("torch.zeors(3)", "zeors", "has no attribute 'zeors'", "`zeros`"),
        ("ones(3, dtpe=int64)", None, "no keyword `dtpe`", "`dtype`"),
        ("ones(3) and 1", "ones(3) and 1", "Boolean value of Tensor", "no single truth"),
        ("ones(3).item()", None, "cannot be converted to Scalar", "Only one element"),
        ("ones(3, requires_grad=True).numpy()", None, "Can't call numpy()", "detach()"),
        ("w = ones(3, requires_grad=True)\nw += 1", "w += 1", "leaf Variable that requires grad", "no_grad"),
        ("w = ones(3, requires_grad=True)\n(w * 2).backward()", None, "grad can be implicitly", "sum() or mean()"),
        ("ones(3).sum().backward()", None, "does not require grad", "requires_grad=True"),
        ("w = ones(3, requires_grad=True)\ny = w.exp()\ny += 1\ny.sum().backward()", None, "inplace", "x = x + 1"),
        ("y = ones(1, requires_grad=True).exp()\ny.backward()\ny.backward()", None, "second time", "run the forward"),
        ("x = ones(1).expand(3)\nx += 1", "x += 1", "more than one element of the written-to", "clone()"),
        ("x = arange(3)\nx += .5", "x += .5", "can't be cast", "keeps its dtype"),
        ("cat([ones(2, 3), ones(2, 4)])", None, "Sizes of tensors must match", "cat wants"),
        ("stack([ones(2), ones(3)])", None, "stack expects each tensor to be equal size", "equal shapes"),
        ("one_hot(tensor([0, 5]), 3)", None, "Class values must be smaller", "from 0"),
        ("tensor([[1, 2], [3]])", None, "expected sequence of length 2", "same length"),
        ("ones(3, 1).expand(2, 2)", None, "expanded size of the tensor", "size 1"),
        ("arange(3) // 0", None, "ZeroDivisionError", "divided by zero"),
        ("from_numpy(np.array([1., 2.])[::-1])", None, "negative", "copy()"),
        ("arange(3)[::-1]", None, "step must be greater than zero", "flip"),
        ("x = arange(4)\nx[x.float()]", "x[x.float()]", "used as indices", "whole numbers"),
        ("einsum('ij,jk->ik', ones(2), ones(2))", None, "einsum()", "names each axis"),
        ("x = (1 +\n  2", "(", "'(' was never closed", "Python's syntax"),
        ("x = float", "float", "`float` is not a dtype", "float32 or float64"),
        ("x = zeros", "zeros", "`zeros` is a function", "Call it"),
        ("import torch", "import torch", "imported", "already"),
        ("print(1)", "print", "name 'print'", "is shown"),
        ("x = [1] * 3", "[1] * 3", "not a list", "tensor(...)"),
        ("x = zeros(10**7)", "zeros(10**7)", "10,000,000 elements; the limit is 1,000,000", "smaller"),
    ],
)
def test_an_error_is_torchs_own_with_a_place_and_a_sentence_of_help(
    source: str, culprit: str | None, message: str, advice: str
) -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate(source)
    error = raised.value
    assert message in str(error)
    assert advice in error.help
    line = source.splitlines()[error.line - 1]
    assert line[error.column - 1 : error.end_column - 1] == (culprit or line.removeprefix("x = ").removeprefix("y = "))


def test_an_error_over_several_lines_is_underlined_on_its_first() -> None:
    with pytest.raises(ExpressionError) as raised:
        evaluate("é = (ones(2, 3) @\n     ones(2, 3))")
    assert (raised.value.line, raised.value.column, raised.value.end_column) == (1, 6, 18)


# ---- the table ----


def test_nothing_in_the_table_reaches_beyond_a_tensor() -> None:
    words = {*TORCH, *FUNCTIONAL, *METHODS}
    assert not [word for word in words if word.startswith("_")]
    assert not words & {"set_", "resize_", "as_strided", "apply_", "map_", "data_ptr", "storage", "register_hook"}
    assert not words & {"empty", "empty_like", "new_empty", "load", "save", "share_memory_", "__class__"}


@pytest.mark.parametrize("word", [word for word, function in {**METHODS, **TORCH}.items() if function.elements])
def test_what_is_not_rehearsed_says_how_much_it_makes_without_complaint(word: str) -> None:
    """A wrong call is for torch to complain about, in its own words."""
    for table in (METHODS, TORCH):
        if word in table and (elements := table[word].elements):
            assert elements() >= 0 and elements(torch.ones(2, 3)) >= 0
            assert elements(torch.ones(2, 3), None, None) >= 0


# ---- hostile inputs ----


@pytest.mark.slow
@pytest.mark.linux  # whose way it is to ask for the memory of a process
def test_no_hostile_input_runs_or_hangs_or_takes_memory() -> None:
    """They share one process; what it has taken at its worst counts against each."""
    assert len(set(HOSTILE)) == len(HOSTILE) >= 200
    command = [sys.executable, "-W", "ignore", "-m", "tests.tensors.run_hostile"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired as error:
        begun = json.loads((error.stdout or b"").decode().splitlines()[-1])["begun"]
        pytest.fail(f"this hangs: {HOSTILE[begun]!r}")
    reports = [json.loads(report) for report in done.stdout.splitlines()]
    begun, results = reports[::2], reports[1::2]
    assert len(results) == len(HOSTILE), f"this ends the process: {HOSTILE[begun[-1]['begun']]!r}\n{done.stderr}"
    for source, result in zip(HOSTILE, results, strict=True):
        assert result["raised"] == "ExpressionError", (source, result)
        assert result["seconds"] < SECONDS, (source, result)
        assert result["megabytes"] < MEGABYTES, (source, result)


def test_a_parser_that_is_disturbed_by_another_thread_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed = [SystemError("AST constructor recursion depth mismatch (before=126, after=60)")] * 2
    parse = ast.parse

    def parse_in_a_crowd(*arguments: Any, **options: Any) -> Any:
        if disturbed:
            raise disturbed.pop()
        return parse(*arguments, **options)

    monkeypatch.setattr(ast, "parse", parse_in_a_crowd)
    assert evaluate("x = tensor(3.)")["x"].item() == 3
