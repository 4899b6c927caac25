"""The words of the view of optimizers."""

from typing import Any

from core.i18n import _


def descent_words() -> dict[str, Any]:
    """Return what the view says, by the names that its script knows."""
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "step": _("Step"),
        "of": _("{step} of {count}"),
        "lr": _("Learning rate"),
        "lrOf": _("of SGD, momentum and Nesterov"),
        "adaptive": _("Learning rate"),
        "adaptiveOf": _("of RMSProp, Adam and AdamW"),
        "map": _("The surface from above: click or drag to start elsewhere, or use the arrow keys"),
        "chart": _("Loss above the lowest minimum"),
        "axis": _("steps"),
        "columns": [_("Optimizer"), _("Loss"), ""],
        "rules": {
            "sgd": _("SGD"),
            "momentum": _("Momentum"),
            "nesterov": _("Nesterov"),
            "rmsprop": _("RMSProp"),
            "adam": _("Adam"),
            "adamw": _("AdamW"),
        },
        "off": _("hidden"),
        "outside": _("outside the picture"),
        "overflow": _("overflowed at step {step}"),
        "minimum": _("at a minimum"),
        "saddle": _("at the saddle"),
        "stands": _("{rule} after {step} steps: at ({x}, {y}), loss {loss}."),
        "ended": _("{rule} diverged: at step {overflow} there was no finite number any more, and its path ends."),
        "formulas": {
            "sgd": _("w ← w − η g."),
            "momentum": _("v ← μ v + g; w ← w − η v."),
            "nesterov": _("v ← μ v + g; w ← w − η (g + μ v)."),
            "rmsprop": _("s ← ρ s + (1 − ρ) g², ρ = 0.99; w ← w − η g / (√s + ε)."),
            "adam": _("m and s, the running means of g and g², with their start corrected; w ← w − η m̂ / (√ŝ + ε)."),
            "adamw": _("As Adam, but the weight decay goes past m and s: w ← w − η λ w − η m̂ / (√ŝ + ε)."),
        },
        "presets": {
            "zigzag": _("Zigzag"),
            "diverges": _("Too large a step"),
            "overflows": _("Overflow"),
            "ridge": _("Stuck on a ridge"),
            "decay": _("Adam or AdamW"),
            "basins": _("Which basin?"),
        },
        "stories": {
            "zigzag": _(
                "Near its limit of 0.2, gradient descent jumps from wall to wall while it creeps along. At the same "
                "rate Nesterov, whose limit is lower here, diverges; Adam and RMSProp step as far along x as along y."
            ),
            "diverges": _(
                "0.316 is beyond 2 / 10: every step of gradient descent lands higher on the other wall. Momentum bears "
                "up to 2 (1 + μ) / 10 = 0.38. Press Play, and move the learning rate."
            ),
            "overflows": _(
                "At the start the valley's walls are so steep that a rate of 0.01 throws the first three optimizers "
                "out: within a few steps their numbers overflow. Those who divide by the gradient's size stay."
            ),
            "ridge": _(
                "Exactly on the ridge, y = 0, the gradient has no part along y, so that nobody ever leaves: all end "
                "at the saddle. Start a hair beside it (Start y = 0.001) and see who leaves first."
            ),
            "decay": _(
                "With weight decay Adam divides the decay too by the gradient's size; AdamW does not, and shrinks the "
                "parameters by λ times the learning rate a step. They end at different places, neither at the minimum."
            ),
            "basins": _(
                "From one start into different basins: gradient descent and Nesterov end in another minimum of this "
                "slice than the trained network's. In the full space of weights it may be none."
            ),
        },
        "titles": {
            "bowl": _("(x² + 10 y²) / 2"),
            "rosenbrock": _("(1 − x)² + 100 (y − x²)²"),
            "saddle": _("x² − y² + y⁴ / 4"),
            "beale": _("(1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²"),
            "network": _("Loss at w* + x d + y e of a trained network's weights w*"),
        },
        "surfaces": {
            "bowl": _(
                "Ten times as steep along y as along x. Gradient descent wants a learning rate below 2 / 10 for y, and "
                "then creeps along x; with momentum the limit is 2 (1 + μ) / 10. Star: minimum. Ring: start."
            ),
            "rosenbrock": _(
                "Into the valley is easy, along its floor is slow: the curvature across it is some 2500 times that "
                "along it, at the minimum. Star: minimum. Ring: start."
            ),
            "saddle": _(
                "At the cross the gradient is zero, and it is no minimum. On the ridge y = 0 every gradient points "
                "at it: nobody leaves. A hair beside the ridge, those who divide by the gradient's size leave first. "
                "Stars: minima."
            ),
            "beale": _(
                "Steep walls and nearly flat plains: the gradient's length differs by thousands, and a learning rate "
                "that suits one is wrong for the other. Star: minimum. Cross: saddle. Ring: start."
            ),
            "network": _(
                "A network of 88 weights and 17 biases that tells two moons apart, trained to a minimum (the star). "
                "The picture cuts its loss along two random directions d and e, each filter's part as long as "
                "the filter (Li et al. 2018). There are other basins."
            ),
        },
    }
