"""The source of an expression, the graph that autograd builds behind it, and a walk through it and back."""

import streamlit as st

from core.figures.autograd import source_data
from core.figures.sent import Words
from core.figures.sent.autograd import WalkedSource
from core.i18n import _
from core.scripts import pytorch
from ui.autograd.lessons import FIRST, SourceLesson, lessons
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment

SOURCE = "autograd_source"  # in the session
TYPING = "autograd_typing"
ADDRESS = "code"


class GraphData(WalkedSource):
    """The same with lessons and words."""

    lessons: list[SourceLesson]
    words: Words


_component = component("autograd/graph", GraphData, "autograd/parts")


@fragment
def autograd_graph() -> None:
    """Show the graph behind the source; only this is run again when the source changes.

    While somebody types, the graph is answered at once, and the browser asks for the finite differences when it rests.
    """
    if SOURCE not in st.session_state:
        st.session_state[SOURCE] = st.query_params.get(ADDRESS, FIRST)
    source, typing = st.session_state[SOURCE], st.session_state.get(TYPING, False)
    data: GraphData = {**source_data(source, check=not typing), "lessons": lessons(), "words": _words()}
    _component(data=data, key="autograd_graph", on_typed_change=_take_typed, on_rested_change=_take_rest)
    show_code(lambda _address: pytorch.graph(st.session_state[SOURCE]))


def _take_typed() -> None:
    source = st.session_state["autograd_graph"].typed
    if source is not None:
        st.session_state.update({SOURCE: source, TYPING: True})


def _take_rest() -> None:
    st.session_state[TYPING] = False


def graph_words() -> Words:
    """Return what every drawn graph says."""
    return {
        "graph": _("Graph of {nodes} nodes and {edges} edges"),
        "leaf": _("leaf"),
        "leafNamed": _("{name} · leaf"),
        "constant": _("constant"),
        "hidden": {
            "detach": _("detached"),
            "no_grad": _("under no_grad"),
            "not differentiable": _("no derivative"),
        },
    }


def _words() -> Words:
    return {
        **graph_words(),
        "source": _("Lines of the tensor language, Python's own syntax"),
        "caption": _("The graph behind {result}, as PyTorch built it"),
        "partial": _("The graph behind {result}, as far as the line with the error"),
        "step": _("Step"),
        "back": _("One step back"),
        "next": _("One step on"),
        "play": _("Play"),
        "pause": _("Pause"),
        "stepBefore": _("before the first line"),
        "stepForward": _("forward {step} of {steps}"),
        "stepBackward": _("backward {step} of {steps}"),
        "begin": _("Press Play, or move the slider: first values are computed, then gradients come back."),
        "value": _("Value"),
        "gradient": _("Gradient"),
        "chain": _("Chain rule so far:"),
        "backTo": _("Back to"),
        "local": _("Local derivative"),
        "product": _("Gradient × local"),
        "soFar": _("Sum so far"),
        "jacobian": _("Local derivative: Jacobian"),
        "tooLarge": _("more than 64 elements"),
        "summed": _("It is the sum of {count} contributions: the value was used {count} times."),
        "kept": _("saved"),
        "unknown": _("Not known: the tensor is large, or autograd has made this node anew since."),
        "saved": _("Saved for the way back:"),
        "gone": _("overwritten"),
        "constantSays": _("A constant: no gradient goes there."),
        "hiddenSays": {
            "detach": _("detach() cut it from the leaves that it was computed from: no gradient goes there."),
            "no_grad": _("It was computed under no_grad(), without a graph: no gradient goes there."),
            "not differentiable": _("It was made by an operation without a derivative: no gradient goes there."),
        },
        "leaves": _("Leaves: each gradient beside finite differences"),
        "callBackward": _("{result}.backward()"),
        "callZero": _("Set .grad to zero"),
        "last": _("result"),
        "calledOnce": _("backward() was called once."),
        "called": _("backward() was called {calls} times: gradients add up."),
        "zeroed": _(".grad was set to zero; the next backward() begins anew."),
        "leafColumn": _("Leaf"),
        "gradientColumn": _("Gradient, by autograd"),
        "difference": _("Central difference, in float64"),
        "error": _("Greatest error"),
        "gradColumn": _(".grad"),
        "errors": _("An error is relative where the gradient is greater than 1."),
        "unreached": _("The graph does not reach {names}: .grad stays None."),
        "verdicts": {
            "agrees": _("agree"),
            "kink": _("A kink: the slopes to both sides differ, and the difference is their mean."),
            "hidden": _("A path was cut. The difference follows it, autograd does not."),
            "differs": _("They differ: a path through item() or numpy(), a jump, or too few digits."),
            "unchecked": _("not checked"),
            "awaited": _("checking ..."),
        },
    }
