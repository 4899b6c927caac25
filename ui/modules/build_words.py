"""The words of the view of a network of blocks."""

from typing import Any

from core.i18n import _


def build_words() -> dict[str, Any]:
    """Return what the view says, by the names that its script knows."""
    return {**_network_words(), **_update_words()}


def _network_words() -> dict[str, Any]:
    return {
        "presets": {
            "convolutions": _("Convolutions"),
            "norm": _("With batch norm"),
            "sigmoids": _("Deep, with sigmoid"),
            "relus": _("Deep, with ReLU"),
            "frozen": _("A frozen layer"),
            "misfit": _("One that does not fit"),
            "small": _("Small"),
        },
        "blocks": _("The blocks, in order"),
        "input": _("input"),
        "loss": _("cross-entropy"),
        "add": _("Add a block"),
        "addHint": _("after the marked one"),
        "earlier": _("Move earlier"),
        "later": _("Move later"),
        "remove": _("Remove"),
        "frozenHelp": _("requires_grad = False: no gradient, and no update"),
        "shape": _("→ {shape}"),
        "noShape": _("→ ?"),
        "numbers": {
            "conv": [_("channels"), _("side of the kernel")],
            "linear": [_("features")],
            "dropout": [_("share that is dropped")],
            "max_pool": [_("side of the window")],
            "avg_pool": [_("side of the window")],
            "relu": [],
            "tanh": [],
            "sigmoid": [],
            "gelu": [],
            "batch_norm": [],
            "flatten": [],
        },
        "totals": _("{count} parameters, {trained} of them trained; loss of this batch {loss}"),
        "tree": _("The tree of modules"),
        "columns": [
            _("Module"),
            _("Parameters and buffers"),
            _("Activations (the bar: their standard deviation, 10⁻⁸ to 10)"),
            _("Gradient of the loss with respect to them"),
        ],
        "count": _("{count} parameters"),
        "countTrained": _("{count} parameters, {trained} of them trained"),
        "buffer": _("buffer"),
        "notTrained": _("requires_grad = False"),
        "noParameters": _("no parameters"),
        "noGradient": _("no gradient: nothing before it is trained"),
        "gradientOf": _("Gradient of {name}: standard deviation {std}"),
        "activations": _("Activations"),
        "gradients": _("Gradients"),
        "range": _("{low} to {high}"),
        "mean": _("mean {mean}"),
        "std": _("std {std}"),
        "dead": _("{share} % dead units"),
    }


def _update_words() -> dict[str, Any]:
    return {
        "update": _("One update, by hand and by optimizer.step()"),
        "ways": {
            "sgd": _("SGD"),
            "decay": _("SGD with weight decay"),
            "momentum": _("Momentum, second step"),
            "adam": _("Adam, first step"),
        },
        "parameter": _("Parameter"),
        "weights": _("The parameter's values, blue below zero, orange above: click on one"),
        "cut": _("The first {rows} x {columns} of {whole} values are shown."),
        "weight": _("weight w"),
        "gradient": _("its gradient g"),
        "rule": _("rule"),
        "rules": {
            "sgd": _("w − η g"),
            "decay": _("w − η (g + λ w)"),
            "momentum": _("w − η (μ g₁ + g₂), where g₁ is the first step's gradient"),
            "adam": _("w − η m̂ / (√ŝ + ε); at the first step m̂ = g and ŝ = g²: ± η, whatever the gradient"),
        },
        "numbersOf": {
            "sgd": _("{w} − {lr} × {g}"),
            "decay": _("{w} − {lr} × ({g} + {decay} × {wInside})"),
            "momentum": _("{w} − {lr} × ({momentum} × {earlier} + {g})"),
            "adam": _("{w} − {lr} × {g} / (√({g}²) + 10⁻⁸)"),
        },
        "byHand": _("by hand"),
        "byStep": _("optimizer.step()"),
        "difference": _("difference"),
        "closing": _(
            "The largest difference over all {count} parameters: {most}, the rounding of float32. The loss of this "
            "batch: {before} before the step, {after} after it."
        ),
    }
