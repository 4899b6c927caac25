"""The tensor language against Python: the same lines do the same in both."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor
from torch.nn import functional

from core.tensors import ExpressionError, evaluate
from core.tensors.functions import FUNCTIONAL, TORCH
from tests.tensors.programs import BEGINNING, program

pytestmark = pytest.mark.filterwarnings("ignore")

PROGRAMS = 360
LEAST_COMPARED = 2000  # different lines
LEAST_RUN = 800  # of them; the others fail, in torch as here

# What a program of Python sees: torch's names, functional's where torch has none.
PYTHON = {
    **{name: getattr(functional, name) for name in FUNCTIONAL},
    **{name: getattr(torch, name) for name in (*torch.__all__, *TORCH) if hasattr(torch, name)},
    "torch": torch,
    "F": functional,
    "np": np,
}


def failure_in_python(line: str, variables: dict[str, Any]) -> Exception | None:
    """Run one line as Python and return what it raises; the value of an expression is kept as at its prompt."""
    try:
        run(line, variables)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    return None


def run(line: str, variables: dict[str, Any]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            code = compile(line, "line", "eval")
        except SyntaxError:
            exec(line, PYTHON, variables)
            return
        value = eval(code, PYTHON, variables)
    if value is not None:
        variables["_"] = value


def difference(mine: Any, theirs: Any) -> str | None:
    """Return how two values differ, None where they do not."""
    if isinstance(mine, Tensor) and isinstance(theirs, Tensor):
        facts = [
            (x.dtype, x.shape, x.stride(), x.storage_offset(), x.requires_grad, x.is_leaf, str(type(x.grad_fn)))
            for x in (mine, theirs)
        ]
        if facts[0] != facts[1]:
            return f"{facts[0]} is not {facts[1]}"
        same = torch.equal(mine.isnan(), theirs.isnan()) and torch.equal(mine.nan_to_num(), theirs.nan_to_num())
        return None if same else f"{mine} is not {theirs}"
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        pairs = zip(mine, theirs, strict=False)
        return next(filter(None, (difference(one, other) for one, other in pairs)), None)
    if isinstance(mine, float) and mine != mine and isinstance(theirs, float) and theirs != theirs:
        return None
    same = type(mine) is type(theirs) and mine == theirs
    return None if same else f"{mine!r} is not {theirs!r}"


def sharing(values: dict[str, Any]) -> list[set[str]]:
    """Return the names of tensors that share storage, group by group."""
    groups: dict[int, set[str]] = {}
    for key, value in values.items():
        if isinstance(value, Tensor) and value.numel():
            groups.setdefault(value.untyped_storage().data_ptr(), set()).add(key)
    return sorted(groups.values(), key=sorted)


@pytest.mark.slow
def test_programs_do_what_they_do_in_python() -> None:
    """Values, dtypes, strides, graphs and sharing are those of the same lines in Python, or both fail alike."""
    compared: set[str] = set()
    ran: set[str] = set()

    @settings(max_examples=PROGRAMS, suppress_health_check=list(HealthCheck), database=None)
    @given(program)
    def compare(program: list[str]) -> None:
        mine = evaluate(BEGINNING)
        theirs: dict[str, Any] = {}
        exec(BEGINNING, PYTHON, theirs)
        for line in program:
            compared.add(line)
            failure = failure_in_python(line, theirs)
            if failure:
                with pytest.raises(ExpressionError) as raised:
                    evaluate(line, mine)
                if type(raised.value.__cause__) is type(failure):  # torch's own, not a refusal of the language
                    assert str(raised.value) == (str(failure) or type(failure).__name__), line
                continue
            mine = {**mine, **evaluate(line, mine)}
            ran.add(line)
            assert set(mine) == set(theirs)
            for key, value in mine.items():
                assert difference(value, theirs[key]) is None, (line, key)
            assert sharing(mine) == sharing(theirs), line

    compare()
    assert len(compared) >= LEAST_COMPARED
    assert len(ran) >= LEAST_RUN
