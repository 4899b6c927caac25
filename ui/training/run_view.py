"""One run while it lasts, and after: how far it is, its curves, its fixed samples, and what can be done with it."""

from dataclasses import dataclass
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.checkpoint import CheckpointError
from core.figures.sent.training import Looks
from core.figures.training import SCORE, looks_data, run_data
from core.i18n import _
from core.training import app_runs
from core.training.runs import Curve, Run
from core.training.sample_history import read_looks
from ui.kit.caching import cache_words
from ui.kit.following import follow
from ui.training.curves import SIDES, score_title, show_curves, show_looks
from ui.training.ongoing_training import own_runs
from ui.training.runs import owner, remember, show, title_of
from ui.training.status import Now, about_data, how_it_stands, progress_of

PACE = 1.0  # seconds between two looks: each reads the files of a run that takes minutes
REMEMBERED = 16  # runs, for all sessions together
REFUSED = "training_refused"
OVER = ("finished", "plateau", "diverged")


def show_run(run: Run) -> None:
    """Show ``run``, and follow it as long as somebody is at work on it."""
    follow(partial(_read, run.name), partial(_show, run.name), PACE)


@dataclass(frozen=True)
class _Stands:
    """How a run stands: its folder, where it still has one, and the session's job on it, where there is one."""

    run: Run | None
    now: Now | None

    @property
    def active(self) -> bool:
        """Whether somebody is at work on it."""
        return bool(self.now and self.now.active) or bool(self.run and app_runs.is_held(self.run))


def _read(token: str) -> _Stands:
    job = own_runs().get(token)
    now = job.poll() if job else None  # first: how a job has ended is in the run's card by then
    return _Stands(app_runs.find(token), now)


def _show(token: str, stands: _Stands) -> None:
    run, now = stands.run, stands.now
    if run is None:
        st.warning(_("The server has removed this run to make room for newer ones: start it again."))
        return
    written = (run.folder / "metrics.jsonl").stat().st_size if (run.folder / "metrics.jsonl").exists() else 0
    curves = _curves(token, written)
    _status(run, now, curves)
    seen, drawn = st.columns(SIDES, gap="large")
    looks = sorted(path.name for path in (run.folder / "looks").glob("*.npz"))
    with seen:
        if looks:
            show_looks(_looks(token, len(looks), looks[-2:], tuple(run.card.get("classes", ()))), token)
        if about := about_data(run):
            st.caption(about)
    with drawn:
        goes_on = run.ended not in OVER and not app_runs.is_cancelled(run)
        headline = next((name.removeprefix(SCORE) for name in curves if name.startswith(SCORE)), "")
        show_curves(run_data(curves, app_runs.plan_of(run), goes_on), token, headline and score_title(headline))


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _curves(token: str, written: int) -> dict[str, Curve]:
    run = app_runs.find(token)
    return run.curves() if run else {}


@cache_words(REMEMBERED)
def _looks(token: str, count: int, newest: list[str], classes: tuple[str, ...]) -> Looks:
    return looks_data(read_looks(app_runs.FOLDER / token), classes)


def _status(run: Run, now: Now | None, curves: dict[str, Curve]) -> None:
    """Show how far the run is, in words and as a bar, and the buttons that make sense now."""
    held = app_runs.is_held(run)
    if now and now.active:
        line = st.container(horizontal=True, vertical_alignment="bottom")
        done, words = progress_of(run, now, curves)
        line.progress(done, f"**{title_of(run)}** · {words}", width=520)
        line.button(_("Pause"), icon=":material/pause:", key="pause_training", on_click=_pause, args=(run.name,))
        line.button(_("Cancel"), icon=":material/close:", key="cancel_training", on_click=_cancel, args=(run.name,))
        return
    kind, words = how_it_stands(run, now, held)
    getattr(st, kind)(f"**{title_of(run)}** · {words}")
    if refused := st.session_state.pop(REFUSED, None):
        st.error(refused)
    line = st.container(horizontal=True)
    if run.ended not in OVER and not app_runs.is_cancelled(run) and not held:
        line.button(
            _("Resume"), icon=":material/play_arrow:", key="resume_training", on_click=_resume, args=(run.name,)
        )
        line.button(_("Cancel"), icon=":material/close:", key="cancel_training", on_click=_cancel, args=(run.name,))
    _download(run, line)
    line.button(
        _("Put aside"),
        icon=":material/inventory_2:",
        key="put_aside",
        on_click=show,
        args=(None,),
        help=_("It stays on the server, under Compare runs and behind this address."),
    )


def _pause(token: str) -> None:
    job = own_runs().get(token)
    if job:
        job.cancel()


def _cancel(token: str) -> None:
    run = app_runs.find(token)
    if run:
        app_runs.cancel(run)


def _resume(token: str) -> None:
    run = app_runs.find(token)
    try:
        if run:
            remember(token, app_runs.go_on(run, owner()))
    except CheckpointError as error:
        st.session_state[REFUSED] = str(error)


def _download(run: Run, place: DeltaGenerator) -> None:
    """Offer the weights with the best score so far, once there are any."""
    if not run.weights.exists():
        return
    model = run.card["asked"]["model"]
    place.download_button(
        _("Weights (.safetensors)"),
        run.weights.read_bytes,
        f"{model}-{run.name[:4]}.safetensors",
        "application/octet-stream",
        key="download_weights",
        on_click="ignore",
        icon=":material/download:",
        help=_("Those of the best score so far, with the model and its classes in the header."),
    )
