"""What the browser gets of a network of blocks: shapes, histograms and numbers of the real one."""

import base64
import json
from typing import Any

import numpy as np
import pytest

from core.autograd.blocks import BlockError, build, parse
from core.autograd.modules import MOMENTUM, WAYS
from core.figures.modules import BATCH, BINS, COLUMNS, ROWS, SOURCES, first_network, network_data


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


@pytest.mark.parametrize(
    ("source", "name"), [(source, name) for source, one in SOURCES.items() for name in one.presets]
)
def test_every_network_to_begin_with_works_but_the_misfit(source: str, name: str) -> None:
    data = network_data(source, SOURCES[source].presets[name], 0, 0.1)
    assert json.dumps(data)
    assert bool(data["error"]) == (name == "misfit")
    if name == "misfit":
        assert data["blame"] is not None and data["blocks"][data["blame"]]["shape"] is None
        assert data["blocks"][data["blame"] - 1]["shape"], "what fits has its shape"


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_draws_what_it_says(source: str) -> None:
    one = SOURCES[source]
    inputs, labels = one.draw()
    assert inputs.shape == (BATCH, *one.shape) and len(labels) == BATCH
    assert set(labels.tolist()) == set(range(one.classes))
    assert first_network(source) in one.presets.values()


def test_rows_are_the_tree_and_know_their_layers() -> None:
    data: Any = network_data("digits", "conv 4, batch_norm, relu, flatten, linear 10 frozen", 0, 0.1)
    rows = {row["name"]: row for row in data["modules"]}
    assert list(rows) == ["", "features", "features.0", "features.1", "features.2", "head", "head.0", "head.1"]
    assert [row["depth"] for row in rows.values()] == [0, 1, 2, 2, 2, 1, 2, 2]
    assert [row["layer"] for row in rows.values()] == [None, None, 0, 1, 2, None, 3, 4]
    assert rows["features.0"]["parameters"][0] == {"name": "weight", "shape": "4 x 1 x 3 x 3", "trained": True}
    assert rows["features.1"]["buffers"][0]["name"] == "running_mean"
    assert rows["head"]["trained"] == 0 and rows["head"]["count"] == rows[""]["count"] - rows[""]["trained"]
    assert data["gradients"]["head.1.weight"] is None and data["gradients"]["features.0.weight"]["std"] > 0
    assert data["layers"][2]["dead"] is not None and data["layers"][0]["dead"] is None


def test_histograms_count_every_value_and_know_their_moments() -> None:
    data = network_data("digits", "conv 4, relu, flatten, linear 10", 0, 0.1)
    network = build(parse("conv 4, relu, flatten, linear 10"), (1, 8, 8), 0).network
    values = network.get_submodule("features")(SOURCES["digits"].draw()[0])
    histogram = data["layers"][1]["activations"]
    assert sum(histogram["counts"]) == values.numel() and len(histogram["counts"]) == BINS
    assert histogram["mean"] == pytest.approx(values.mean().item()) and histogram["low"] == 0
    assert histogram["std"] == pytest.approx(values.std(correction=0).item())


def test_values_that_are_all_the_same_are_one_bin() -> None:
    data = network_data("digits", "relu, flatten, dropout 0.95, dropout 0.95, dropout 0.95, linear 10", 1, 0.1)
    for layer in data["layers"]:
        assert sum(layer["activations"]["counts"]) > 0


def test_the_numbers_of_an_update_fulfil_their_formulas() -> None:
    lr = 0.01
    update = network_data("digits", first_network("digits"), 3, lr)["update"]
    cells = sum(one["rows"] * one["columns"] for one in update["parameters"])
    way = {
        name: {key: unpacked(one[key]).astype(float) for key in ("before", "gradients", "earlier", "byHand", "byStep")}
        for name, one in update["ways"].items()
    }
    assert list(way) == list(WAYS) and update["lr"] == lr
    for name, one in way.items():
        assert all(len(values) == cells for key, values in one.items() if key != "earlier"), name
        np.testing.assert_allclose(one["byHand"], one["byStep"], atol=1e-7)
    sgd, decay, momentum, adam = way.values()
    np.testing.assert_allclose(sgd["byStep"], sgd["before"] - lr * sgd["gradients"], atol=1e-7)
    np.testing.assert_allclose(
        decay["byStep"], decay["before"] - lr * (decay["gradients"] + 0.1 * decay["before"]), atol=1e-7
    )
    np.testing.assert_allclose(
        momentum["byStep"],
        momentum["before"] - lr * (MOMENTUM * momentum["earlier"] + momentum["gradients"]),
        atol=1e-7,
    )
    root = np.sqrt(adam["gradients"] ** 2) + update["epsilon"]
    np.testing.assert_allclose(adam["byStep"], adam["before"] - lr * adam["gradients"] / root, atol=1e-6)


def test_of_large_parameters_a_part_is_sent() -> None:
    update = network_data("digits", "flatten, linear 40, tanh, linear 10", 0, 0.1)["update"]
    weight, bias = update["parameters"][:2]
    assert (weight["rows"], weight["columns"]) == (ROWS, COLUMNS) and (bias["rows"], bias["columns"]) == (1, COLUMNS)
    network = build(parse("flatten, linear 40, tanh, linear 10"), (1, 8, 8), 0).network
    part = unpacked(update["ways"]["sgd"]["before"])[: ROWS * COLUMNS]
    np.testing.assert_array_equal(part, network.get_parameter("1.weight").detach()[:ROWS, :COLUMNS].flatten())


def test_a_network_that_ends_wrongly_keeps_its_blocks_and_says_why() -> None:
    data = network_data("moons", "linear 8, tanh", 0, 0.1)
    assert "needs 2 numbers" in data["error"] and data["blame"] == 1 and "modules" not in data
    assert [block["shape"] for block in data["blocks"]] == ["8 numbers", "8 numbers"]


def test_what_cannot_be_read_is_an_error() -> None:
    with pytest.raises(BlockError, match="no such block"):
        network_data("digits", "attention 4", 0, 0.1)


def test_the_same_settings_give_the_same_and_another_seed_another() -> None:
    one, again, other = (network_data("digits", first_network("digits"), seed, 0.1)["loss"] for seed in (0, 0, 1))
    assert one == again != other
