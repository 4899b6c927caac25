"""What a session has taught before the camera: it lies in memory alone, and goes with the tab."""

from dataclasses import dataclass, field

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.faults import UserError
from core.images import read_image
from core.transfer.teaching import Shot, Taught, TeachingError, Things, learn, shots_of
from ui.kit.camera import Taken

STATE = "teaching"


@dataclass
class Teaching:
    """What this session has taught: pictures of ``things``, and what was ``taught`` by them, or why nothing was.

    What the camera saw last is ``seen``; the picture that was taken is the ``still`` of that file; ``wrong`` says what
    could not be done with the last one.
    """

    things: Things = field(default_factory=Things)
    taught: Taught | None = None
    why: str = ""
    seen: Shot | None = None
    file: str = ""
    still: Shot | None = None
    wrong: str = ""

    def change(self, things: Things) -> None:
        """Teach ``things`` in place of those before."""
        self.things, self.taught, self.why = things, None, ""
        try:
            self.taught = learn(things)
        except TeachingError as error:
            self.why = str(error)


def teaching() -> Teaching:
    """Return what this session has taught; nobody else sees it, and it goes with the tab."""
    state: Teaching = st.session_state.setdefault(STATE, Teaching())
    return state


def take(taken: Taken) -> None:
    """Take in what the camera sent: pictures of a thing, or what is to be answered now."""
    state = teaching()
    state.wrong = ""
    try:
        shots = shots_of([read_image(one) for one in taken.pictures])
        if taken.series is None:
            state.seen = shots[0]
        else:
            state.change(state.things.with_shots(taken.series, shots))
    except UserError as error:
        state.wrong = str(error)


def look_at(state: Teaching, picture: UploadedFile | None) -> None:
    """Ask about a picture that is new, or forget it when it has gone."""
    file = picture.file_id if picture else ""
    if file == state.file:
        return
    state.file, state.still, state.wrong = file, None, ""
    if picture:
        try:
            (state.still,) = shots_of([read_image(picture.getvalue())])
        except UserError as error:
            state.wrong = str(error)


def add(thing: int) -> None:
    """Count the picture that was taken among those of ``thing``."""
    state = teaching()
    if state.still:
        try:
            state.change(state.things.with_shots(thing, [state.still]))
        except TeachingError as error:
            state.wrong = str(error)


def remove(thing: int) -> None:
    """Forget the newest picture of ``thing``."""
    state = teaching()
    state.change(state.things.without_last(thing))
