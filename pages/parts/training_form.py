"""What is to be trained on what, and for how long: sensible defaults, and the rest folded."""

from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.data.folders import FolderError
from core.figures.training import Json, looks_data, run_data
from core.i18n import N_, _
from core.training import hosted
from core.training.checkpoint import CheckpointError
from core.training.datasets import forms_for
from core.training.previews import look_before
from core.training.recipes import RECIPES
from core.training.tuning import KINDS, LARGEST_BATCH, NAMES, Plan, plan_for
from pages.parts.caching import cache_words
from pages.parts.data_source import PickedSource, pick_source
from pages.parts.training_curves import SIDES, show_curves, show_looks
from pages.parts.training_files import chosen_weights, start_titles
from pages.parts.training_runs import begin

KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
MOST_MINUTES, MOST_STEPS = 30.0, 20_000
SCORES = 12  # so many over a training of so many minutes, but
SCORE_EVERY = (3.0, 20.0)  # neither more nor less often than every so many seconds
REMEMBERED = 24  # previews, for all sessions together


@dataclass(frozen=True)
class Asked:
    """A training that can be started: its ``plan``, its data, what it starts from in words, and the bytes of weights
    that were given for it."""

    plan: Plan
    source: PickedSource
    start: str
    weights: bytes | None


def choose_material() -> tuple[str, PickedSource | None]:
    """Show the models and the sources in a row, and return what is chosen."""
    titles = {name: _(KINDS[name].title) for name in NAMES}
    left, right = st.columns([2, 5], gap="large")
    with left:
        model = st.selectbox(
            _("Model"), NAMES, NAMES.index("yolo"), format_func=titles.__getitem__, key="train_model", **KEPT
        )
    with right:
        return model, pick_source(forms_for(model))


def ask_for_training(model: str, source: PickedSource | None) -> Asked | None:
    """Show how ``model`` can be trained on ``source``, and the button that starts it in place of the session's last.

    Returns what is chosen, None where something is missing.
    """
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    known = start_titles()
    start = row.selectbox(
        _("Start from"),
        list(known),
        format_func=known.__getitem__,
        key="train_start",
        width=230,
        help=_("Weights of another model give their trunk. The usual start is the one that the app's own have had."),
        **KEPT,
    )
    length = _length(row)
    with row.popover(_("More settings"), icon=":material/tune:"):
        more = _more(model)
    weights = chosen_weights() if start == "upload" else None
    asked = None
    if source is not None and (start != "upload" or weights is not None):
        chosen = {"usual": usual_start(model), "random": None}.get(start, start)
        plan = plan_for(model, source.data, start=chosen, **length, **more)
        words = known.get(str(chosen), known["random"]) if start == "usual" else known[start]
        asked = Asked(plan, source, weights.title if weights else words, weights.data if weights else None)
    row.button(
        _("Start training"),
        type="primary",
        icon=":material/model_training:",
        key="train",
        disabled=asked is None,
        on_click=begin,
        args=(asked.plan, asked.weights, {"data": asked.source.title, "start": asked.start}) if asked else (),
        help=_("A training of yours that is at work is paused, and can be resumed."),
    )
    return asked


def usual_start(model: str) -> str | None:
    """Return the checkpoint that ``model`` starts from in its recipe."""
    return RECIPES[model].start if model in RECIPES else "trunk"


def _length(row: DeltaGenerator) -> dict[str, Any]:
    units = {"minutes": _("Minutes"), "steps": _("Steps")}
    unit = row.segmented_control(
        _("Ends after"),
        list(units),
        default="minutes",
        required=True,
        format_func=units.__getitem__,
        key="train_for",
        **KEPT,
    )
    if unit == "steps":
        steps = row.number_input(_("Steps"), 1, MOST_STEPS, 300, 50, key="train_steps", width=130, **KEPT)
        return {"steps": int(steps), "score_every": SCORE_EVERY[0]}
    minutes = row.number_input(_("Minutes"), 0.1, MOST_MINUTES, 1.0, 0.5, key="train_minutes", width=130, **KEPT)
    least, most = SCORE_EVERY
    return {"minutes": float(minutes), "score_every": min(max(least, 60 * minutes / SCORES), most)}


def _more(model: str) -> dict[str, Any]:
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


def preview(asked: Asked) -> None:
    """Show what there is before a training: the fixed samples, what the model says of them, and the schedule."""
    st.markdown(
        _("**Before the first step:** four images that it will not learn from, and what it says of them by now.")
    )
    seen, drawn = st.columns(SIDES, gap="large")
    with seen:
        if asked.weights is None:
            try:
                show_looks(_before(asked.source.key, asked.plan.model, asked.plan.start, asked.plan), "before")
            except (CheckpointError, FolderError) as error:
                st.warning(hosted.without_paths(str(error), {asked.plan.data: asked.source.title}))
    with drawn:
        show_curves(run_data({}, asked.plan, goes_on=True), "before")


@cache_words(REMEMBERED, N_("Looking at the data ..."))
def _before(key: str, model: str, start: str | None, _plan: Plan) -> Json:
    return looks_data(*look_before(_plan))
