"""A classifier of points in the plane, trained while one looks on: the plan in the address, the rest in the browser."""

from dataclasses import asdict
from typing import Any

import streamlit as st

from core.autograd.classifier import ACTIVATIONS, COUNT, OPTIMIZERS, Plan
from core.data.points import SHAPES
from core.figures.classifier import classifier_data
from core.figures.sent.modules import LearntPlane
from core.i18n import N_, _
from core.scripts import pytorch
from ui.kit.caching import cache_words
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment

RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


class ClassifyData(LearntPlane):
    """The same with words, and what tells it from every other."""

    key: str
    description: str
    words: dict[str, str]


_component = component("modules/classify", ClassifyData, "modules/parts")


@fragment
def modules_classify() -> None:
    """Show the plan and the training that follows from it; only this is run again for another plan."""
    plan = _choose()
    data: ClassifyData = {**_data(plan), "key": str(asdict(plan)), "description": plan.description(), "words": _words()}
    _component(data=data, key="modules_classify")
    show_code(lambda _address: pytorch.classify(plan))


@cache_words(64, N_("Training ..."))
def _data(plan: Plan) -> LearntPlane:
    return classifier_data(plan)


def _choose() -> Plan:
    """Show the controls, two rows of them, and return what is chosen."""
    shapes = {"moons": _("Two moons"), "circles": _("Circles"), "spirals": _("Spirals")}
    rules = {
        "sgd": _("SGD"),
        "momentum": _("Momentum 0.9"),
        "nesterov": _("Nesterov 0.9"),
        "rmsprop": _("RMSProp"),
        "adam": _("Adam"),
        "adamw": _("AdamW"),
    }
    activations = {"relu": _("ReLU"), "tanh": _("tanh"), "sigmoid": _("sigmoid"), "gelu": _("GELU")}
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    shape = row.selectbox(
        _("Points"), SHAPES, 2, format_func=lambda name: shapes[name], key="points", width=150, **KEPT
    )
    activation = row.selectbox(
        _("Activation"), ACTIVATIONS, 1, format_func=activations.__getitem__, key="activation", width=130, **KEPT
    )
    optimizer = row.selectbox(
        _("Optimizer"), list(OPTIMIZERS), 4, format_func=rules.__getitem__, key="optimizer", width=170, **KEPT
    )
    lr = row.select_slider(_("Learning rate"), RATES, 0.03, key="rate", width=180, **KEPT)
    width = row.slider(_("Width (units a layer)"), 1, 32, 16, key="width", width=180, **KEPT)
    depth = row.slider(_("Depth (hidden layers)"), 0, 4, 2, key="depth", width=180, **KEPT)
    noise = row.slider(_("Noise"), 0.0, 0.4, 0.08, 0.02, key="noise", width=150, **KEPT)
    seed = row.number_input(_("Seed"), 0, 9999, 0, key="seed", width=120, **KEPT)
    return Plan(shape, noise, activation, width, depth, optimizer, lr, int(seed))


def _words() -> dict[str, str]:
    words = _(
        "{description}: {parameters} parameters, trained on the full batch of {count} points. As many are held out: "
        "the network never trains on them."
    )
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "step": _("Step"),
        "of": _("{step} of {count}"),
        "map": _("The plane, coloured by the more probable class, after {step} steps; the line is the boundary"),
        "accuracy": _("Accuracy"),
        "loss": _("Loss (cross-entropy)"),
        "axis": _("steps"),
        "training": _("trained on"),
        "heldOut": _("held out"),
        "wrong": _("on the wrong side"),
        "says": words.replace("{count}", str(COUNT)),
        "overflow": _(
            "Diverged: after step {step} the loss was no finite number any more, and the training ended. Choose a "
            "smaller learning rate."
        ),
    }
