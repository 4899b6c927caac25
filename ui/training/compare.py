"""Runs over each other: their curves, what was asked of them otherwise, how they ended, and their logs to take away."""

import streamlit as st

from core.figures.training import compared_data, compared_settings
from core.i18n import _
from core.training import app_runs
from core.training.exports import event_files, metrics_csv
from core.training.runs import Run
from ui.training.curves import show_curves
from ui.training.ongoing_training import own_runs
from ui.training.runs import current_run, title_of
from ui.training.status import duration, scores_of

MOST = 6  # runs over each other can still be told apart
KEY = "runs"


def show_comparison() -> None:
    """Show the chosen runs; only those of this session, and those whose tokens are given, can be chosen."""
    current = current_run()
    runs = _choose(current)
    if not runs:
        st.info(
            _(
                "There is no run yet to compare. Start two under Train, with one setting changed: a frozen trunk, "
                "say, or random weights to start from. Each is paused when the next one starts, and can be resumed."
            )
        )
        return
    titled = {title_of(run): run for run in runs}
    show_curves(compared_data(titled), "+".join(run.name for run in runs))
    st.dataframe(_ends(titled), hide_index=True, width="stretch")
    if len(runs) > 1:
        rows = compared_settings(titled, {title: run.card["titles"] for title, run in titled.items()})
        st.subheader(_("What was asked otherwise"))
        if rows:
            st.dataframe([_named(row) for row in rows], hide_index=True, width="stretch")
        else:
            st.caption(_("Nothing: these runs have the same settings."))
    _downloads(titled)


def _choose(current: Run | None) -> list[Run]:
    linked = [token for token in st.query_params.get_all(KEY) if app_runs.find(token)]
    offered = list(dict.fromkeys([*linked, *own_runs(), *([current.name] if current else [])]))
    offered = [token for token in offered if app_runs.find(token)]
    tokens = st.multiselect(
        _("Runs"),
        offered,
        offered[-MOST:],
        key=KEY,
        accept_new_options=True,
        max_selections=MOST,
        placeholder=_("Choose runs, or type the token of another"),
        help=_("A run's token is in the address of its page, behind run=. Others' runs are not listed here."),
        bind="query-params",
        persist_state="session",
    )
    found = {token: app_runs.find(token) for token in tokens}
    if strange := [token for token, run in found.items() if run is None]:
        st.warning(
            _("There is no run {token} on this server: look for run= in its address.").format(token=strange[0][:20])
        )
    return [run for run in found.values() if run]


def _ends(runs: dict[str, Run]) -> list[dict[str, str]]:
    """Return how each run ended, as the rows of a table."""
    ends = {
        "finished": _("finished"),
        "plateau": _("early, on a plateau"),
        "stopped": _("paused"),
        "diverged": _("its loss became no number"),
        None: _("at work, or interrupted"),
    }
    return [
        {
            _("Run"): title,
            _("Ended"): _("cancelled") if app_runs.is_cancelled(run) else ends.get(run.ended, str(run.ended)),
            _("Steps"): str(run.card.get("steps", "–")),
            _("Training"): duration(60 * run.card["minutes"]) if "minutes" in run.card else "–",
            _("Best score on all held-out images"): scores_of(run) or "–",
            _("Parameters that learn"): f"{run.card.get('on', {}).get('learning', 0):,}",
        }
        for title, run in runs.items()
    ]


def _named(row: dict[str, str]) -> dict[str, str]:
    """Return a row of settings with the setting in words."""
    words = {
        "model": _("Model"),
        "data": _("Data"),
        "start": _("Start from"),
        "freeze": _("Frozen"),
        "steps": _("Steps"),
        "minutes": _("Minutes"),
        "batch_size": _("Batch size"),
        "learning_rate": _("Learning rate"),
        "patience": _("Early stop: scores without a gain"),
        "seed": _("Seed"),
        "score_every": _("Seconds between scores"),
        "augmentation.mirror": _("Mirrored images"),
    }
    return {_("Setting"): words.get(row["setting"], row["setting"]), **{k: v for k, v in row.items() if k != "setting"}}


def _downloads(runs: dict[str, Run]) -> None:
    row = st.container(horizontal=True)
    row.download_button(
        _("Metrics (.csv)"),
        lambda: metrics_csv(runs),
        "metrics.csv",
        "text/csv",
        key="download_metrics",
        on_click="ignore",
        icon=":material/download:",
    )
    row.download_button(
        _("TensorBoard's event files (.zip)"),
        lambda: event_files(list(runs.values())),
        "events.zip",
        "application/zip",
        key="download_events",
        on_click="ignore",
        icon=":material/download:",
    )
    st.caption(_("To open them: unpack the zip file, then `tensorboard --logdir events`."))
