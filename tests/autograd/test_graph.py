"""The graph that is drawn against autograd's own, walked here on its own, and against calculus done by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from core.autograd.graph import Graph, GraphError, Node, graph, in_words
from core.autograd.recording import MOST_ELEMENTS, Recording
from tests.autograd.programs import program

PROGRAMS = range(100)


def run(source: str) -> dict[str, Any]:
    """Run the lines of a generated program in torch itself."""
    names: dict[str, Any] = {}
    exec(source, dict(vars(torch)), names)
    return names


def recorded(source: str) -> tuple[Tensor, Graph]:
    """Return what the last line of ``source`` makes, and the graph behind it."""
    with Recording() as recording:
        names = run(source)
    result = names[source.splitlines()[-1].split(" = ")[0]]
    return result, graph(result, names, recording)


def walked(tensor: Tensor) -> list[Any]:
    """Return autograd's nodes behind ``tensor``, found by its own pointers and nothing else."""
    found: list[Any] = []
    waiting = [torch.autograd.graph.get_gradient_edge(tensor).node]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.append(node)
            waiting += [producer for producer, _output in node.next_functions if producer]
    return found


def paths(node: Any, described: Graph, index: int) -> set[tuple[Any, ...]]:
    """Pair autograd's nodes with the drawn ones, from the result back along each edge."""
    drawn = {(edge.consumer, edge.input): edge for edge in described.edges}
    pairs, waiting = set(), [(node, index)]
    while waiting:
        pair = waiting.pop()
        if pair in pairs:
            continue
        pairs.add(pair)
        theirs, ours = pair
        for place, (producer, output) in enumerate(theirs.next_functions):
            edge = drawn.get((ours, place))
            assert (producer is None) == (edge is None)
            if producer is not None and edge is not None:
                assert edge.output == output
                waiting.append((producer, edge.producer))
    return pairs


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
@pytest.mark.parametrize("cuts", [False, True], ids=["whole", "cut"])
def test_the_graph_is_autograds_node_for_node(seed: int, cuts: bool) -> None:
    result, ours = recorded(program(seed, cuts))
    theirs = walked(result)
    assert sorted(node.name for node in ours.nodes) == sorted(node.name() for node in theirs)
    assert len(ours.edges) == sum(one is not None for node in theirs for one, _output in node.next_functions)
    assert len(ours.constants) == sum(one is None for node in theirs for one, _output in node.next_functions)
    pairs = paths(theirs[0], ours, len(ours.nodes) - 1)
    assert len(pairs) == len(theirs) == len(ours.nodes), "each node is drawn once"
    for node, index in pairs:
        drawn = ours.nodes[index]
        assert drawn.name == node.name()
        saved = {name.removeprefix("_saved_") for name in dir(node) if name.startswith("_saved_")}
        assert {one.name for one in drawn.saved} <= saved
        for one in drawn.saved:
            value = getattr(node, f"_saved_{one.name}")
            assert value.equal(one.value) if isinstance(value, Tensor) else one.value is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_recording_leaves_the_graph_as_it_is(seed: int) -> None:
    source = program(seed, cuts=True)
    _result, ours = recorded(source)
    names = run(source)
    plain = graph(names[source.splitlines()[-1].split(" = ")[0]], names)
    assert [node.name for node in plain.nodes] == [node.name for node in ours.nodes]
    ends = [[(edge.producer, edge.output, edge.consumer, edge.input) for edge in one.edges] for one in (plain, ours)]
    assert ends[0] == ends[1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_every_value_and_gradient_is_there_and_autograds(seed: int) -> None:
    source = program(seed, cuts=True)
    with Recording() as recording:
        names = run(source)
    tensors = {name: value for name, value in names.items() if value.requires_grad}
    result = names[source.splitlines()[-1].split(" = ")[0]]
    ours = graph(result, names, recording)
    gradients = torch.autograd.grad(result.sum(), list(tensors.values()), allow_unused=True, retain_graph=True)
    expected = {name: (tensors[name], gradient) for name, gradient in zip(tensors, gradients, strict=True)}
    for node in ours.nodes:
        assert node.value is not None and node.gradient is not None and node.value.shape == node.gradient.shape
        if node.variable:
            value, gradient = expected[node.variable]
            assert node.value.equal(value.detach())
            torch.testing.assert_close(node.gradient, gradient)


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_the_chain_rule_holds_at_every_edge_and_node(seed: int) -> None:
    _result, ours = recorded(program(seed, cuts=True))
    sums = {
        (index, place): torch.zeros(()) for index, node in enumerate(ours.nodes) for place in range(len(node.values))
    }
    for edge in ours.edges:
        assert edge.contribution is not None and edge.local is not None
        gradient = ours.nodes[edge.consumer].gradient
        assert gradient is not None
        product = (gradient.flatten() @ edge.local).view_as(edge.contribution)
        torch.testing.assert_close(product, edge.contribution, atol=1e-5, rtol=1e-5)
        end = (edge.producer, edge.output)
        sums[end] = sums.get(end, torch.zeros(())) + edge.contribution
    for index, node in enumerate(ours.nodes[:-1]):
        for place, gradient in enumerate(node.gradients):
            if gradient is not None:
                torch.testing.assert_close(sums[index, place], gradient, atol=1e-5, rtol=1e-5)
    last = ours.nodes[-1].gradient
    assert last is not None and last.equal(torch.ones_like(last))


@pytest.mark.slow
@pytest.mark.parametrize("seed", PROGRAMS)
def test_values_come_before_what_is_made_of_them_and_the_way_back_is_the_engines(seed: int) -> None:
    result, ours = recorded(program(seed, cuts=True))
    assert all(edge.producer < edge.consumer for edge in ours.edges)
    assert [node.number for node in ours.nodes if node.number is not None] == sorted(
        node.number for node in ours.nodes if node.number is not None
    )
    taken: list[str] = []
    for node in walked(result):
        node.register_hook(lambda _inputs, _outputs, node=node: taken.append(node.name()))
    result.sum().backward()
    went = [ours.nodes[index].name for index in ours.backward]
    assert went == taken and sorted(ours.backward) == list(range(len(ours.nodes)))


def test_a_chain_by_hand() -> None:
    x = torch.tensor(2.0, requires_grad=True)
    with Recording() as recording:
        y = torch.sin(x * 3) ** 2
    leaf, product, sine, square = graph(y, {"x": x, "y": y}, recording).nodes
    assert (leaf.kind, leaf.variable, square.variable) == ("leaf", "x", "y")
    assert [node.operation for node in (product, sine, square)] == ["mul", "sin", "pow"]
    six = torch.tensor(6.0)
    for node, value, gradient in (
        (square, six.sin() ** 2, torch.tensor(1.0)),
        (sine, six.sin(), 2 * six.sin()),
        (product, six, 2 * six.sin() * six.cos()),
        (leaf, torch.tensor(2.0), 3 * 2 * six.sin() * six.cos()),
    ):
        torch.testing.assert_close(node.value, value)
        torch.testing.assert_close(node.gradient, gradient)
    assert {one.name: one.value for one in square.saved}["exponent"] == 2.0


def test_a_saved_tensor_knows_whose_value_it_is() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    ours = graph(torch.exp(x * 2) * x, {"x": x})
    saved = {(node.operation, one.name): one.node for node in ours.nodes for one in node.saved if one.name != "dim"}
    leaf, _doubled, exp, _product = range(4)
    assert saved["exp", "result"] == exp, "its own result"
    assert (saved["mul", "self"], saved["mul", "other"]) == (exp, leaf)


def test_a_shared_leaf_gets_one_node_and_the_sum_of_its_paths() -> None:
    x = torch.tensor(3.0, requires_grad=True)
    ours = graph(x * x + x, {"x": x})
    assert [node.name for node in ours.nodes].count("torch::autograd::AccumulateGrad") == 1
    into_leaf = [edge for edge in ours.edges if edge.producer == 0]
    assert [float(edge.contribution) for edge in into_leaf if edge.contribution is not None] == [3, 3, 1]
    assert ours.nodes[0].gradient == 7


def test_a_matrix_product_has_its_jacobian() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(2, 3, requires_grad=True), torch.randn(3, 4)
    ours = graph(a @ b, {"a": a})
    (edge,) = ours.edges
    expected = torch.autograd.functional.jacobian(lambda one: one @ b, a).reshape(8, 6)
    torch.testing.assert_close(edge.local, expected)
    torch.testing.assert_close(edge.contribution, torch.ones(2, 4) @ b.T)


def test_a_stretched_axis_is_summed_on_the_way_back() -> None:
    a, b = torch.ones(2, 3, requires_grad=True), torch.ones(3, requires_grad=True)
    ours = graph(a + b, {"a": a, "b": b})
    edge = next(edge for edge in ours.edges if ours.nodes[edge.producer].variable == "b")
    assert edge.contribution is not None and edge.contribution.tolist() == [2, 2, 2]
    assert edge.local is not None and edge.local.equal(torch.eye(3).repeat(2, 1))


def test_operations_inside_a_library_function_have_values_where_they_were_recorded() -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 4, requires_grad=True)
    with Recording() as recording:
        loss = functional.cross_entropy(x, torch.tensor([0, 1, 3]))
    values = {node.operation: node.value for node in graph(loss, {"x": x}, recording).nodes}
    torch.testing.assert_close(values["log softmax"], x.detach().log_softmax(1))
    assert graph(loss, {"x": x}).nodes[1].value is None, "without a recording nobody knows"


def test_several_outputs_are_told_apart() -> None:
    x = torch.tensor([[1.0, 5.0], [4.0, 2.0]], requires_grad=True)
    with Recording() as recording:
        first, second = x.split(1)
        y = first.sum() + 3 * second.max()
    node = next(node for node in graph(y, {"x": x}, recording).nodes if node.operation == "split")
    assert [value.tolist() for value in node.values if value is not None] == [[[1, 5]], [[4, 2]]]
    assert [value.tolist() for value in node.gradients if value is not None] == [[[1, 1]], [[3, 0]]]


def test_a_leaf_alone_is_a_graph() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    ours = graph(x, {"x": x})
    assert [node.kind for node in ours.nodes] == ["leaf"] and not ours.edges and ours.leaves == ours.backward == (0,)
    assert ours.nodes[0].gradient is not None and ours.nodes[0].gradient.tolist() == [1, 1]


def test_nothing_is_changed() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    graph(y)
    assert x.grad is None
    y.backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())


def constant_of(operation: str, ours: Graph) -> Any:
    index = next(index for index, node in enumerate(ours.nodes) if node.operation == operation)
    return next(one for one in ours.constants if one.consumer == index)


def test_a_constant_says_what_it_is_and_by_what_it_was_cut_off() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    c = torch.tensor([5.0, 6.0])
    with Recording() as recording:
        with torch.no_grad():
            k = x * 2
        y = (x * 3) + x.detach() * 2
        z = (y / k - c).pow(2) ** (x > 1).float()
    ours = graph(z, {"x": x, "c": c, "k": k}, recording)
    assert (constant_of("mul", ours).value, constant_of("mul", ours).hidden) == (3, None)
    assert constant_of("add", ours).hidden == "detach" and constant_of("add", ours).value.tolist() == [2, 4]
    assert (constant_of("div", ours).hidden, constant_of("div", ours).variable) == ("no_grad", "k")
    assert (constant_of("sub", ours).hidden, constant_of("sub", ours).variable) == (None, "c")
    exponent = next(one for one in ours.constants if one.consumer == len(ours.nodes) - 1)
    assert exponent.hidden == "not differentiable"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: x.detach() * 2, "cut off by detach()"),
        (lambda x: torch.no_grad()(lambda: x * 2)(), "computed under no_grad()"),
        (lambda x: x.argmax(), "whole numbers or truth values"),
        (lambda x: x > 1, "whole numbers or truth values"),
        (lambda _x: torch.ones(2), "give a leaf requires_grad=True"),
    ],
)
def test_a_value_without_a_graph_is_a_sentence_that_says_why(make: Any, words: str) -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with Recording() as recording:
        y = make(x)
    with pytest.raises(GraphError) as caught:
        graph(y, {}, recording)
    assert words in str(caught.value)


def test_a_view_taken_under_no_grad_is_no_part_of_the_graph_whatever_it_says() -> None:
    x = torch.ones(2, 2, requires_grad=True)
    with torch.no_grad():
        y = x.T
    assert y.requires_grad, "PyTorch's own view of it"
    ours = graph((y * x).sum(), {"x": x, "y": y})
    assert [ours.nodes[leaf].variable for leaf in ours.leaves] == ["x"]
    with pytest.raises(GraphError):
        graph(y)


def test_a_value_that_was_overwritten_stops_the_way_back_where_it_is_missed() -> None:
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    with Recording() as recording:
        y = torch.exp(x)
        z = (y * 3).sum()
        y.add_(1)
        w = z + (2 * y).sum()
    ours = graph(w, {"x": x}, recording)
    assert "has been modified by an inplace operation" in ours.refusal
    blamed = [node for node in ours.nodes if any(one.error for one in node.saved)]
    assert [node.operation for node in blamed] == ["exp"]
    assert ours.nodes[-1].gradient == 1, "what was reached is there"
    assert blamed[0].gradient is None and ours.nodes[0].gradient is None


def test_large_tensors_and_jacobians_are_left_out() -> None:
    x = torch.ones(MOST_ELEMENTS + 1, requires_grad=True)
    with Recording() as recording:
        y = (x * 2).sum()
    leaf, product, total = graph(y, {"x": x}, recording).nodes
    assert leaf.value is None and product.value is None and total.value is not None
    assert all(edge.local is None and edge.contribution is not None for edge in graph(y).edges)


def test_what_a_write_into_a_part_has_rebuilt_is_said_to_be_unknown() -> None:
    x = torch.ones(3, requires_grad=True)
    with Recording() as recording:
        y = x * 2
        y[0] = 5.0
        z = y.sum()
    node = next(node for node in graph(z, {"x": x}, recording).nodes if node.operation == "copy slices")
    assert node.value is None and node.gradient is not None
    named = next(node for node in graph(z, {"x": x, "y": y}, recording).nodes if node.operation == "copy slices")
    assert named.value is not None and named.value.tolist() == [5, 2, 2]


def test_a_function_written_in_python_is_a_node_without_a_jacobian() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, x: Tensor) -> Tensor:
            return x * 2

        @staticmethod
        def backward(_ctx: Any, *gradients: Tensor) -> Tensor:
            return gradients[0] * 2

    x = torch.ones(2, requires_grad=True)
    ours = graph(Doubled.apply(x).sum(), {"x": x})
    edge = next(edge for edge in ours.edges if ours.nodes[edge.producer].kind == "leaf")
    assert ours.nodes[edge.consumer].operation == "doubled"
    assert edge.local is None and edge.contribution is not None and edge.contribution.tolist() == [2, 2]


def test_names_in_words() -> None:
    names = ("MulBackward0", "LogSoftmaxBackward0", "torch::autograd::CopySlices", "UpsampleBilinear2DBackward0")
    assert [in_words(name) for name in names] == ["mul", "log softmax", "copy slices", "upsample bilinear2 d"]


def test_a_node_knows_its_only_gradient() -> None:
    node = Node("", "", "operation", (None, None), (None, torch.ones(1)))
    assert node.gradient is not None and node.value is None
