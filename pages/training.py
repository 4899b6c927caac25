"""Training: any model of the app on any source, live; runs compared; and what is in their weights."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.i18n import _
from core.scripts import learning
from core.training import app_runs
from ui.kit.choices import choose
from ui.kit.code import show_code
from ui.training.compare import show_comparison
from ui.training.form import ask_for_training, choose_material, preview
from ui.training.run_view import show_run
from ui.training.runs import current_run
from ui.training.weights import show_weights


def choose_view() -> str:
    """Show the views and what the chosen one is about; return its name."""
    titles = {"train": _("Train"), "compare": _("Compare runs"), "weights": _("Weights")}
    words = {
        "train": _(
            "A training on this server while you look on: its loss, its score on images that it does not learn from, "
            "and what it says of four of them."
        ),
        "compare": _("What a setting changes shows beside a run without it: their curves over each other."),
        "weights": _("All that a training leaves behind is a state dict: named tensors of numbers."),
    }
    view: str = choose(_("View"), titles, "training", "train", labelled=False)
    st.markdown(words[view])
    return view


def train() -> None:
    """Show what can be asked for, and the run in the address, or a look at what there is before any."""
    asked = ask_for_training(*choose_material())
    run = current_run()
    if run:
        show_run(run)
        plan, title, own = app_runs.plan_of(run), run.card["titles"]["data"], app_runs.starts_from_own(run)
        show_code(lambda _address: learning.training(plan, title, own))
    elif asked:
        preview(asked)
        show_code(lambda _address: learning.training(asked.plan, asked.source.title, asked.weights is not None))


come_through_the_entrance()
st.title(_("Training"))
{"train": train, "compare": show_comparison, "weights": show_weights}[choose_view()]()
