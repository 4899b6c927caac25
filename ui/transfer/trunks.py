"""The weights of trained trunks: which are here, and how to get the others."""

from functools import partial

import streamlit as st

from core import jobs
from core.i18n import _
from core.pretrained import PRETRAINED, Name, at_hand, fetching
from ui.kit.following import follow, press_again, show_status
from ui.kit.queueing import submit

LOADING = "transfer_loading"


def say_origin(name: Name) -> None:
    """Say what trunk ``name`` was trained on, and the licence of its weights."""
    kind = PRETRAINED[name]
    words = _("{title} was trained on {data}. Licence of its weights: {licence}.")
    said = words.format(title=kind.title, data=_(kind.data), licence=kind.licence)
    link = _("Their source")
    st.caption(f"{said} [{link}]({kind.source})" if kind.source else said)


def offer_weights(name: Name) -> bool:
    """Return whether the weights of trunk ``name`` are here; where they are not, offer to download them."""
    if name in at_hand():
        return True
    job: jobs.Job[int] | None = st.session_state.get(LOADING, {}).get(name)
    if job is None or not job.poll().active:
        _say(name)
    if job:
        follow(job.poll, partial(_show_loading, name, job))
    return False


def _say(name: Name) -> None:
    kind = PRETRAINED[name]
    words = _(
        "The weights of {title} are not on this server. They take {megabytes} MB from {host}; this server's owner can "
        "also put {file} into torch.hub's folder (TORCH_HOME)."
    )
    host = kind.url.split("/")[2]
    st.info(words.format(title=kind.title, megabytes=f"{kind.megabytes:.0f}", host=host, file=kind.file.name))
    label = _("Download {title} ({megabytes} MB)").format(title=kind.title, megabytes=f"{kind.megabytes:.0f}")
    st.button(label, icon=":material/download:", key="trunk_download", on_click=_load, args=(name,))


def _load(name: Name) -> None:
    loading = st.session_state.setdefault(LOADING, {})
    loading[name] = submit(partial(fetching, name), newest=True, kind="weights")


def _show_loading(name: Name, job: jobs.Job[int], now: jobs.Progressed[int]) -> None:
    show_status(job, now, press_again(_("Download")))
    if now.active and now.events:
        loaded, most = now.events[-1] / 1e6, PRETRAINED[name].megabytes
        words = _("{loaded} of {most} MB").format(loaded=f"{loaded:.1f}", most=f"{most:.1f}")
        st.progress(min(1.0, loaded / most), words)
