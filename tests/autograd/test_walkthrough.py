"""A source walked through: which value's graph it is, its leaves' gradients checked, and what cannot be walked."""

import itertools
import math

import pytest
import torch

from core.autograd.graph import GraphError, graph
from core.autograd.recording import Recording
from core.autograd.walkthrough import MOST_NODES, PASSES, Walkthrough, walk_through
from core.tensors import ExpressionError, evaluate
from tests.autograd.programs import program
from tests.autograd.test_graph import PROGRAMS, recorded


def leaf_of(walk: Walkthrough, name: str) -> torch.Tensor:
    gradient = next(
        walk.graph.nodes[leaf.node].gradient for leaf in walk.leaves if walk.graph.nodes[leaf.node].variable == name
    )
    assert gradient is not None
    return gradient


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_the_language_builds_the_graph_that_torch_builds(seed: int) -> None:
    source = program(seed, cuts=True)
    with Recording() as recording:
        names = evaluate(source, at=recording.at)
    name = source.splitlines()[-1].split(" = ")[0]
    ours = graph(names[name], names, recording)
    result, direct = recorded(source)
    assert [node.name for node in ours.nodes] == [node.name for node in direct.nodes]
    assert [edge.producer for edge in ours.edges] == [edge.producer for edge in direct.edges]
    value = ours.nodes[-1].value
    assert value is not None and value.equal(result.detach())


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS[::10])
def test_a_generated_source_is_walked_and_its_leaves_agree(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.autograd.checking.MOST_SECONDS", math.inf)
    source = program(seed)
    walk = walk_through(source)
    assert walk.result == source.splitlines()[-1].split(" = ")[0]
    assert [leaf.verdict for leaf in walk.leaves] == ["agrees"] * len(walk.leaves), source


def test_every_operation_knows_its_place_in_the_source() -> None:
    source = "x = tensor([1., 2.], requires_grad=True)\ny = exp(x) * 3\nz = (y - 1).sum()"
    lines = source.splitlines()
    said = {}
    for node in walk_through(source).graph.nodes:
        if node.place:
            line, column, last, end = node.place
            assert line == last
            said[node.operation] = lines[line - 1][column - 1 : end - 1]
    assert said == {"exp": "exp(x)", "mul": "exp(x) * 3", "sub": "y - 1", "sum": "(y - 1).sum()"}


def test_the_value_that_was_computed_last_is_walked_whatever_its_name() -> None:
    walk = walk_through("x = tensor(2., requires_grad=True)\ny = x * 3\nx = x * y\nk = 5")
    assert walk.result == "x" and [node.operation for node in walk.graph.nodes][1:] == ["mul", "mul"]
    assert walk_through("x = tensor(2., requires_grad=True)\nx * 3").result == "_"
    assert walk_through("x = tensor(2., requires_grad=True)").result == "x"


def test_leaves_are_checked_against_their_own_differences() -> None:
    walk = walk_through("a = tensor(2., requires_grad=True)\nb = tensor([3., 4.], requires_grad=True)\ny = a ** 2 * b")
    assert [walk.graph.nodes[leaf.node].variable for leaf in walk.leaves] == ["a", "b"]
    assert leaf_of(walk, "a") == 28 and leaf_of(walk, "b").tolist() == [4, 4]
    for leaf in walk.leaves:
        assert leaf.verdict == "agrees" and leaf.error is not None and leaf.error < 1e-6


def test_verdicts_where_a_difference_says_something_else() -> None:
    (kink,) = walk_through("x = tensor([0., 2.], requires_grad=True)\nrelu(x)").leaves
    assert kink.verdict == "kink" and kink.error == pytest.approx(0.5)
    (hidden,) = walk_through("x = tensor([1., 2.], requires_grad=True)\nx * x.detach()").leaves
    assert hidden.verdict == "hidden" and hidden.difference is not None
    assert hidden.difference.central.tolist() == pytest.approx([2, 4])
    (hidden,) = walk_through("w = tensor(3., requires_grad=True)\nwith no_grad():\n    s = w * 2\nw * s").leaves
    assert hidden.verdict == "hidden"
    (coarse,) = walk_through("x = tensor(1., requires_grad=True)\n(x * 1e-30) * (x * 1e30) ** 2 * 1e-30").leaves
    assert coarse.verdict == "differs", "float32 overflows, float64 does not"


def test_too_many_elements_are_not_checked() -> None:
    (leaf,) = walk_through("x = ones(40, requires_grad=True)\ny = (x * x).sum()").leaves
    assert leaf.verdict == "unchecked" and leaf.difference is None and leaf.error is None


def test_gradients_accumulate_over_the_passes_and_are_zeroed() -> None:
    (leaf,) = walk_through("w = tensor([1., -2.], requires_grad=True)\nloss = (w ** 2).sum()").leaves
    rows = [gradient.tolist() for gradient in leaf.accumulated if gradient is not None]
    assert rows == [[2 * times, -4 * times] for times in range(1, PASSES + 1)] + [[0, 0]]


def test_a_leaf_that_the_graph_does_not_reach_is_named() -> None:
    walk = walk_through("x = ones(2, requires_grad=True)\nw = ones(2, requires_grad=True)\ny = w * x.detach()")
    assert walk.unreached == ("x",)


def test_what_pytorch_refuses_is_walked_up_to_there() -> None:
    walk = walk_through("x = tensor([0., 1.], requires_grad=True)\ny = exp(x)\ny += 1\nloss = y.sum()")
    assert "modified by an inplace operation" in walk.graph.refusal
    (leaf,) = walk.leaves
    assert leaf.verdict == "unchecked" and not leaf.accumulated
    assert leaf.difference is not None and leaf.difference.central.tolist() == pytest.approx([1, 2.718281828])


def test_a_second_backward_is_refused_in_pytorchs_words() -> None:
    walk = walk_through("x = tensor(3., requires_grad=True)\ny = x ** 2\ny.backward()")
    assert "backward through the graph a second time" in walk.graph.refusal


def test_a_source_that_cannot_be_moved_is_walked_all_the_same() -> None:
    source = "x = tensor([1., 2.], requires_grad=True)\ni = x.detach().sum() == 3\ny = x[int(i) * 4 - 3] * 2"
    (leaf,) = walk_through(source).leaves
    assert leaf.verdict == "unchecked"
    assert walk_through(source).graph.nodes[-1].value == 4


def test_what_takes_long_is_not_computed_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr("core.autograd.walkthrough.time.thread_time", lambda: next(clock))
    (leaf,) = walk_through("w = tensor(2., requires_grad=True)\nw * w").leaves
    assert leaf.verdict == "unchecked" and leaf.difference is None, "of finite differences"
    assert not leaf.accumulated, "of backward passes"


def test_a_graph_that_nobody_could_read_is_refused() -> None:
    source = "x = ones(1, requires_grad=True)\n" + "x = x + x\n" * MOST_NODES
    with pytest.raises(GraphError, match=f"{MOST_NODES + 1} nodes"):
        walk_through(source)


def test_mistakes_come_through() -> None:
    with pytest.raises(ExpressionError, match="leaf Variable"):
        walk_through("w = ones(2, requires_grad=True)\nw += 1")
    with pytest.raises(GraphError, match="No line makes a tensor"):
        walk_through("a = 1")
    with pytest.raises(GraphError, match="requires no gradient"):
        walk_through("x = ones(2)\ny = x * 2")
    with pytest.raises(GraphError, match="cut off by detach"):
        walk_through("x = ones(2, requires_grad=True).detach()")


def test_the_language_is_evaluated_the_same_with_and_without_a_walk() -> None:
    source = program(5)
    before = evaluate(source)
    walk_through(source)
    for name, value in evaluate(source).items():
        assert value.equal(before[name])
