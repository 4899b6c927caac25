"""Eager runs build the graph that the input asks for; what is captured beforehand holds under its guards, or is not."""

import itertools

import pytest
import torch

from core.autograd.tracing import Capture, Captured, capture_by_compile, capture_by_export, examples, run_each


@pytest.fixture(scope="module")
def captures() -> dict[str, tuple[Capture, Capture]]:
    """What `torch.export` and `torch.compile` make of each example; the compiler takes seconds to be imported."""
    return {name: (capture_by_export(example), capture_by_compile(example)) for name, example in examples().items()}


def operations(nodes: tuple[Captured, ...]) -> list[str]:
    return [node.operation for node in nodes]


def test_each_run_builds_the_graph_of_the_way_that_it_took() -> None:
    example = examples()["value"]
    for (x,), graph in zip(example.inputs, run_each(example), strict=True):
        doublings = max(0, int(torch.ceil(torch.log2(4 / x.norm())))) if x.norm() < 4 else 0
        expected = ["accumulate grad", *["mul"] * doublings, *(["sum"] if x.sum() > 0 else ["pow", "sum"])]
        assert [node.operation for node in graph.nodes] == expected, x


def test_a_loop_over_a_number_is_as_long_as_the_number_says() -> None:
    example = examples()["shape"]
    for (x, count), graph in zip(example.inputs, run_each(example), strict=True):
        last = "mean" if len(x) > 2 else "sum"
        assert [node.operation for node in graph.nodes] == ["accumulate grad", *["tanh"] * count, last]
        assert graph.nodes[-1].value == example.function(x, count)


@pytest.mark.slow
def test_both_branches_in_one_operation_are_one_node() -> None:
    example = examples()["cond"]
    assert {tuple(node.name for node in graph.nodes)[1:] for graph in run_each(example)} == {
        ("CondAutogradOpBackward",)
    }
    for (x,), graph in zip(example.inputs, run_each(example), strict=True):
        leaf = x.clone().requires_grad_()
        (leaf.sum() if x.sum() > 0 else (leaf**2).sum()).backward()
        assert graph.nodes[0].gradient is not None and leaf.grad is not None
        torch.testing.assert_close(graph.nodes[0].gradient, leaf.grad)


@pytest.mark.slow
def test_a_branch_on_values_is_refused_or_breaks_the_graph(captures: dict[str, tuple[Capture, Capture]]) -> None:
    exported, compiled = captures["value"]
    assert not exported.graphs and "data-dependent" in exported.refusal
    assert exported.breaks == ("while x.norm() < 4:",)
    assert "Data-dependent branching" in compiled.refusal
    assert [operations(piece) for piece in compiled.graphs] == [
        ["x", "norm", "lt", "output"],
        ["x", "mul", "norm", "lt", "output"],
        ["x", "sum", "gt", "output"],
        ["x", "sum", "output"],
    ]
    assert list(compiled.breaks) == ["while x.norm() < 4:", "if x.sum() > 0:"]


@pytest.mark.slow
def test_a_number_and_a_shape_become_guards(captures: dict[str, tuple[Capture, Capture]]) -> None:
    exported, compiled = captures["shape"]
    assert not exported.refusal and not compiled.refusal and not compiled.breaks
    assert [operations(piece) for piece in exported.graphs] == [["x", "n", "tanh", "tanh", "mean", "output"]]
    assert [operations(piece) for piece in compiled.graphs] == [["x", "tanh", "tanh", "mean", "output"]]
    assert set(exported.guards) == {"x.size()[0] == 3", "n == 2"}
    number, tensor = compiled.guards
    assert number == "L['n'] == 2"
    assert tensor.startswith("check_tensor(L['x'], ") and "torch.float32" in tensor and "size=[3]" in tensor


def test_cond_keeps_both_branches_in_one_graph(captures: dict[str, tuple[Capture, Capture]]) -> None:
    for capture in captures["cond"]:
        assert not capture.refusal and not capture.breaks
        (nodes,) = capture.graphs
        assert operations(nodes) == ["x", "sum", "gt", "sum", "pow, sum", "cond", "getitem", "output"]


def test_captured_edges_lead_to_nodes_that_are_there(captures: dict[str, tuple[Capture, Capture]]) -> None:
    for capture in itertools.chain(*captures.values()):
        for nodes in capture.graphs:
            known: set[str] = set()
            for node in nodes:
                assert set(node.takes) <= known
                known.add(node.name)
            assert nodes[-1].kind == "output" and nodes[0].kind == "input"


def test_the_source_and_the_first_input_are_those_of_the_function() -> None:
    for name, example in examples().items():
        assert example.name == name and example.source.startswith("def ")
        assert len(example.inputs) == len(example.labels) > example.first
    assert examples()["value"].labels[examples()["value"].first] == "x = [0.75, 0.5]"
    assert examples()["shape"].labels[examples()["shape"].first] == "len(x) = 3, n = 2"
