"""Choose where training data comes from: drawn scenes, digits, the server's own sets, an upload."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import streamlit as st

from core.data.archives import MOST_PACKED, MOST_UNPACKED, ArchiveError, Unpacked, unpack
from core.data.folders import FolderError
from core.data.sources import Form, FoundFolder, dataset_in, datasets_below, owners_folder, without_path
from core.i18n import _
from pages.parts.work_folder import RoomError, room_for

FRESH = 10.0  # seconds that the list of the server's sets is believed
OWN = "source_own_sets"  # what this session has brought along or made
CHOSEN, CHOSEN_OWN = "source", "source_own"
UPLOADS, REFUSED, NEXT = "source_uploads", "source_refused", "source_next"


@dataclass(frozen=True)
class PickedSource:
    """The chosen source: a ``key`` that tells it from every other, a ``title``, ``notes`` of what was done to it.

    ``data`` is "scenes", "digits" or the path of a folder, as ``core.training.tuning.open_data`` takes it; ``form``
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


def pick_source(forms: Collection[Form]) -> PickedSource | None:
    """Show the controls and return the choice; None, with a sentence, where there is none yet or not of ``forms``.

    A source with masks will do where boxes are asked for.
    """
    kinds = {
        "scenes": _("Drawn scenes"),
        "digits": _("Handwritten digits"),
        "server": _("On this server"),
        "upload": _("Upload"),
    }
    if NEXT in st.session_state:  # a widget's value can be set before it is shown, only
        st.session_state[CHOSEN], st.session_state[CHOSEN_OWN] = "upload", st.session_state.pop(NEXT)
    kind = st.segmented_control(
        _("Data"),
        list(kinds),
        default="scenes",
        required=True,
        format_func=lambda name: kinds[name],
        key=CHOSEN,
        bind="query-params",
        persist_state="session",
    )
    if kind in ("scenes", "digits"):
        picked: PickedSource | None = PickedSource(kind, kinds[kind], kind, "masks")
    else:
        picked = _pick_found() if kind == "server" else _pick_own()
    if picked and not fits(picked.form, forms):
        st.info(_unfit(picked, forms))
        return None
    return picked


def fits(form: Form, forms: Collection[Form]) -> bool:
    """Whether a source of ``form`` will do where ``forms`` are asked for."""
    return form in forms or (form == "masks" and "boxes" in forms)


def _unfit(picked: PickedSource, forms: Collection[Form]) -> str:
    words = {"boxes": _("boxes"), "masks": _("masks"), "classes": _("one folder a class")}
    sentence = _("{title} has {has}, and this needs {needs}: choose another source.")
    needs = _(" or ").join(words[form] for form in forms)
    return sentence.format(title=picked.title, has=words[picked.form], needs=needs)


# ---- what the server's owner provides ----


@st.cache_data(ttl=FRESH, show_spinner=False)
def _provided(folder: Path) -> dict[str, FoundFolder]:
    return datasets_below(folder)


def _pick_found() -> PickedSource | None:
    found = _provided(owners_folder())
    if not found:
        st.info(
            _(
                "There is no data set on this server yet. Its owner can put folders into data/, or into the folder "
                "that VISIBLE_VISION_DATA names: in Pascal VOC's layout, with masks, or with one folder a class."
            )
        )
        return None
    name = st.selectbox(
        _("Data set"), list(found), key="source_folder", width=280, bind="query-params", persist_state="session"
    )
    one = found[name]
    changed = one.path.stat().st_mtime_ns if one.path.exists() else 0
    return PickedSource(f"server:{name}:{changed}", name, str(one.path), one.form)


# ---- what a session brings along ----


def own_sets() -> dict[str, OwnSet]:
    """Return this session's own sets by their titles, without those that are gone from the disk."""
    sets: dict[str, OwnSet] = st.session_state.get(OWN, {})
    st.session_state[OWN] = {title: one for title, one in sets.items() if Path(one.source.data).exists()}
    return st.session_state[OWN]


def add_own(source: PickedSource, keeper: Unpacked | None = None) -> None:
    """Keep ``source`` among this session's own sets; it is the chosen one from the next run of the page on."""
    own_sets()[source.title] = OwnSet(source, keeper)
    st.session_state[NEXT] = source.title


def _pick_own() -> PickedSource | None:
    uploads = st.session_state.get(UPLOADS, 0)
    most = MOST_PACKED // 10**6
    # Another key makes a new uploader, and lets the server forget the file: it lies unpacked on the disk by then.
    file = st.file_uploader(_("Upload a zip file"), ["zip"], key=f"source_upload_{uploads}", max_upload_size=most)
    refused = st.session_state.get(REFUSED)
    if file and (refused is None or refused[0] != file.file_id):
        try:
            with st.spinner(_("Unpacking ...")):
                source, keeper = _unpacked(file, file.name)
        except (ArchiveError, FolderError, RoomError) as error:
            refused = file.file_id, str(error)
            st.session_state[REFUSED] = refused
        else:
            st.session_state[UPLOADS] = uploads + 1
            add_own(source, keeper)
            st.rerun()
    if file and refused:
        st.error(refused[1])
    own = own_sets()
    if not own:
        sentence = _(
            "Choose a zip file of up to {most} MB: Pascal VOC's layout (Annotations, JPEGImages), images with masks "
            "(images, and instances or labels), or one folder of photos a class. It goes when you close this tab."
        )
        st.info(sentence.format(most=most))
        return None
    name = st.selectbox(
        _("Your data sets"), list(own), key=CHOSEN_OWN, width=280, bind="query-params", persist_state="session"
    )
    return own[name].source


def _unpacked(file: IO[bytes], name: str) -> tuple[PickedSource, Unpacked]:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    with room_for(MOST_UNPACKED) as folder:
        keeper = unpack(file, folder)
        try:
            found = dataset_in(keeper.folder)
        except FolderError as error:
            keeper.close()
            raise FolderError(without_path(str(error), keeper.folder, name)) from None
    return PickedSource(f"upload:{digest}", Path(name).stem[:60], str(found.path), found.form, keeper.notes), keeper
