"""Finite differences against autograd, gradcheck and calculus, and what repeated backward passes leave behind."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from core.autograd.checking import Leaves, accumulate, finite_differences, relative_error
from core.autograd.graph import graph
from tests.autograd.programs import program
from tests.autograd.test_graph import PROGRAMS, run

CLOSE = 1e-8  # relative; the differences themselves are good to about 1e-9


def last(source: str) -> Tensor:
    result: Tensor = run(source)[source.splitlines()[-1].split(" = ")[0]]
    return result


def in_double(source: str) -> tuple[list[Tensor], Tensor]:
    """Run ``source`` in float64 by torch's own default, and return its leaves and its result."""
    torch.set_default_dtype(torch.float64)
    try:
        with Leaves() as leaves:
            return leaves.leaves, last(source)
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_gradients_agree_with_finite_differences_in_float64(seed: int) -> None:
    source = program(seed)
    leaves, result = in_double(source)
    found = finite_differences(partial(last, source))
    assert found is not None and len(found) == len(leaves)
    drawn = graph(result, {str(place): leaf for place, leaf in enumerate(leaves)})
    gradients = {drawn.nodes[place].variable: drawn.nodes[place].gradient for place in drawn.leaves}
    for place, (leaf, difference) in enumerate(zip(leaves, found, strict=True)):
        gradient = gradients.get(str(place))
        used = torch.zeros_like(leaf) if gradient is None else gradient
        assert used.dtype == difference.central.dtype == torch.float64
        assert float(relative_error(used, difference.central).max()) < CLOSE, source


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: (torch.tanh(a @ b) ** 2).sum(),
        lambda a, b: torch.nn.functional.cross_entropy(a @ b, torch.tensor([0, 1])),
        lambda a, b: (torch.softmax(a, 1) @ b.exp()).log().mean(),
    ],
    ids=["tanh", "cross-entropy", "softmax"],
)
def test_ours_say_what_gradcheck_says(function: Any) -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((2, 3), (3, 4)))
    leaves = [one.clone().requires_grad_() for one in (a, b)]
    assert torch.autograd.gradcheck(function, leaves)
    gradients = torch.autograd.grad(function(*leaves), leaves)
    found = finite_differences(lambda: function(a.clone().requires_grad_(), b.clone().requires_grad_()))
    assert found is not None
    for gradient, difference in zip(gradients, found, strict=True):
        assert float(relative_error(gradient, difference.central).max()) < 1e-9


def test_a_wrong_gradient_is_found() -> None:
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, x: Tensor) -> Tensor:
            return x * x

        @staticmethod
        def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
            return gradients[0] * 3

    def compute() -> Tensor:
        return Wrong.apply(torch.tensor([2.0, 5.0], requires_grad=True)).sum()

    found = finite_differences(compute)
    assert found is not None and found[0].central.tolist() == pytest.approx([4, 10])
    assert relative_error(torch.tensor([3.0, 3.0]), found[0].central).tolist() == pytest.approx([0.25, 0.7])


def test_a_path_behind_detach_is_seen_by_differences_alone() -> None:
    def compute() -> Tensor:
        x = torch.tensor(3.0, requires_grad=True)
        return x * x.detach()

    found = finite_differences(compute)
    assert found is not None and float(found[0].central) == pytest.approx(6)


def test_at_a_kink_the_sides_differ() -> None:
    found = finite_differences(lambda: torch.relu(torch.tensor([0.0, 2.0], requires_grad=True)).sum())
    assert found is not None
    assert found[0].central.tolist() == pytest.approx([0.5, 1])
    assert found[0].below.tolist() == pytest.approx([0, 1]) and found[0].above.tolist() == pytest.approx([1, 1])


def test_all_is_computed_in_double_whatever_is_asked_for() -> None:
    seen: list[torch.dtype] = []

    def compute() -> Tensor:
        x = torch.tensor([1.0, 2.0], dtype=torch.float32, requires_grad=True)
        w = torch.ones(2, 2).float()
        y = (w @ x).half() + x.to(torch.bfloat16)
        seen.extend((x.dtype, w.dtype, y.dtype, (x > 1).dtype))
        return y.sum()

    found = finite_differences(compute)
    assert found is not None and found[0].central.tolist() == pytest.approx([3, 3], abs=1e-9)
    assert set(seen) == {torch.float64, torch.bool}


def test_leaves_come_in_the_order_in_which_they_begin_to_require_a_gradient() -> None:
    with Leaves() as made:
        a = torch.ones(2)
        b = torch.ones(3, requires_grad=True)
        c = torch.arange(4.0).reshape(2, 2).requires_grad_()
        a.requires_grad_()
        d = torch.ones(5)
        d.requires_grad = True
        with torch.no_grad():
            c.T.sum()
        (a.sum() * b).sum()
    assert [leaf.shape for leaf in made.leaves] == [(3,), (2, 2), (2,), (5,)]
    assert made.leaves[2] is a and made.leaves[3] is d


def test_too_many_elements_are_not_moved_one_by_one() -> None:
    evaluations: list[int] = []

    def compute() -> Tensor:
        evaluations.append(1)
        return torch.ones(9, requires_grad=True).sum()

    assert finite_differences(compute, most=8) is None and len(evaluations) == 1
    assert finite_differences(compute, most=9) is not None and len(evaluations) == 2 + 2 * 9


def test_what_would_take_long_is_not_done(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.03])
    monkeypatch.setattr("core.autograd.checking.time.thread_time", lambda: next(clock))
    assert finite_differences(lambda: torch.ones(9, requires_grad=True).sum()) is None, "18 times 0.03 s"


def test_an_empty_leaf_has_no_differences() -> None:
    found = finite_differences(lambda: torch.ones(0, requires_grad=True).sum())
    assert found is not None and found[0].central.shape == (0,)


def test_gradients_add_up_until_they_are_zeroed() -> None:
    x, unused = torch.tensor([1.0, 2.0], requires_grad=True), torch.ones(1, requires_grad=True)
    y = x * x
    noted = accumulate(y, [x, unused], 3)
    assert [row[0].tolist() for row in noted if row[0] is not None] == [[2, 4], [4, 8], [6, 12], [0, 0]]
    assert all(row[1] is None for row in noted)
    assert x.grad is None, "and in the end the leaf is as it was"
    y.sum().backward()
    kept = x.grad
    accumulate(x * 3, [x], 1)
    assert x.grad is kept
    torch.testing.assert_close(kept, 2 * x.detach())


def test_a_refused_pass_leaves_the_leaf_as_it_was() -> None:
    x = torch.tensor([1.0], requires_grad=True)
    y = torch.exp(x)
    z = y * 2
    y.detach().add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        accumulate(z, [x], 2)
    assert x.grad is None
