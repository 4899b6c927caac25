"""The tree of modules, what hooks see, and that an update by hand is the optimizer's."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.autograd.blocks import build, parse
from core.autograd.modules import WAYS, Batch, Way, loss_on, pass_through, tree, update

IMAGE = (1, 8, 8)


def network_of(description: str) -> nn.Sequential:
    return build(parse(description), IMAGE).network


@pytest.fixture
def batch() -> Batch:
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(16, *IMAGE, generator=generator), torch.randint(0, 3, (16,), generator=generator), seed=5)


def test_the_tree_is_what_pytorch_says_of_the_network() -> None:
    network = network_of("conv 4, batch_norm, relu, flatten, linear 3 frozen")
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
    network = network_of("conv 4, tanh, flatten, linear 3")
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
    network = network_of("flatten, linear 3")
    weight = network.get_parameter("1.weight")
    gradients = []
    for _pass in range(2):
        pass_through(network, batch)
        assert weight.grad is not None
        gradients.append(weight.grad.clone())
    torch.testing.assert_close(*gradients)


def test_without_anything_trained_before_it_no_gradient_comes_back(batch: Batch) -> None:
    layers = pass_through(network_of("conv 4 frozen, relu, flatten, linear 3"), batch).layers
    assert [layer.gradient is None for layer in layers] == [True, True, True, False]


def test_dead_relus_are_counted_by_unit_and_by_channel(batch: Batch) -> None:
    network = network_of("conv 4, relu, flatten, linear 8, relu, linear 3")
    with torch.no_grad():
        network.get_parameter("features.0.bias")[:] = torch.tensor([-100.0, 3, 3, -100])
        network.get_parameter("head.1.bias")[:] = torch.tensor([100.0, 100, -100, 100, 100, 100, 100, 100])
    dead = [layer.dead for layer in pass_through(network, batch).layers]
    assert dead == [None, 0.5, None, None, pytest.approx(1 / 8), None]


def test_dropout_drops_the_same_on_every_pass(batch: Batch) -> None:
    network = network_of("flatten, dropout 0.5, linear 3")
    state = torch.random.get_rng_state()
    assert loss_on(network, batch).item() == loss_on(network, batch).item()
    assert loss_on(network, batch).item() != loss_on(network, Batch(batch.inputs, batch.labels, 6)).item()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize(
    "description", ["conv 4, batch_norm, relu, flatten, dropout 0.3, linear 3", "flatten, linear 3"]
)
def test_an_update_by_hand_is_the_optimizers(name: str, description: str, batch: Batch) -> None:
    network = network_of(description)
    kept = deepcopy(network.state_dict())
    result = update(network, batch, WAYS[name], 0.05)
    assert result.difference() < 2e-7
    assert result.losses[0] != result.losses[1]
    assert result.names == tuple(dict(network.named_parameters()))
    assert all(torch.equal(kept[key], value) for key, value in network.state_dict().items()), "the network was changed"


def test_updates_are_what_their_formulas_say(batch: Batch) -> None:
    network, lr = network_of("flatten, linear 3"), 0.05
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
    network = network_of("conv 2 frozen, flatten, linear 3")
    assert update(network, batch, Way("sgd"), 0.1).names == ("head.1.weight", "head.1.bias")
