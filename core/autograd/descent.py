"""How optimizers walk down a surface: six update rules as their papers state them, and surfaces to try them on.

A *rule* is a generator. It is given where it starts and its ``Settings``, yields where it stands, and is sent the
gradient ``g`` there; its local variables are what it remembers. All arithmetic is element by element, so that one rule
can walk from many points, or with many learning rates, at once. Each rule takes the steps of its twin in
``torch.optim``.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

EPSILON = 1e-8  # keeps RMSProp, Adam and AdamW from dividing by zero
RHO = 0.99  # how much of its mean square RMSProp keeps a step; PyTorch's default (the lecture says 0.9)
BETA2 = 0.999  # the same of Adam and AdamW


@dataclass(frozen=True)
class Settings:
    """What a rule can be told.

    ``lr`` is the learning rate η, a number or a tensor of any shape that broadcasts against the points; ``momentum``
    is μ of momentum and Nesterov, and β1 of Adam and AdamW; ``weight_decay`` is λ.
    """

    lr: float | Tensor = 0.01
    momentum: float = 0.9
    weight_decay: float = 0.0


Walk = Generator[Tensor, Tensor, None]
Rule = Callable[[Tensor, Settings], Walk]


def sgd(w: Tensor, settings: Settings) -> Walk:
    """Gradient descent: w ← w − η g.

    "Stochastic" where the gradient is that of a sample (Robbins and Monro 1951). As everywhere here but in AdamW,
    weight decay is the gradient of the penalty λ/2 |w|², added to g.
    """
    while True:
        g = (yield w) + settings.weight_decay * w
        w = w - settings.lr * g


def momentum(w: Tensor, settings: Settings) -> Walk:
    """Momentum, the heavy ball: v ← μ v + g; w ← w − η v (Polyak 1964)."""
    v = torch.zeros_like(w)
    while True:
        g = (yield w) + settings.weight_decay * w
        v = settings.momentum * v + g
        w = w - settings.lr * v


def nesterov(w: Tensor, settings: Settings) -> Walk:
    """Nesterov's momentum: v ← μ v + g; w ← w − η (g + μ v).

    Nesterov (1983) takes the gradient where the momentum is about to carry the point; this is the same walk, told from
    there (Sutskever et al. 2013; Bengio et al. 2013), as deep learning libraries have it.
    """
    v = torch.zeros_like(w)
    while True:
        g = (yield w) + settings.weight_decay * w
        v = settings.momentum * v + g
        w = w - settings.lr * (g + settings.momentum * v)


def rmsprop(w: Tensor, settings: Settings) -> Walk:
    """RMSProp: s ← ρ s + (1 − ρ) g²; w ← w − η g / (√s + ε) (Tieleman and Hinton 2012, lecture 6.5)."""
    s = torch.zeros_like(w)
    while True:
        g = (yield w) + settings.weight_decay * w
        s = RHO * s + (1 - RHO) * g**2
        w = w - settings.lr * g / (s.sqrt() + EPSILON)


def adam(w: Tensor, settings: Settings) -> Walk:
    """Adam (Kingma and Ba 2015, algorithm 1).

    m ← β1 m + (1 − β1) g; s ← β2 s + (1 − β2) g²; at step t, w ← w − η m̂ / (√ŝ + ε) with m̂ = m / (1 − β1ᵗ) and
    ŝ = s / (1 − β2ᵗ).
    """
    moments = Moments.before(w, settings.momentum)
    while True:
        g = (yield w) + settings.weight_decay * w
        w = w - settings.lr * moments.take(g)


def adamw(w: Tensor, settings: Settings) -> Walk:
    """AdamW: Adam, but w ← w − η λ w by itself, apart from the gradient (Loshchilov and Hutter 2019, algorithm 2).

    As in PyTorch the decay is scaled by the learning rate.
    """
    moments = Moments.before(w, settings.momentum)
    while True:
        g = yield w
        w = w - settings.lr * settings.weight_decay * w - settings.lr * moments.take(g)


@dataclass
class Moments:
    """Adam's running means of the gradient and of its square, ``m`` and ``s``, after ``t`` steps."""

    m: Tensor
    s: Tensor
    beta1: float
    t: int = 0

    @classmethod
    def before(cls, w: Tensor, beta1: float) -> "Moments":
        """Return the moments before the first gradient."""
        return cls(torch.zeros_like(w), torch.zeros_like(w), beta1)

    def take(self, g: Tensor) -> Tensor:
        """Take in the gradient ``g`` and return the direction m̂ / (√ŝ + ε)."""
        self.t += 1
        self.m = self.beta1 * self.m + (1 - self.beta1) * g
        self.s = BETA2 * self.s + (1 - BETA2) * g**2
        m_hat = self.m / (1 - self.beta1**self.t)
        s_hat = self.s / (1 - BETA2**self.t)
        return m_hat / (s_hat.sqrt() + EPSILON)


RULES: dict[str, Rule] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adamw,
}


# ---- surfaces ----

Point = tuple[float, float]


@dataclass(frozen=True)
class Surface:
    """A loss of two parameters.

    ``function`` maps x and y of any one shape to the losses there; ``x`` and ``y`` are the ranges worth seeing and
    ``start`` a place in them to start from. ``minima`` and ``saddles`` are where the gradient is zero.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    x: tuple[float, float]
    y: tuple[float, float]
    start: Point
    minima: tuple[Point, ...]
    saddles: tuple[Point, ...] = ()

    def __call__(self, points: Tensor) -> Tensor:
        """Return the losses (...) at ``points`` (..., 2)."""
        return self.function(points[..., 0], points[..., 1])

    def slope(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Return the losses (...) at ``points`` (..., 2), and their gradients (..., 2), by autograd."""
        points = points.detach().requires_grad_()
        losses = self(points)
        (gradients,) = torch.autograd.grad(losses.sum(), points)
        return losses.detach(), gradients

    def lowest(self) -> float:
        """Return the loss at the lowest of the ``minima``."""
        return float(self(torch.tensor(self.minima, dtype=torch.float64)).min())


def bowl(x: Tensor, y: Tensor) -> Tensor:
    """Return (x² + 10 y²) / 2: ten times as steep one way as the other, which no one learning rate suits."""
    return (x**2 + 10 * y**2) / 2


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    """Return (1 − x)² + 100 (y − x²)²: a curved valley with a nearly flat floor (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """Return x² − y² + y⁴ / 4: a pass between two valleys; on its ridge, y = 0, the gradient leads up to the pass."""
    return x**2 - y**2 + y**4 / 4


def beale(x: Tensor, y: Tensor) -> Tensor:
    """Return Beale's function (1958): plains, steep walls, and a narrow valley that bends."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


SURFACES = {
    "bowl": Surface(bowl, (-3, 3), (-3, 3), (-2.6, 1.6), ((0, 0),)),
    "rosenbrock": Surface(rosenbrock, (-2, 2), (-1, 3), (-1.2, 1), ((1, 1),)),
    "saddle": Surface(saddle, (-2.2, 2.2), (-2.2, 2.2), (-1.8, 0.02), ((0, 2**0.5), (0, -(2**0.5))), ((0, 0),)),
    "beale": Surface(beale, (-2, 4), (-3, 3), (1, 1.6), ((3, 0.5),), ((0, 1),)),
}


# ---- descent ----


@dataclass(frozen=True)
class Path:
    """Where a rule went: ``points`` (S + 1, 2) from the start on, with the ``losses`` (S + 1,) there.

    ``overflow`` is the step whose point or loss is no finite number any more; the path ends before it. None: no step.
    """

    points: Tensor
    losses: Tensor
    overflow: int | None


def descend(surface: Surface, rule: str, start: Point, steps: int, settings: Settings | None = None) -> Path:
    """Walk down ``surface`` by the ``rule`` called so in ``RULES``, for ``steps`` steps or until it overflows.

    In float64; ``settings`` hold one learning rate.
    """
    points, losses = descend_all(surface, [rule], start, steps, settings or Settings())
    points, losses = points[0], losses[0]
    finite = int(losses.isfinite().sum())
    return Path(points[:finite], losses[:finite], finite if finite <= steps else None)


def descend_all(
    surface: Surface, rules: Sequence[str], start: Point, steps: int, settings: Settings
) -> tuple[Tensor, Tensor]:
    """Walk down ``surface`` by several ``rules`` and, where ``settings.lr`` is (L, 1), at L learning rates at once.

    Returns points (R, L, S + 1, 2) and losses (R, L, S + 1), without L for a single number; NaN from the first step on
    whose point or loss is not finite.
    """
    w = torch.tensor(start, dtype=torch.float64)
    if isinstance(settings.lr, Tensor):
        w = w.expand(len(settings.lr), 2)
    walks = [RULES[rule](w, settings) for rule in rules]
    visited, heights = [torch.stack([next(walk) for walk in walks])], []
    for _step in range(steps):
        losses, gradients = surface.slope(visited[-1])
        heights.append(losses)
        visited.append(torch.stack([walk.send(g) for walk, g in zip(walks, gradients, strict=True)]))
    heights.append(surface(visited[-1]))
    points, losses = torch.stack(visited, -2), torch.stack(heights, -1)
    bad = ~(losses.isfinite() & points.isfinite().all(-1))
    over = bad.cumsum(-1) > 0
    return points.masked_fill(over[..., None], torch.nan), losses.masked_fill(over, torch.nan)
