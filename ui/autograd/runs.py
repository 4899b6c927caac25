"""Define by run: the graph that each input builds, and what is captured of the same function before it runs."""

from typing import TypedDict

import streamlit as st

from core.autograd.tracing import capture_by_compile, capture_by_export, examples
from core.figures.sent import Words
from core.figures.sent.autograd import CapturedGraphs, ExampleRuns
from core.figures.tracing import capture_data, runs_data
from core.i18n import N_, _
from core.scripts import pytorch
from ui.autograd.graph import graph_words
from ui.kit.caching import cache_words
from ui.kit.choices import choose
from ui.kit.code import show_code
from ui.kit.component import component


class RunsData(ExampleRuns):
    words: Words


class TitledCapture(CapturedGraphs):
    """What was captured, and by what."""

    title: str


class CapturesData(TypedDict):
    """What each way captures, with words."""

    captures: list[TitledCapture]
    words: Words


_runs = component("autograd/runs", RunsData, "autograd/parts")
_captures = component("autograd/captures", CapturesData, "autograd/parts")


@cache_words()
def runs_of(name: str) -> ExampleRuns:
    """Return the graphs of every run of the example called ``name``."""
    return runs_data(examples()[name])


@cache_words(spinner=N_("torch.export and torch.compile look at the function; the first time takes seconds ..."))
def captures_of(name: str) -> list[TitledCapture]:
    """Return what each way captures of the example called ``name``."""
    return [
        {"title": title, **capture_data(capture(examples()[name]))}
        for title, capture in (("torch.export", capture_by_export), ("torch.compile", capture_by_compile))
    ]


def autograd_runs() -> None:
    """Show the functions to choose from, the graph of each run, and what is captured."""
    titles = {
        "value": _("Branch on values"),
        "shape": _("Branch on a number and a shape"),
        "cond": _("torch.cond"),
    }
    name = choose(_("Function"), titles, "function", "value")
    _runs(data={**runs_of(name), "words": _run_words()}, key="autograd_runs")
    st.subheader(_("Captured before it runs"))
    st.markdown(_capture_words()[name])
    _captures(data={"captures": captures_of(name), "words": _capture_labels()}, key="autograd_captures")
    show_code(lambda _address: pytorch.runs(name))
    st.subheader(_("Define-by-run and define-and-run"))
    st.markdown(_comparison())


def _run_words() -> Words:
    return {
        **graph_words(),
        "source": _("The function, in Python"),
        "input": _("Called with"),
        "eager": _("What this run has built: {nodes} nodes"),
        "counted": _("{runs} inputs, {different} kinds of graph; each run makes its own anew."),
    }


def _capture_words() -> dict[str, str]:
    return {
        "value": _(
            "Which way the function goes depends on the values, and those are not known beforehand. `torch.export` "
            "needs the whole graph and refuses; `torch.compile` keeps the pieces between, and Python decides."
        ),
        "shape": _(
            "Numbers and shapes are known beforehand. The loop is unrolled, one branch is taken, and guards say for "
            "which inputs that holds. On another input `torch.compile` captures anew, an exported graph refuses."
        ),
        "cond": _(
            "`torch.cond` makes the branch an operation of the graph: both ways are captured, and which is taken is "
            "decided by each run. Autograd sees one node."
        ),
    }


def _capture_labels() -> Words:
    return {
        **graph_words(),
        "refused": _("Captured nothing."),
        "whole": _("One graph, captured once."),
        "pieces": _("{pieces} pieces, with Python between them."),
        "piece": _("Piece {piece}"),
        "says": _("Asked for the whole, PyTorch says:"),
        "breaks": _("It stops at:"),
        "guards": _("It holds while these guards do:"),
        "firstGuards": _("The first piece holds while these guards do:"),
    }


def _comparison() -> str:
    rows = (
        ("", _("PyTorch, eager"), _("TensorFlow 1"), _("PyTorch, captured")),
        (
            _("The graph is made"),
            _("by running, anew each time"),
            _("beforehand, then run in a session"),
            _("by looking at the function once"),
        ),
        (
            _("The style is called"),
            _("define-by-run"),
            _("define-and-run (static)"),
            _("captured, static under guards"),
        ),
        (_("`if` and loops"), _("Python's own"), _("`tf.cond`, `tf.while_loop`"), _("unrolled, or `torch.cond`")),
        (
            _("A shape that changes"),
            _("another graph"),
            _("a placeholder's open axis"),
            _("a guard fails, or is relaxed"),
        ),
        (_("An error shows"), _("at the line that ran"), _("in the session, far from the line"), _("while capturing")),
        (_("Runs without Python"), _("no"), _("yes"), _("yes, when exported")),
    )
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "| --- | --- | --- | --- |")
    words = _(
        "The column on TensorFlow 1 (2015 to 2019) is history from its documentation, nothing that was run here; "
        'TensorFlow 2 runs eagerly too, and captures with `tf.function`. "Define and run" is the static style: '
        "PyTorch's own is define-by-run, a term of Chainer (Tokui et al. 2015)."
    )
    return "\n".join(lines) + "\n\n" + words
