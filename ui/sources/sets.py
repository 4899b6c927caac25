"""The data sets that a session has brought along or made, beside those that everybody sees."""

from dataclasses import dataclass, field
from pathlib import Path

import streamlit as st

from core.data.archives import Unpacked
from core.data.sources import Form

CHOSEN, CHOSEN_OWN = "source", "source_own"  # keys of widgets
OWN, NEXT = "source_own_sets", "source_next"


@dataclass(frozen=True)
class PickedSource:
    """The chosen source: a ``key`` that tells it from every other, a ``title``, ``notes`` of what was done to it.

    ``data`` is "scenes", "digits" or the path of a folder, as ``core.training.datasets.open_data`` takes it; ``form``
    says what its samples have: "masks" have boxes, too.
    """

    key: str
    title: str
    data: str
    form: Form
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnSet:
    """A set of this session's: the source that it is, and what keeps it on the disk."""

    source: PickedSource
    keeper: Unpacked | None = field(default=None, repr=False)


def own_sets() -> dict[str, OwnSet]:
    """Return this session's own sets by their titles, without those that are gone from the disk."""
    sets: dict[str, OwnSet] = st.session_state.get(OWN, {})
    left = {title: one for title, one in sets.items() if Path(one.source.data).exists()}
    st.session_state[OWN] = left
    return left


def add_own(source: PickedSource, keeper: Unpacked | None = None) -> None:
    """Keep ``source`` among this session's own sets; it is the chosen one from the next run of the page on."""
    own_sets()[source.title] = OwnSet(source, keeper)
    st.session_state[NEXT] = source.title


def choose_what_was_added() -> None:
    """Turn the controls to the set that was added since the last run; to be called before they are shown."""
    if NEXT in st.session_state:
        st.session_state[CHOSEN], st.session_state[CHOSEN_OWN] = "upload", st.session_state.pop(NEXT)
