"""Data: from a source by cleaning, transforms and a Dataset to the batches of a DataLoader."""

from ui.frame.startup import come_through_the_entrance

from functools import partial

import streamlit as st

from core.data.folders import FolderError
from core.data.pipelines import written
from core.data.sources import DRAWN, Opened, open_source
from core.i18n import _
from core.scripts import Script, learning
from ui.data.cleaning import report_of, show_cleaning
from ui.data.loader import MOST_BATCH, MOST_EPOCHS, MOST_SHOWN, MOST_WORKERS, show_loader
from ui.data.pipeline import chosen_view, show_pipeline, turn_to
from ui.data.transforms import pipeline, show_transforms
from ui.kit.code import Address, show_code
from ui.sources.source import PickedSource, pick_source
from ui.sources.work_folder import RoomError

REMEMBERED = 8  # opened sources, for all sessions together


@st.cache_resource(max_entries=REMEMBERED, show_spinner=_("Reading the annotations ..."))
def opened_parts(key: str, data: str) -> tuple[Opened, Opened]:
    """Open the parts for training and for validation of a source called ``key``."""
    return open_source(data, "train"), open_source(data, "val")


def counts(picked: PickedSource, parts: tuple[Opened, Opened] | None) -> dict[str, list[str]]:
    """Return what each part of the way to batches says of the chosen source."""
    steps = len(pipeline())
    lines = {"source": [picked.title], "cleaning": [_("not checked yet")]}
    lines["transforms"] = [_("{count} steps, for each sample anew").format(count=steps)]
    if picked.data in DRAWN:
        lines["cleaning"] = [_("nothing to clean: drawn")]
    found = report_of(picked)
    if found:
        report = found[0]
        lines["source"].append(_("{count} images that can be used").format(count=len(report.files)))
        flaws = sum(len(items) for items in report.flaws.values())
        lines["cleaning"] = [_("{count} flaws of {kinds} kinds").format(count=flaws, kinds=len(report.flaws))]
    if parts is None:
        return lines
    train, val = (len(part) for part in parts)
    if picked.data in DRAWN:
        lines["source"].append(_("drawn one by one, without limit"))
    elif not found:
        lines["source"].append(_("{count} images").format(count=train + val))
    classes = len(parts[0].classes) - (picked.form != "classes")
    lines["dataset"] = [
        _("{train} to train on, {val} for validation").format(train=f"{train:,}", val=f"{val:,}"),
        _("{count} classes").format(count=classes),
    ]
    size = int(st.session_state.get("batch_size", 4))
    lines["loader"] = [_("batches of {size}").format(size=size), _("{count} an epoch").format(count=train // size)]
    return lines


def show_sample(picked: PickedSource, parts: tuple[Opened, Opened]) -> None:
    """Show one sample through the transforms."""
    row, last = st.container(horizontal=True), len(parts[0]) - 1
    if st.session_state.get("sample", 0) > last:  # of a larger source
        st.session_state["sample"] = last
    number = row.number_input(
        _("Sample"), 0, last, min(4, last), key="sample", width=130, bind="query-params", persist_state="session"
    )
    seed = row.number_input(_("Seed"), 0, 9999, 0, key="seed", width=130, bind="query-params", persist_state="session")
    show_transforms(picked.key, parts[0], int(number), int(seed))


def script(picked: PickedSource, length: int, address: Address) -> Script:
    """Return the code for the way from a source of ``length`` images to batches, with the settings of ``address``."""
    most = min(MOST_SHOWN, length)
    return learning.data(
        picked.data,
        picked.title,
        written(pipeline()),
        (address.whole("sample", min(4, length - 1), 0, length - 1), address.whole("seed", 0, 0, 9999)),
        address.whole("samples", min(26, most), 1, most),
        address.whole("batch_size", 4, 1, MOST_BATCH),
        address.whole("workers", 2, 0, MOST_WORKERS),
        address.whole("epochs", 2, 1, MOST_EPOCHS),
        address.whole("loader_seed", 0, 0, 9999),
        address.words("shuffle", "true") == "true",
        address.words("drop_last", "true") == "true",
    )


come_through_the_entrance()
st.title(_("From raw pictures to batches"))
st.markdown(_("Whatever learns here sees its data through these five parts. Click one to look into it."))
source_column, view_column = st.columns([5, 3], gap="medium")
with source_column:
    picked = pick_source(("boxes", "masks", "classes"))
with view_column:
    view = chosen_view()
if picked is None:
    show_pipeline(view, {"source": [_("nothing is chosen yet")]}, amiss=False)
else:
    parts, error = None, ""
    try:
        parts = opened_parts(picked.key, picked.data)
    except FolderError as refused:
        error = str(refused)
    show_pipeline(view, counts(picked, parts), amiss=bool(error) or bool(report_of(picked)))
    for note in picked.notes:
        st.caption(note)
    try:
        if view == "cleaning":
            show_cleaning(picked)
        elif parts is None:
            st.error(error)
            st.button(_("See all that is wrong with it"), icon=":material/rule:", on_click=turn_to, args=("cleaning",))
        elif view == "loader":
            show_loader(picked.key, picked.data, parts[0], pipeline())
        else:
            show_sample(picked, parts)
    except (FolderError, RoomError) as refused:
        st.error(str(refused))
    if parts:
        show_code(partial(script, picked, len(parts[0])))
