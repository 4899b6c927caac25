"""How long a training is to go on, and what most leave as it is."""

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.i18n import _
from core.training.plan import LARGEST_BATCH, plan_for
from ui.kit.choices import choose

KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
MOST_MINUTES, MOST_STEPS = 30.0, 20_000
SCORES = 12  # so many over a training of so many minutes, but
SCORE_EVERY = (3.0, 20.0)  # neither more nor less often than every so many seconds


def choose_length(row: DeltaGenerator) -> dict[str, Any]:
    """Show in ``row`` when a training ends, and return the settings of a plan that follow."""
    units = {"minutes": _("Minutes"), "steps": _("Steps")}
    unit = choose(_("Ends after"), units, "train_for", "minutes", place=row)
    if unit == "steps":
        steps = row.number_input(_("Steps"), 1, MOST_STEPS, 300, 50, key="train_steps", width=130, **KEPT)
        return {"steps": int(steps), "score_every": SCORE_EVERY[0]}
    minutes = row.number_input(_("Minutes"), 0.1, MOST_MINUTES, 1.0, 0.5, key="train_minutes", width=130, **KEPT)
    least, most = SCORE_EVERY
    return {"minutes": float(minutes), "score_every": min(max(least, 60 * minutes / SCORES), most)}


def choose_more(model: str) -> dict[str, Any]:
    """Show what most trainings leave as it is, and return what was changed."""
    usual = plan_for(model, "")
    frozen = st.toggle(_("Freeze the trunk"), key="train_frozen", help=_("Only the layers behind it learn."), **KEPT)
    batch = st.number_input(
        _("Batch size"), 1, LARGEST_BATCH, None, key="train_batch", placeholder=str(usual.batch_size), **KEPT
    )
    rate = st.number_input(
        _("Learning rate"),
        1e-6,
        1.0,
        None,
        format="%.5f",
        key="train_rate",
        placeholder=f"{usual.learning_rate:g}",
        **KEPT,
    )
    patience = st.number_input(
        _("Early stop: scores without a gain"),
        1,
        50,
        None,
        key="train_patience",
        placeholder=_("never"),
        help=_("It ends once so many scores in a row were no better than the best one before them."),
        **KEPT,
    )
    seed = st.number_input(_("Seed"), 0, 9999, 0, key="train_seed", **KEPT)
    changed = {"batch_size": batch, "learning_rate": rate, "patience": patience}
    return {
        "seed": int(seed),
        "freeze": "trunk" if frozen else "none",
        **{name: value for name, value in changed.items() if value is not None},
    }
