"""What is to be trained on what, and for how long: sensible defaults, and the rest folded."""

from dataclasses import dataclass

import streamlit as st

from core.checkpoint import CheckpointError
from core.data.folders import FolderError
from core.figures.sent.training import Looks
from core.figures.training import looks_data, run_data
from core.i18n import N_, _
from core.models import MODELS
from core.training import app_runs
from core.training.datasets import forms_for
from core.training.plan import NAMES, Plan, plan_for
from core.training.sample_predictions import look_before
from ui.kit.caching import cache_words
from ui.sources.source import PickedSource, pick_source
from ui.training.curves import SIDES, show_curves, show_looks
from ui.training.files import chosen_weights, start_titles
from ui.training.runs import NOT_BEGUN, begin
from ui.training.settings import KEPT, choose_length, choose_more

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
    titles = {name: _(MODELS[name].title) for name in NAMES}
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
    length = choose_length(row)
    with row.popover(_("More settings"), icon=":material/tune:"):
        more = choose_more(model)
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
    if refused := st.session_state.pop(NOT_BEGUN, None):
        st.error(refused)
    return asked


def usual_start(model: str) -> str | None:
    """Return the checkpoint that ``model`` starts from in its recipe."""
    recipe = MODELS[model].recipe
    return recipe.start if recipe else "trunk"


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
                st.warning(app_runs.without_paths(str(error), {asked.plan.data: asked.source.title}))
    with drawn:
        show_curves(run_data({}, asked.plan, goes_on=True), "before")


@cache_words(REMEMBERED, N_("Looking at the data ..."))
def _before(key: str, model: str, start: str | None, _plan: Plan) -> Looks:
    return looks_data(*look_before(_plan))
