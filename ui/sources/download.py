"""torchvision's sets by download, into the server's own folder of sets: sizes said beforehand, progress, cancel."""

from functools import partial

import streamlit as st

from core import jobs
from core.data.downloads import DOWNLOADS, Fetched, fetch
from core.data.sources import dataset_in, owners_folder
from core.downloading import MB
from core.i18n import _
from ui.kit.following import StartedJob, show_job, start_job
from ui.sources.sets import PickedSource

JOB = "data_download_job"


def pick_download() -> PickedSource | None:
    """Show the sets that can be had, load one, and return the chosen one once it is there."""
    name = st.selectbox(
        _("Data set"),
        list(DOWNLOADS),
        format_func=lambda name: DOWNLOADS[name].title,
        key="source_download",
        width=280,
        bind="query-params",
        persist_state="session",
    )
    download, place = DOWNLOADS[name], owners_folder()
    if download.there(place):
        return _picked(name)
    words = _("{load:,} MB are loaded from {host}; {disk:,} MB of the server's disk stay in use, for everybody.")
    host = download.archives[0].host
    st.markdown(words.format(load=download.size // MB, host=host, disk=download.unpacked // MB))
    current: StartedJob[Fetched] | None = st.session_state.get(JOB)
    running = current is not None and current.name == name and current.job.poll().active
    if st.button(_("Load it"), icon=":material/cloud_download:", key="download", disabled=running):
        current = start_job(JOB, name, partial(fetch, name, place), long=True)
    if current and current.name == name:
        show_job(current, partial(_progress, download.size))
    return None


def _picked(name: str) -> PickedSource:
    """Return the set of ``name``, of whose folders there may be one for each form."""
    download, place = DOWNLOADS[name], owners_folder()
    folders = list(download.folders)
    folder = folders[0]
    if len(folders) > 1:
        folder = st.selectbox(
            _("As"), folders, key="source_download_as", width=280, bind="query-params", persist_state="session"
        )
    found = dataset_in(place / folder)
    return PickedSource(f"server:{folder}:{found.path.stat().st_mtime_ns}", folder, str(found.path), found.form)


def _progress(size: int, now: jobs.Progressed[Fetched]) -> None:
    if not now.active or not now.events:
        return
    loaded = now.events[-1].loaded
    words = _("{loaded:,} of {size:,} MB")
    st.progress(min(loaded / size, 1.0), words.format(loaded=loaded // MB, size=size // MB))
