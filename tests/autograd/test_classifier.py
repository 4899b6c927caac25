"""The live classifier learns what it is to learn, looks where it is asked to, and says when it diverges."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from core.autograd import classifier
from core.autograd.classifier import ACTIVATIONS, COUNT, LOOKS, OPTIMIZERS, STEPS, Plan, look_steps, train

PLACES = torch.tensor([[-1.0, 0.0], [0.0, 0.5], [1.0, -0.5]])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "STEPS", 40)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "width"), [("moons", 8), ("circles", 8), ("spirals", 16)])
def test_it_learns_to_tell_the_classes_apart(shape: str, width: int) -> None:
    trained = train(Plan(shape, 0.05, width=width), PLACES)
    first, last = trained.looks[0], trained.looks[-1]
    assert first.accuracies[1] < 0.9 < min(last.accuracies)
    assert last.losses[0] < 0.2 < first.losses[0] and trained.overflow is None


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_activation_and_optimizer_brings_the_loss_down(short: None, activation: str, optimizer: str) -> None:
    looks = train(Plan(activation=activation, optimizer=optimizer, lr=0.02), PLACES).looks
    assert looks[-1].losses[0] < looks[0].losses[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_are_called_what_they_are(optimizer: str) -> None:
    made = OPTIMIZERS[optimizer](nn.Linear(1, 1).parameters(), 0.5)
    expected = {"rmsprop": "RMSprop", "adam": "Adam", "adamw": "AdamW"}.get(optimizer, "SGD")
    assert type(made).__name__ == expected and made.defaults["lr"] == 0.5
    assert made.defaults.get("nesterov", False) == (optimizer == "nesterov")


def test_looks_hold_the_scores_at_the_places_and_what_is_right(short: None) -> None:
    plan = Plan("spirals", width=5, depth=3)
    trained = train(plan, PLACES)
    assert trained.points.shape == trained.held_out.shape == (COUNT, 2)
    assert not torch.equal(trained.points, trained.held_out)
    for look in trained.looks:
        assert look.logits.shape == (len(PLACES),)
    again = train(plan, trained.points).looks[-1]
    right = (again.logits > 0).long() == trained.labels
    assert torch.equal(again.right[0], right)
    assert again.accuracies[0] == pytest.approx(right.float().mean().item())
    assert again.losses == trained.looks[-1].losses, "the same plan gives the same training"


def test_looks_come_from_the_first_step_to_the_last_denser_at_first() -> None:
    steps = sorted(look_steps())
    gaps = [after - before for before, after in pairwise(steps)]
    assert steps[0] == 0 and steps[-1] == STEPS and LOOKS - 5 < len(steps) <= LOOKS
    assert max(gaps[:10]) < min(gaps[-10:])


def test_a_loss_that_is_no_number_ends_the_training_and_is_said() -> None:
    trained = train(Plan(activation="relu", optimizer="sgd", lr=1e20), PLACES)
    assert trained.overflow is not None and 0 < trained.overflow < 20
    assert trained.looks[-1].step <= trained.overflow


def test_the_network_is_as_wide_and_deep_as_planned() -> None:
    assert Plan(width=5, depth=2, activation="gelu").description() == "linear 5, gelu, linear 5, gelu, linear 2"
    assert Plan(depth=0).description() == "linear 2"
