"""Choose a photo with ground truth of a set that lies on this server."""

from pathlib import Path

import streamlit as st
from torch import Tensor

from core.data.folders import FolderError
from core.data.sources import Opened, certain, has_masks, open_set, owners_folder
from core.i18n import _, ngettext
from ui.images.picked import PickedImage
from ui.sources.provided import provided

OPENED = 4  # sets that are kept open, for all sessions together
REMEMBERED = 32  # photos, for all sessions together
MOST_PHOTOS = 100_000


def pick_set_photo(masks: bool = False) -> PickedImage | None:
    """Show the sets with boxes or masks, or with ``masks`` alone, and the number of a photo; return that photo with its
    ground truth, or None, with a sentence, where there is none."""
    names = _sets(owners_folder(), masks)
    if not names:
        st.info(_without_masks() if masks else _without_boxes())
        return None
    row = st.container(horizontal=True)
    name = row.selectbox(
        _("Set on this server"), names, key="set", width=180, bind="query-params", persist_state="session"
    )
    number = row.number_input(
        _("Photo number"), 0, MOST_PHOTOS - 1, 0, key="number", width=150, bind="query-params", persist_state="session"
    )
    try:
        photos = _opened(name, owners_folder(), masks)
        index = int(number) % len(photos)
        pixels, target = _photo(name, owners_folder(), masks, index, photos)
    except FolderError as error:
        st.error(str(error))
        return None
    truth = certain(target)
    difficult = len(target["labels"]) - len(truth["labels"])
    words = ngettext(
        "{count} object marked as difficult is left out of the ground truth.",
        "{count} objects marked as difficult are left out of the ground truth.",
        difficult,
    )
    notes = (words.format(count=difficult),) if difficult else ()
    title = _("{set}, photo {number} of {count}").format(set=name, number=index, count=len(photos))
    return PickedImage(pixels, truth, title, notes, f"set:{name}:{index}", photos.classes)


def _without_boxes() -> str:
    return _(
        "There is no set of photos with boxes on this server yet. Its owner can put folders in Pascal VOC's "
        "layout into data/, or into the folder that VISIBLE_VISION_DATA names."
    )


def _without_masks() -> str:
    return _(
        "There is no set of photos with masks on this server yet. Its owner can put folders in Pascal VOC's layout "
        "with `SegmentationClass` and `SegmentationObject` into data/, or into the folder that VISIBLE_VISION_DATA "
        "names."
    )


def _sets(folder: Path, masks: bool) -> list[str]:
    sets = provided(folder)
    return [name for name, found in sets.items() if (has_masks(found) if masks else found.form != "classes")]


@st.cache_resource(max_entries=OPENED, show_spinner=False)
def _opened(name: str, folder: Path, masks: bool) -> Opened:
    return open_set(name, masks)


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _photo(name: str, folder: Path, masks: bool, index: int, _photos: Opened) -> tuple[Tensor, dict[str, Tensor]]:
    return _photos[index]
