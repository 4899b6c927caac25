"""What is in a state dict, and what a model makes of it that takes it back."""

import streamlit as st

from core.checkpoint import CheckpointError
from core.families import SHAPES
from core.figures.sent.training import Looks, StateDict
from core.figures.training import WeightsError, looks_data, weights_data
from core.i18n import N_, _
from core.models import MODELS
from core.training.plan import NAMES
from core.training.runs import Run
from core.training.sample_predictions import load_back
from core.training.uploaded_weights import Weights, packed, read_file
from ui.kit.caching import cache_words
from ui.kit.component import component
from ui.training.curves import show_looks
from ui.training.files import checkpoint_titles, chosen_weights
from ui.training.runs import current_run, title_of

REMEMBERED = 16  # state dicts, for all sessions together


class TensorsData(StateDict):
    """The same with words, and what tells it from every other."""

    key: str
    words: dict[str, str]


_tensors = component("training/tensors", TensorsData, "training/parts")


def show_weights() -> None:
    """Show the tensors of the chosen weights, and load them back into a model."""
    weights, key = _choose(current_run())
    if weights is None:
        return
    try:
        data = _table(key, weights)
    except WeightsError as error:
        st.error(str(error))
        return
    _tensors(data={**data, "words": _words(), "key": key}, key="training_tensors")
    st.download_button(
        _("Download as safetensors"),
        lambda: packed(weights),
        f"{weights.title.split('.')[0]}.safetensors",
        "application/octet-stream",
        key="download_tensors",
        on_click="ignore",
        icon=":material/download:",
    )
    _load_back(weights, key)


def _choose(run: Run | None) -> tuple[Weights | None, str]:
    """Return the chosen weights, None where there are none yet, and a key that tells them from others."""
    own = {"run": title_of(run)} if run and run.weights.exists() else {}
    titles = {**own, **checkpoint_titles(), "upload": _("Uploaded weights")}
    names = list(titles)
    chosen = st.selectbox(
        _("Weights of"),
        names,
        names.index("yolo") if "yolo" in names and not own else 0,
        format_func=titles.__getitem__,
        key="weights_of",
        width=420,
        bind="query-params",
        persist_state="session",
    )
    if chosen == "upload":
        given = chosen_weights()
        return (given.weights, f"upload:{hash(given.data)}") if given else (None, "")
    path = run.weights if run and chosen == "run" else SHAPES.folder / f"{chosen}.safetensors"
    try:
        weights = read_file(path, titles[chosen] if chosen == "run" else f"{chosen}.safetensors")
    except CheckpointError as error:
        st.error(str(error))
        return None, ""
    return weights, f"{chosen}:{path.stat().st_mtime_ns}:{run.name if run and chosen == 'run' else ''}"


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _table(key: str, _weights: Weights) -> StateDict:
    return weights_data(_weights.tensors)


def _load_back(weights: Weights, key: str) -> None:
    """Load the weights into the chosen model and show what it predicts with them, or why they do not fit."""
    st.subheader(_("Load them back"))
    titles = {name: _(MODELS[name].title) for name in NAMES}
    own = weights.model or weights.title.removesuffix(".safetensors")
    st.session_state.setdefault("weights_into", own if own in NAMES else "yolo")
    model = st.selectbox(
        _("Into the model"),
        NAMES,
        format_func=titles.__getitem__,
        key="weights_into",
        width=420,
        bind="query-params",
        persist_state="session",
    )
    try:
        looks = _loaded(key, model, weights)
    except CheckpointError as error:
        st.error(str(error))
        return
    st.success(_("Every name and every shape fits. What {model} says with these weights:").format(model=titles[model]))
    show_looks(looks, f"{key} {model}")


@cache_words(REMEMBERED, N_("Loading ..."))
def _loaded(key: str, model: str, _weights: Weights) -> Looks:
    return looks_data(*load_back(_weights, model))


def _words() -> dict[str, str]:
    return {
        "name": _("Tensor"),
        "shape": _("Shape"),
        "dtype": _("dtype"),
        "norm": _("Norm"),
        "count": _("Parameters"),
        "values": _("Values"),
        "all": _("{tensors} tensors, {count} numbers"),
        "one": _("{name}: from {least} to {most}, mean {mean}, standard deviation {deviation}"),
        "constant": _("{name}: every value is {least}"),
        "empty": _("{name}: no finite value"),
        "strange": _("{strange} values are no finite numbers"),
        "sort": _("Sort by {column}"),
        "axis": _("value"),
        "counted": _("How many of its numbers have which value"),
    }
