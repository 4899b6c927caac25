"""The flawed set for practice, written into this session's folder when it is first asked for."""

import streamlit as st

from core.data.practice import write_practice
from core.i18n import _
from ui.sources.sets import PickedSource
from ui.sources.work_folder import room_for, work_folder

ROOM = 2 * 10**6  # bytes
KEY = "practice"


def practice_source() -> PickedSource:
    """Return the set as a source.

    Raises:
        RoomError: there is no room on the server.
    """
    folder = work_folder() / KEY
    if not folder.exists():
        with room_for(ROOM), st.spinner(_("Drawing a set ...")):
            write_practice(folder)
    return PickedSource(KEY, _("Flawed set"), str(folder), "boxes")
