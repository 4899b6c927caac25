"""Weights to choose from: the app's own checkpoints, and a file that somebody brings along."""

from dataclasses import dataclass

import streamlit as st

from core.checkpoint import FOLDER, CheckpointError
from core.i18n import _
from core.training.plan import KINDS
from core.training.uploaded_weights import MOST_BYTES, Weights, read_upload
from ui.kit.uploader import show_uploader


@dataclass(frozen=True)
class GivenWeights:
    """An upload that holds weights: its ``data``, its ``title``, and what is in it."""

    data: bytes
    title: str
    weights: Weights


def checkpoint_titles() -> dict[str, str]:
    """Return the app's checkpoints by name, with their titles."""
    titles = {"trunk": _("Trained trunk"), "upsamplers": _("Ten upsamplers")}
    names = sorted(path.stem for path in FOLDER.glob("*.safetensors"))
    return {name: titles.get(name) or (_(KINDS[name].title) if name in KINDS else name) for name in names}


def start_titles() -> dict[str, str]:
    """Return what a training can start from, with titles."""
    own = {name: title for name, title in checkpoint_titles().items() if name != "upsamplers"}
    return {"usual": _("The usual start"), "random": _("Random weights"), **own, "upload": _("Uploaded weights")}


def chosen_weights() -> GivenWeights | None:
    """Show an uploader and return the weights that were brought along; None, with a sentence, without or with bad."""
    file = show_uploader(
        _("Weights"),
        [],  # a pickle file is refused with the reason
        MOST_BYTES // 10**6,
        key="weights_upload",
        help=_("A .safetensors file: a state dict that was saved here, or by safetensors.torch.save_file."),
    )
    if file is None:
        st.info(_("Choose a .safetensors file of up to {most} MB.").format(most=MOST_BYTES // 10**6))
        return None
    try:
        data = file.getvalue()
        weights = _read(file.name, data)
    except CheckpointError as error:
        st.error(str(error))
        return None
    return GivenWeights(data, weights.title, weights)


@st.cache_data(max_entries=1, scope="session", show_spinner=False)
def _read(name: str, data: bytes) -> Weights:
    return read_upload(name, data)
