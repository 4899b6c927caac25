"""A data set as a zip file: uploaded, unpacked into this session's folder, refused in a sentence."""

import hashlib
import io
from pathlib import Path

import streamlit as st

from core.data.archives import MOST_PACKED, MOST_UNPACKED, ArchiveError, Unpacked, unpack
from core.data.folders import FolderError
from core.data.sources import dataset_in, without_path
from core.i18n import _
from ui.kit.uploader import show_uploader
from ui.sources.sets import CHOSEN_OWN, PickedSource, add_own, own_sets
from ui.sources.work_folder import RoomError, room_for

UPLOADS, REFUSED = "source_uploads", "source_refused"
LONGEST_TITLE = 60


def pick_own() -> PickedSource | None:
    """Show an uploader and what this session has brought along or made; return the chosen set."""
    _upload()
    own = own_sets()
    if not own:
        sentence = _(
            "Choose a zip file of up to {most} MB: Pascal VOC's layout (Annotations, JPEGImages), images with masks "
            "(images, and instances or labels), or one folder of photos a class. It goes when you close this tab."
        )
        st.info(sentence.format(most=MOST_PACKED // 10**6))
        return None
    name = st.selectbox(
        _("Your data sets"), list(own), key=CHOSEN_OWN, width=280, bind="query-params", persist_state="session"
    )
    return own[name].source


def _upload() -> None:
    uploads = st.session_state.get(UPLOADS, 0)
    most = MOST_PACKED // 10**6
    # Another key makes a new uploader, and lets the server forget the file: it lies unpacked on the disk by then.
    file = show_uploader(_("Upload a zip file"), ["zip"], most, key=f"source_upload_{uploads}")
    if file is None:
        return
    before, sentence = st.session_state.get(REFUSED, ("", ""))
    if before != file.file_id:
        try:
            with st.spinner(_("Unpacking ...")):
                source, keeper = _unpacked(file, file.name)
        except (ArchiveError, FolderError, RoomError) as error:
            sentence = str(error)
            st.session_state[REFUSED] = file.file_id, sentence
        else:
            st.session_state[UPLOADS] = uploads + 1
            add_own(source, keeper)
            st.rerun()
    st.error(sentence)


def _unpacked(file: io.BytesIO, name: str) -> tuple[PickedSource, Unpacked]:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    with room_for(MOST_UNPACKED) as folder:
        keeper = unpack(file, folder, Path(name).stem)
        try:
            found = dataset_in(keeper.folder)
        except FolderError as error:
            keeper.close()
            raise FolderError(without_path(str(error), keeper.folder, name)) from None
    title = Path(name).stem[:LONGEST_TITLE]
    return PickedSource(f"upload:{digest}", title, str(found.path), found.form, keeper.notes), keeper
