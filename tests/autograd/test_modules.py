"""Networks from descriptions, their tree, what hooks see, and that an update by hand is the optimizer's."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.autograd.modules import (
    KINDS,
    MOST_PARAMETERS,
    WAYS,
    Batch,
    Block,
    BlockError,
    Built,
    Way,
    build,
    expect_scores,
    loss_on,
    parse,
    pass_through,
    tree,
    update,
)

IMAGE = (1, 8, 8)
EVERYTHING = (
    "conv 4 5, batch_norm, relu, max_pool 2, conv 6, gelu, avg_pool, flatten, linear 12, batch_norm, tanh, "
    "dropout 0.25, linear 8 frozen, sigmoid, linear 3"
)


def built(description: str, shape: tuple[int, ...] = IMAGE, seed: int = 0) -> Built:
    return build(parse(description), shape, seed)


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(16, *IMAGE, generator=generator), torch.randint(0, 3, (16,), generator=generator), seed=5)


def test_a_description_is_read_with_its_defaults() -> None:
    assert parse("Conv, conv 3 5 , linear 7 frozen,, dropout 0.1,relu") == [
        Block("conv", (8, 3)),
        Block("conv", (3, 5)),
        Block("linear", (7,), frozen=True),
        Block("dropout", (0.1,)),
        Block("relu"),
    ]


def test_what_is_read_can_be_written_and_read_again() -> None:
    blocks = parse(EVERYTHING.replace(", linear 3", ""))
    assert parse(", ".join(map(str, blocks))) == blocks
    assert str(Block("linear", (7.0,), frozen=True)) == "linear 7 frozen"


@pytest.mark.parametrize(
    ("description", "block", "words"),
    [
        ("  , ", None, "no block yet"),
        ("relu," * 15, None, "at most 14"),
        ("relu, dense 3", 1, "Block 2, dense 3: there is no such block; there are conv, linear"),
        ("linear 3 4", 0, "takes 1 numbers at most, here are 2"),
        ("relu 2", 0, "takes 0 numbers at most"),
        ("linear many", 0, "many is to be a whole number from 1 to 256"),
        ("linear 2.5", 0, "2.5 is to be a whole number"),
        ("linear nan", 0, "nan is to be"),
        ("linear 1e9", 0, "1e9 is to be"),
        ("conv 0", 0, "from 1 to 32"),
        ("dropout 1", 0, "a number from 0 to 0.95"),
        ("__import__('os')", 0, "there is no such block"),
    ],
)
def test_a_bad_description_says_which_block_and_why(description: str, block: int | None, words: str) -> None:
    with pytest.raises(BlockError, match=words.replace("(", r"\(")) as error:
        parse(description)
    assert error.value.block == block


@pytest.mark.parametrize(
    ("description", "block", "words"),
    [
        (
            "linear 4",
            0,
            "Block 1, linear 4: it gets a map of 1 x 8 x 8, and needs numbers in a row: put flatten",
        ),
        ("flatten, conv 4", 1, "Block 2, conv 4 3: it gets 64 numbers, and needs a map"),
        ("flatten, max_pool 2", 1, "it gets 64 numbers, and needs a map"),
        ("max_pool 4, avg_pool 3", 1, "it gets a map of 1 x 2 x 2, smaller than its window of 3 x 3"),
        ("conv 4 2", 0, "odd side"),
        ("flatten, linear 256, linear 256", 2, f"more than {MOST_PARAMETERS} parameters"),
    ],
)
def test_blocks_that_do_not_fit_say_what_they_got_and_what_they_need(description: str, block: int, words: str) -> None:
    with pytest.raises(BlockError, match=words) as error:
        built(description)
    assert error.value.block == block


def test_a_network_of_every_kind_of_block_runs_and_is_as_it_was_described() -> None:
    description = EVERYTHING.replace(", linear 3", "").replace("batch_norm, tanh", "tanh")
    network = built(description)
    assert {block.kind for block in parse(description)} == set(KINDS)
    values = torch.randn(5, *IMAGE)
    modules = dict(network.network.named_modules())
    for name, shape in zip(network.names, network.shapes, strict=True):
        values = modules[name](values)
        assert values.shape[1:] == shape, name
    assert network.names[0] == "features.0" and network.names[-1] == "head.5"


def test_the_weights_are_pytorchs_own_and_a_seed_gives_them_again() -> None:
    torch.manual_seed(3)
    twin = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    state = torch.random.get_rng_state()
    one, again, other = (built("linear 6, relu, linear 2", (4,), seed).network for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), state), "building must not disturb other random numbers"
    for mine, same, theirs, another in zip(*(n.parameters() for n in (one, again, twin, other)), strict=True):
        assert torch.equal(mine, same) and torch.equal(mine, theirs) and not torch.equal(mine, another)


def test_running_statistics_begin_with_the_first_batch() -> None:
    network = built("batch_norm, flatten, linear 3").network
    assert network.get_buffer("features.0.num_batches_tracked") == 0


def test_the_end_has_to_score_the_classes() -> None:
    expect_scores(built("flatten, linear 3"), 3)
    with pytest.raises(BlockError, match=r"ends with 5 numbers, and cross-entropy needs 3 .* end with linear 3"):
        expect_scores(built("flatten, linear 5"), 3)
    with pytest.raises(BlockError, match=r"ends with 2 x 8 x 8.*end with flatten, linear 3"):
        expect_scores(built("conv 2"), 3)
    with pytest.raises(BlockError, match="No parameter can be trained"):
        expect_scores(built("flatten, linear 3 frozen"), 3)


def test_the_tree_is_what_pytorch_says_of_the_network() -> None:
    network = built("conv 4, batch_norm, relu, flatten, linear 3 frozen").network
    top = tree(network)
    assert [child.name for child in top.children] == ["features", "head"]
    convolution, norm, relu = top.children[0].children
    assert (convolution.kind, convolution.count, convolution.trained) == ("Conv2d", 40, 40)
    assert [(one.name, one.shape) for one in convolution.parameters] == [("weight", (4, 1, 3, 3)), ("bias", (4,))]
    assert [one.name for one in norm.buffers] == ["running_mean", "running_var", "num_batches_tracked"]
    assert relu.parameters == () and "kernel_size=(3, 3)" in convolution.settings
    head = top.children[1]
    assert head.trained == 0 and not any(one.requires_grad for one in head.children[1].parameters)
    assert top.count == sum(parameter.numel() for parameter in network.parameters())
    assert top.trained == sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def test_hooks_see_what_the_layers_make_and_what_comes_back(batch: Batch) -> None:
    network = built("conv 4, tanh, flatten, linear 3").network
    passed = pass_through(network, batch)
    values = batch.inputs
    outputs = []
    for name in ("features.0", "features.1", "head.0", "head.1"):
        values = network.get_submodule(name)(values)
        values.retain_grad()
        outputs.append(values)
    loss = functional.cross_entropy(values, batch.labels)
    loss.backward()
    assert passed.loss == pytest.approx(loss.item())
    assert len(passed.layers) == len(outputs)
    for layer, output in zip(passed.layers, outputs, strict=True):
        torch.testing.assert_close(layer.output, output)
        torch.testing.assert_close(layer.gradient, output.grad)
    assert not any(module._forward_hooks for module in network.modules()), "the hooks are taken away again"


def test_gradients_do_not_add_up_over_two_passes(batch: Batch) -> None:
    network = built("flatten, linear 3").network
    weight = network.get_parameter("1.weight")
    gradients = []
    for _pass in range(2):
        pass_through(network, batch)
        assert weight.grad is not None
        gradients.append(weight.grad.clone())
    torch.testing.assert_close(*gradients)


def test_without_anything_trained_before_it_no_gradient_comes_back(batch: Batch) -> None:
    layers = pass_through(built("conv 4 frozen, relu, flatten, linear 3").network, batch).layers
    assert [layer.gradient is None for layer in layers] == [True, True, True, False]


def test_dead_relus_are_counted_by_unit_and_by_channel(batch: Batch) -> None:
    network = built("conv 4, relu, flatten, linear 8, relu, linear 3").network
    with torch.no_grad():
        network.get_parameter("features.0.bias")[:] = torch.tensor([-100.0, 3, 3, -100])
        network.get_parameter("head.1.bias")[:] = torch.tensor([100.0, 100, -100, 100, 100, 100, 100, 100])
    dead = [layer.dead for layer in pass_through(network, batch).layers]
    assert dead == [None, 0.5, None, None, pytest.approx(1 / 8), None]


def test_dropout_drops_the_same_on_every_pass(batch: Batch) -> None:
    network = built("flatten, dropout 0.5, linear 3").network
    state = torch.random.get_rng_state()
    assert loss_on(network, batch).item() == loss_on(network, batch).item()
    assert loss_on(network, batch).item() != loss_on(network, Batch(batch.inputs, batch.labels, 6)).item()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize(
    "description", ["conv 4, batch_norm, relu, flatten, dropout 0.3, linear 3", "flatten, linear 3"]
)
def test_an_update_by_hand_is_the_optimizers(name: str, description: str, batch: Batch) -> None:
    network = built(description).network
    kept = deepcopy(network.state_dict())
    result = update(network, batch, WAYS[name], 0.05)
    assert result.difference() < 2e-7
    assert result.losses[0] != result.losses[1]
    assert result.names == tuple(dict(network.named_parameters()))
    assert all(torch.equal(kept[key], value) for key, value in network.state_dict().items()), "the network was changed"


def test_updates_are_what_their_formulas_say(batch: Batch) -> None:
    network, lr = built("flatten, linear 3").network, 0.05
    weight = network.get_parameter("1.weight")
    w = weight.detach().clone()
    (g,) = torch.autograd.grad(loss_on(network, batch), weight)
    results = {name: update(network, batch, way, lr) for name, way in WAYS.items()}
    for name in ("sgd", "decay", "adam"):
        assert torch.equal(results[name].before[0], w) and results[name].earlier == []
        torch.testing.assert_close(results[name].gradients[0], g)
    torch.testing.assert_close(results["sgd"].by_step[0], w - lr * g)
    torch.testing.assert_close(results["decay"].by_step[0], w - lr * (g + 0.1 * w))
    torch.testing.assert_close(results["adam"].by_step[0], w - lr * g / (g.abs() + 1e-8))
    momentum = results["momentum"]
    torch.testing.assert_close(momentum.before[0], w - lr * g)
    torch.testing.assert_close(momentum.earlier[0], g)
    torch.testing.assert_close(momentum.by_step[0], momentum.before[0] - lr * (0.9 * g + momentum.gradients[0]))
    assert momentum.losses[0] == pytest.approx(results["sgd"].losses[1]), "its first step is plain gradient descent"


def test_frozen_parameters_are_left_alone(batch: Batch) -> None:
    network = built("conv 2 frozen, flatten, linear 3").network
    assert update(network, batch, Way("sgd"), 0.1).names == ("head.1.weight", "head.1.bias")
