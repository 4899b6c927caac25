"""The six rules take the steps of torch.optim, and the surfaces have the minima and saddles that they claim."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from core.autograd.descent import RULES, SURFACES, Moments, Settings, Surface, descend, descend_all

OPTIM = torch.optim
STEPS = 80
DECAYS = (0.0, 0.1)

# The same rules in PyTorch, given the parameters, and settings with a plain number as learning rate.
TWINS: dict[str, Callable[[list[Tensor], Settings], torch.optim.Optimizer]] = {
    "sgd": lambda w, s: OPTIM.SGD(w, s.lr, weight_decay=s.weight_decay),
    "momentum": lambda w, s: OPTIM.SGD(w, s.lr, momentum=s.momentum, weight_decay=s.weight_decay),
    "nesterov": lambda w, s: OPTIM.SGD(w, s.lr, s.momentum, weight_decay=s.weight_decay, nesterov=True),
    "rmsprop": lambda w, s: OPTIM.RMSprop(w, s.lr, weight_decay=s.weight_decay),
    "adam": lambda w, s: OPTIM.Adam(w, s.lr, (s.momentum, 0.999), weight_decay=s.weight_decay),
    "adamw": lambda w, s: OPTIM.AdamW(w, s.lr, (s.momentum, 0.999), weight_decay=s.weight_decay),
}
RATES = {"bowl": 0.02, "rosenbrock": 5e-4, "saddle": 0.03, "beale": 1e-3}


def twin_path(surface: Surface, rule: str, settings: Settings) -> Tensor:
    """Walk with torch.optim."""
    w = torch.tensor(surface.start, dtype=torch.float64, requires_grad=True)
    optimizer = TWINS[rule]([w], settings)
    points = [w.detach().clone()]
    for _step in range(STEPS):
        optimizer.zero_grad()
        surface(w).backward()
        optimizer.step()
        points.append(w.detach().clone())
    return torch.stack(points)


def test_every_rule_has_a_twin() -> None:
    assert list(TWINS) == list(RULES)


@pytest.mark.slow
@pytest.mark.parametrize("decay", DECAYS)
@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_takes_the_steps_of_torch_optim(rule: str, name: str, decay: float) -> None:
    surface, settings = SURFACES[name], Settings(RATES[name], 0.8, decay)
    path = descend(surface, rule, surface.start, STEPS, settings)
    points = twin_path(surface, rule, settings)
    torch.testing.assert_close(path.points, points, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(path.losses, surface(points), rtol=1e-10, atol=1e-12)
    assert path.overflow is None and len(path.points) == STEPS + 1
    assert (points[-1] - points[0]).abs().max() > 0.01, "a walk that does not leave shows nothing"


def test_rules_differ_from_each_other_and_weight_decay_parts_adam_from_adamw() -> None:
    surface = SURFACES["beale"]
    for decay, alike in ((0.0, 1), (0.1, 0)):
        ends = {tuple(descend(surface, rule, (1, 1.6), 30, Settings(1e-3, 0.9, decay)).points[-1]) for rule in RULES}
        assert len({tuple(round(float(x), 12) for x in end) for end in ends}) == len(RULES) - alike


def test_adams_first_step_is_its_learning_rate_long_whatever_the_gradient() -> None:
    for scale in (1e-3, 1.0, 1e6):
        direction = Moments.before(torch.zeros(2), 0.9).take(torch.tensor([scale, -2 * scale]))
        torch.testing.assert_close(direction, torch.tensor([1.0, -1.0]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", SURFACES)
def test_minima_and_saddles_are_where_they_are_said_to_be(name: str) -> None:
    surface = SURFACES[name]
    for place in (*surface.minima, *surface.saddles):
        point = torch.tensor(place, dtype=torch.float64)
        _loss, gradient = surface.slope(point)
        assert gradient.abs().max() < 1e-12, f"the surface is not level at {place}"
        curvature = torch.linalg.eigvalsh(torch.autograd.functional.hessian(surface, point))
        assert (curvature.min() > 0) == (place in surface.minima), f"{place} has curvatures {curvature.tolist()}"
        assert curvature.max() > 0
        assert surface.x[0] < place[0] < surface.x[1] and surface.y[0] < place[1] < surface.y[1]


@pytest.mark.parametrize(("name", "lowest"), [("bowl", 0), ("rosenbrock", 0), ("saddle", -1), ("beale", 0)])
def test_nothing_in_sight_lies_below_the_lowest_minimum(name: str, lowest: float) -> None:
    surface = SURFACES[name]
    assert surface.lowest() == pytest.approx(lowest, abs=1e-12)
    grid = torch.cartesian_prod(*(torch.linspace(*ends, 101, dtype=torch.float64) for ends in (surface.x, surface.y)))
    assert surface(grid).min() >= lowest - 1e-12


@pytest.mark.parametrize(
    ("name", "place", "loss"),
    [
        ("bowl", (2, 1), 7),
        ("rosenbrock", (0, 1), 101),
        ("saddle", (3, 2), 9),
        ("beale", (1, 2), 2.5**2 + 5.25**2 + 9.625**2),
    ],
)
def test_losses_worked_out_by_hand(name: str, place: tuple[float, float], loss: float) -> None:
    assert float(SURFACES[name](torch.tensor(place, dtype=torch.float64))) == pytest.approx(loss)


def test_gradient_descent_on_the_bowl_is_the_power_that_theory_says() -> None:
    path = descend(SURFACES["bowl"], "sgd", (2, 1), 20, Settings(0.15))
    steps = torch.arange(21, dtype=torch.float64)
    expected = torch.stack([2 * (1 - 0.15) ** steps, (1 - 1.5) ** steps], 1)
    torch.testing.assert_close(path.points, expected)


def test_beyond_two_over_the_curvature_the_loss_grows_without_end_and_overflow_ends_the_path() -> None:
    bowl = SURFACES["bowl"]
    calm, wild = (descend(bowl, "sgd", (2, 1), 400, Settings(lr)) for lr in (0.199, 0.201))
    assert calm.losses[-1] < calm.losses[0] < wild.losses[-1] and wild.overflow is None
    path = descend(bowl, "sgd", (2, 1), 400, Settings(2.0))
    assert path.overflow is not None and len(path.points) == len(path.losses) == path.overflow < 400
    assert path.points.isfinite().all() and path.losses.isfinite().all() and path.losses[-1] > 1e280


def test_on_the_ridge_of_the_saddle_nobody_leaves_it() -> None:
    for rule in RULES:
        path = descend(SURFACES["saddle"], rule, (-1.8, 0), 60, Settings(0.05))
        assert (path.points[:, 1] == 0).all() and path.losses[-1] > -1e-3


def test_many_rates_at_once_are_each_the_single_walk() -> None:
    surface, rates = SURFACES["rosenbrock"], torch.tensor([[1e-4], [1e-3], [0.1]], dtype=torch.float64)
    points, losses = descend_all(surface, list(RULES), surface.start, 60, Settings(rates, 0.9, 0.05))
    assert points.shape == (6, 3, 61, 2) and losses.shape == (6, 3, 61)
    for row, rule in enumerate(RULES):
        for column, rate in enumerate(rates.flatten().tolist()):
            single = descend(surface, rule, surface.start, 60, Settings(rate, 0.9, 0.05))
            length = len(single.points)
            torch.testing.assert_close(points[row, column, :length], single.points)
            torch.testing.assert_close(losses[row, column, :length], single.losses)
            assert losses[row, column, length:].isnan().all() and points[row, column, length:].isnan().all()
    assert losses[0, 2, 10:].isnan().all(), "gradient descent at 0.1 overflows here"
