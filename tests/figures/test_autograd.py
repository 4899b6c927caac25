"""What the autograd page is sent: the graph's own numbers, and sums, derivatives and chains that belong together."""

import json
from typing import Any

import pytest
import torch

from core.autograd.graph import graph
from core.autograd.tracing import Capture, Captured, examples
from core.autograd.walkthrough import walk_through
from core.figures.autograd import (
    LONGEST_SIDE,
    MOST_FACTORS,
    derivative_rules,
    graph_data,
    numbers,
    picture_data,
    source_data,
)
from core.figures.tracing import capture_data, runs_data
from tests.autograd.programs import program


def sent(source: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(graph_data(walk_through(source)), allow_nan=False))
    return data


def number(tensor: dict[str, Any] | None) -> float:
    assert tensor is not None
    ((value,),) = tensor["rows"]
    return float(value)


def flat(tensor: dict[str, Any]) -> torch.Tensor:
    return torch.tensor([value for row in tensor["rows"] for value in row], dtype=torch.float64)


CHAIN = "x = tensor(0.5, requires_grad=True)\nw = tensor(3., requires_grad=True)\ny = sin(w * x) ** 2"
SHARED = "a = tensor(2., requires_grad=True)\nb = tensor(-1., requires_grad=True)\ny = a * b + exp(a) * a"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(0, 100, 7))
def test_the_picture_is_the_graph_and_sums_end_at_the_gradient(seed: int) -> None:
    source = program(seed, cuts=True)
    walk = walk_through(source)
    data = sent(source)
    assert [node["name"] for node in data["nodes"]] == [node.name for node in walk.graph.nodes]
    real = [edge for edge in data["edges"] if edge["from"] < len(data["nodes"])]
    assert [(edge["from"], edge["to"], edge["input"]) for edge in real] == [
        (edge.producer, edge.consumer, edge.input) for edge in walk.graph.edges
    ]
    assert len(data["edges"]) - len(real) == len(data["constants"]) == len(walk.graph.constants)
    position = {node: place for place, node in enumerate(data["back"])}
    last: dict[int, Any] = {}
    for edge in sorted(real, key=lambda edge: (position[edge["to"]], edge["input"])):
        last[edge["from"]] = edge["so_far"]
    for index, total in last.items():
        if len(data["nodes"][index]["gradients"]) == 1:
            torch.testing.assert_close(flat(total), flat(data["nodes"][index]["gradients"][0]), atol=1e-4, rtol=1e-4)
    for edge in data["edges"]:
        item = [*data["nodes"], *data["constants"]][edge["from"]]
        assert edge["route"][0] == [item["across"], item["layer"]]
        assert edge["route"][-1] == [data["nodes"][edge["to"]][key] for key in ("across", "layer")]


def test_a_chain_is_written_out_in_numbers() -> None:
    data = sent(CHAIN)
    x = next(node for node in data["nodes"] if node["variable"] == "x")
    factors = [float(part.strip("()").replace("−", "-")) for part in x["chain"].split(" · ")]
    assert len(factors) == 4 and factors[0] == 1
    product = 1.0
    for factor in factors:
        product *= factor
    assert product == pytest.approx(number(x["gradients"][0]), rel=1e-3)
    assert {edge["local"]["kind"] for edge in data["edges"] if edge["from"] < len(data["nodes"])} == {"number"}


def test_each_path_is_a_product_of_its_own() -> None:
    a = next(node for node in sent(SHARED)["nodes"] if node["variable"] == "a")
    assert sorted(a["chain"].split("  +  ")) == ["1 · 1 · (−1)", "1 · 1 · 2 · 7.389", "1 · 1 · 7.389"]


def test_many_paths_are_cut_short_and_many_elements_are_named() -> None:
    deep = "x = tensor(1., requires_grad=True)\n" + "x = x + x\n" * 40
    leaf = sent(deep)["nodes"][0]
    assert leaf["chain"].endswith("+  …") and leaf["chain"].count("+") == 4
    assert leaf["chain"].split("  +  ")[0] == "1 · … · " + " · ".join(["1"] * MOST_FACTORS)
    vector = sent("x = ones(3, requires_grad=True)\ny = (x * 2).sum()")["nodes"][0]
    assert vector["chain"] == "1 · J(sum, 1×3) · J(mul, 3×3)"


def test_a_local_derivative_is_sent_as_what_it_is() -> None:
    kinds = {
        "sin(x)": ("elementwise", [[pytest.approx(0.540302), pytest.approx(-0.416147)]]),
        "x.sum()": ("matrix", [[1, 1]]),
        "softmax(x, 0) * 1": ("elementwise", [[1, 1]]),
        "x[0] * 3": ("number", [[3]]),
    }
    for line, (kind, rows) in kinds.items():
        data = sent(f"x = tensor([1., 2.], requires_grad=True)\n{line}")
        last = next(edge for edge in data["edges"] if edge["to"] == len(data["nodes"]) - 1)
        assert (last["local"]["kind"], last["local"]["value"]["rows"]) == (kind, rows), line


def test_constants_say_by_what_they_were_cut() -> None:
    data = sent("x = tensor([1., 2.], requires_grad=True)\nc = tensor([3., 4.])\ny = x * x.detach() + c")
    assert [(one["variable"], one["hidden"]) for one in data["constants"]] == [("", "detach"), ("c", None)]
    assert [one["value"]["rows"] for one in data["constants"]] == [[[1, 2]], [[3, 4]]]
    assert sent("x = tensor(2., requires_grad=True)\nx / 4")["constants"][0]["value"]["rows"] == [[4]]


def test_inputs_arrive_side_by_side_in_their_order() -> None:
    data = sent("a = tensor(2., requires_grad=True)\nb = tensor(3., requires_grad=True)\na - b")
    first, second = sorted(data["edges"], key=lambda edge: int(edge["input"]))
    assert first["port"] < 0 < second["port"]
    assert first["route"][0][0] < second["route"][0][0]


def test_what_is_saved_is_sent_with_its_name() -> None:
    data = sent("x = tensor([1., 2.], requires_grad=True)\nexp(x) ** 2")
    saved = {one["name"]: one for node in data["nodes"] for one in node["saved"]}
    assert saved["result"]["value"]["rows"][0] == [pytest.approx(2.71828), pytest.approx(7.38906)]
    assert saved["exponent"]["text"] == "2" and saved["exponent"]["value"] is None
    assert [data["nodes"][saved[name]["item"]]["title"] for name in ("result", "self")] == ["exp", "exp"]


def test_without_the_check_all_else_is_there() -> None:
    quick, slow = source_data(CHAIN, check=False), source_data(CHAIN)
    assert (quick["checked"], slow["checked"]) == (False, True)
    graph, checked = quick["graph"], slow["graph"]
    assert graph and checked and graph["nodes"] == checked["nodes"] and graph["edges"] == checked["edges"]
    assert [leaf["verdict"] for leaf in graph["leaves"]] == ["unchecked", "unchecked"]
    assert all(len(leaf["accumulated"]) == 4 for leaf in graph["leaves"])


def test_numbers_of_every_shape() -> None:
    assert numbers(None) is None
    assert numbers(torch.tensor(2)) == {"shape": [], "dtype": "int64", "rows": [[2]], "cut": False}
    assert numbers(torch.tensor([True, False])) == {"shape": [2], "dtype": "bool", "rows": [[1, 0]], "cut": False}
    assert numbers(torch.zeros(0, 3)) == {"shape": [0, 3], "dtype": "float32", "rows": [], "cut": False}
    cube = numbers(torch.arange(12.0).reshape(2, 3, 2))
    assert cube is not None and cube["rows"][5] == [10, 11] and not cube["cut"]
    large = numbers(torch.ones(20, 30))
    assert large is not None and large["cut"] and [len(large["rows"]), len(large["rows"][0])] == [LONGEST_SIDE] * 2
    odd = numbers(torch.tensor([float("nan"), float("inf"), -float("inf"), 1 / 3], dtype=torch.float64))
    assert odd is not None and odd["rows"] == [["nan", "inf", "-inf", 0.333333]]
    json.dumps(odd, allow_nan=False)


def test_the_leaves_have_gradients_differences_and_what_accumulates() -> None:
    (leaf,) = sent("w = tensor([1., -2.], requires_grad=True)\nloss = (w ** 2).sum()")["leaves"]
    assert leaf["variable"] == "w" and leaf["verdict"] == "agrees" and leaf["error"] < 1e-6
    assert leaf["gradient"]["rows"] == [[2, -4]] and leaf["difference"]["rows"] == [[2, -4]]
    assert [one["rows"] for one in leaf["accumulated"]] == [[[2, -4]], [[4, -8]], [[6, -12]], [[0, 0]]]


def test_a_refused_walk_back_ends_at_the_node_that_refused() -> None:
    data = sent("x = tensor([0., 1.], requires_grad=True)\ny = exp(x)\ny += 1\nloss = y.sum()")
    assert [data["nodes"][node]["title"] for node in data["back"]] == ["sum", "add", "exp"]
    assert [node["title"] for node in data["nodes"] if node["blamed"]] == ["exp"]
    assert "inplace operation" in data["refusal"] and data["help"]
    assert [one["error"] != "" for one in data["nodes"][data["back"][-1]]["saved"]] == [True]


def test_a_mistake_is_underlined_and_the_lines_before_it_are_drawn() -> None:
    data: Any = source_data("w = tensor([1., 2.], requires_grad=True)\nloss = (w ** 2).sum()\nw -= 0.1")
    assert data["partial"] and data["graph"]["result"] == "loss"
    assert data["error"]["line"] == 3 and "leaf Variable" in data["error"]["message"] and data["error"]["help"]
    first: Any = source_data("w = tensr(1.)")
    assert first["graph"] is None and first["error"]["line"] == 1 and not first["partial"]
    assert source_data("w = tensor(1., requires_grad=True)\nw * 2")["error"] is None


@pytest.mark.parametrize(
    "source", ["", "x = 1", "x = ones(2)", "# nothing", "x = ones(2, requires_grad=True).argmax()"]
)
def test_nothing_to_draw_is_a_sentence(source: str) -> None:
    data: Any = source_data(source)
    assert data["graph"] is None and data["error"]["message"].endswith(".") and not data["error"]["line"]


@pytest.mark.parametrize(
    "source",
    [
        "x = zeros(0, requires_grad=True)\nx.sum()",
        "x = ones(4, requires_grad=True)\na, b = x.split(2)\n(a * b).sum()",
        "x = tensor([1., 5., 2.], requires_grad=True)\nv = x.max(0)\nv.values * 2",
        "x = ones(3, requires_grad=True)\ny = x * 2\ny[0] = 5\ny.sum()",
        "x = tensor([1., 2.])\nx.requires_grad = True\n(x * x).sum()",
        "x = tensor([1., 2.]).half().requires_grad_()\n(x * x).sum()",
        "x = ones(2, requires_grad=True)\ny = (x * x).sum()\ny.backward(retain_graph=True)\nx.grad",
        "x = ones(1, 1, 2, 1, 2, requires_grad=True)\nx * 2",
        "x = randn(3, requires_grad=True)\n(x * randn(3)).sum()",
        "x = tensor([1., 5., 2.], requires_grad=True)\ntopk(x, 2).values.sum()",
    ],
)
def test_any_leaf_is_found_and_agrees(source: str) -> None:
    assert [leaf["verdict"] for leaf in sent(source)["leaves"]] == ["agrees"]


def test_the_last_word_is_not_infinite() -> None:
    data = source_data("x = tensor(0., requires_grad=True)\nlog(x)")
    assert json.dumps(data, allow_nan=False)


def test_rules_are_there_for_the_operations_of_the_language() -> None:
    rules = derivative_rules()
    source = (
        "x = tensor([[1., 2.], [3., 4.]], requires_grad=True)\n"
        "y = softmax(x @ x.T, dim=1).log() + exp(-x) / sqrt(x) - tanh(x).mean() * relu(x)[0]\n"
        "z = cat([y.reshape(4), sigmoid(x).sum(dim=0), abs(x)[:, 1]]).max() + cross_entropy(x, tensor([0, 1]))"
    )
    titles = {node["title"] for node in sent(source)["nodes"]}
    assert len(titles) > 18 and titles <= rules.keys()
    assert all(rule.endswith(".") for rule in rules.values())


def test_every_run_has_its_picture() -> None:
    for example in examples().values():
        data = json.loads(json.dumps(runs_data(example), allow_nan=False))
        assert [run["label"] for run in data["runs"]] == list(example.labels)
        counts = {len(run["graph"]["nodes"]) for run in data["runs"]}
        assert len(counts) <= data["different"] <= len(data["runs"])
        assert data["source"] == example.source and data["first"] == example.first


def test_a_captured_graph_is_laid_out_as_a_run_is() -> None:
    nodes = (
        Captured("x", "x", (), "input"),
        Captured("mul", "mul", ("x", "x"), "operation"),
        Captured("output", "output", ("mul", "x"), "output"),
    )
    (picture,) = capture_data(Capture((nodes,), ("n == 2",)))["graphs"]
    assert [node["layer"] for node in picture["nodes"]] == [0, 1, 2]
    assert [(edge["from"], edge["to"], edge["input"]) for edge in picture["edges"]] == [
        (0, 1, 0), (0, 1, 1), (1, 2, 0), (0, 2, 1)
    ]  # fmt: skip
    x = torch.ones((), requires_grad=True)
    drawn = picture_data(graph(x * x))
    assert set(picture["edges"][0]) == set(drawn["edges"][0]) - {"output"}
    assert set(picture) == set(drawn)
