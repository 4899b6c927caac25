"""Choose an image: a drawn scene, a real photo or an upload; the choice lives in the address."""

import hashlib
from dataclasses import dataclass

import streamlit as st
from torch import Tensor

from core.data.photos import PHOTOS, photo
from core.data.scenes import DIFFICULTIES, ShapeScenes
from core.i18n import _
from core.images import ImageError, open_image

MOST_SCENES = 10_000
TYPES = ["avif", "bmp", "gif", "jpg", "jpeg", "png", "ppm", "tif", "tiff", "webp"]
SHOWN_PHOTOS = [name for name in PHOTOS if name not in ("brick", "grass", "gravel")]  # these are plain textures


@dataclass(frozen=True)
class PickedImage:
    """The chosen image: ``pixels`` (3, H, W) uint8, its ``truth`` as a detection target or None, a ``title``, ``notes``
    of what was done to it, and a ``key`` that tells it from every other image."""

    pixels: Tensor
    truth: dict[str, Tensor] | None
    title: str
    notes: tuple[str, ...]
    key: str


def pick_image() -> PickedImage | None:
    """Show the controls and return the choice; None, with a sentence on the page, where there is no image yet."""
    kinds = {"scene": _("Drawn scene"), "photo": _("Photo"), "upload": _("Upload")}
    kind = st.segmented_control(
        _("Image"),
        list(kinds),
        default="scene",
        required=True,
        format_func=lambda name: kinds[name],
        key="image",
        bind="query-params",
        persist_state="session",
    )
    return {"scene": _pick_scene, "photo": _pick_photo, "upload": _pick_upload}[kind]()


def _pick_scene() -> PickedImage:
    """Only scenes of the validation split: the test split is kept for the evaluation."""
    left, right = st.columns(2)
    index = left.number_input(
        _("Scene number"), 0, MOST_SCENES - 1, 1, key="scene", bind="query-params", persist_state="session"
    )
    words = {"easy": _("Easy"), "medium": _("Medium"), "hard": _("Hard")}
    difficulty = right.selectbox(
        _("Difficulty"),
        list(DIFFICULTIES),
        index=1,
        format_func=lambda name: words[name],
        key="difficulty",
        bind="query-params",
        persist_state="session",
    )
    pixels, truth = ShapeScenes("validation", MOST_SCENES, difficulty)[int(index)]
    title = _("Scene {index}, {difficulty}").format(index=index, difficulty=words[difficulty].lower())
    return PickedImage(pixels, truth, title, (), f"scene:{index}:{difficulty}")


def _pick_photo() -> PickedImage:
    name = st.selectbox(
        _("Photo"),
        SHOWN_PHOTOS,
        format_func=lambda name: name.replace("_", " ").capitalize(),
        key="photo",
        bind="query-params",
        persist_state="session",
    )
    note = _("The detectors know six drawn shapes only: on a photo, watch the time and the proposals, not the labels.")
    return PickedImage(photo(name), None, name.replace("_", " ").capitalize(), (note,), f"photo:{name}")


def _pick_upload() -> PickedImage | None:
    file = st.file_uploader(_("Upload an image"), TYPES, key="upload")
    if file is None:
        st.info(_("Choose an image file of up to 20 MB. It stays on this server and is forgotten with this tab."))
        return None
    try:
        opened = open_image(file.getvalue())
    except ImageError as error:
        st.error(str(error))
        return None
    return PickedImage(
        opened.pixels, None, file.name, opened.notes, f"upload:{hashlib.sha256(file.getvalue()).hexdigest()}"
    )
