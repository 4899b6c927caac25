"""Choose an image: a drawn scene, a photo, an upload, the camera or a set; the choice lives in the address."""

import hashlib

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime.uploaded_file_manager import UploadedFile
from torch import Tensor

from core.data.photos import PHOTOS, photo
from core.data.scenes import DIFFICULTIES, ShapeScenes
from core.figures.stages import Picture, draw_truth
from core.i18n import _
from core.images import MOST_BYTES, ImageError, OpenedImage, open_image
from ui.images.picked import PickedImage
from ui.images.set_photo import pick_set_photo
from ui.kit.caching import cache_words
from ui.kit.camera import show_camera
from ui.kit.choices import choose
from ui.kit.uploader import show_uploader

__all__ = ["KINDS", "PickedImage", "choose_difficulty", "pick_image", "show_picked"]

KINDS = ("scene", "photo", "upload", "camera", "set")
MOST_SCENES = 10_000
TYPES = ["avif", "bmp", "gif", "heic", "heif", "jpg", "jpeg", "png", "ppm", "tif", "tiff", "webp"]
SHOWN_PHOTOS = [name for name in PHOTOS if name not in ("brick", "grass", "gravel")]  # these are plain textures
SHOWN_WIDTH = 190  # pixels
REMEMBERED = 32  # images, for all sessions together


def pick_image(sets: bool = False, masks: bool = False) -> PickedImage | None:
    """Show the controls and return the choice; None, with a sentence on the page, where there is no image yet.

    With ``sets`` it may be a photo of a set on this server, whose ground truth is labelled by the set's own classes;
    where ``masks`` are needed, of one that has some.
    """
    titles = {
        "scene": _("Drawn scene"),
        "photo": _("Photo"),
        "upload": _("Upload"),
        "camera": _("Camera"),
        "set": _("Set"),
    }
    kind = choose(_("Image"), {one: titles[one] for one in KINDS if sets or one != "set"}, "image", "scene")
    if kind == "set":
        return pick_set_photo(masks)
    ways = {
        "scene": _pick_scene,
        "photo": _pick_photo,
        "upload": _pick_upload,
        "camera": _pick_taken,
    }
    return ways[kind]()


def show_picked(picked: PickedImage) -> None:
    """Show the image in small, with its ground truth and what was done to it."""
    picture = _thumbnail(picked.key, picked.classes, picked.pixels, picked.truth)
    st.image(picture.webp, width=SHOWN_WIDTH, alt=f"{picked.title}. {picture.words}")
    st.caption(" ".join((f"**{picked.title}**", *picked.notes)))


@cache_words(REMEMBERED)
def _thumbnail(key: str, classes: tuple[str, ...], _pixels: Tensor, _truth: dict[str, Tensor] | None) -> Picture:
    return draw_truth(_pixels, _truth, classes)


def _pick_scene() -> PickedImage:
    """Only scenes of the validation split: the test split is kept for the evaluation."""
    row = st.container(horizontal=True)
    index = row.number_input(
        _("Scene number"), 0, MOST_SCENES - 1, 1, key="scene", width=150, bind="query-params", persist_state="session"
    )
    difficulty = choose_difficulty(row, "difficulty")
    pixels, truth = _scene(int(index), difficulty)
    title = _("Scene {index}, {difficulty}").format(index=index, difficulty=_difficulties()[difficulty].lower())
    return PickedImage(pixels, truth, title, (), f"scene:{index}:{difficulty}")


def choose_difficulty(place: DeltaGenerator, key: str) -> str:
    """Show the difficulties of scenes in ``place`` and return the chosen one, which is ``key`` in the address."""
    words = _difficulties()
    return place.selectbox(
        _("Difficulty"),
        list(DIFFICULTIES),
        index=1,
        format_func=lambda name: words[name],
        key=key,
        width=150,
        bind="query-params",
        persist_state="session",
    )


def _difficulties() -> dict[str, str]:
    return {"easy": _("Easy"), "medium": _("Medium"), "hard": _("Hard")}


@st.cache_data(max_entries=REMEMBERED, show_spinner=False)
def _scene(index: int, difficulty: str) -> tuple[Tensor, dict[str, Tensor]]:
    return ShapeScenes("validation", MOST_SCENES, difficulty)[index]


def _pick_photo() -> PickedImage:
    name = st.selectbox(
        _("Photo"),
        SHOWN_PHOTOS,
        format_func=lambda name: name.replace("_", " ").capitalize(),
        key="photo",
        bind="query-params",
        persist_state="session",
    )
    return PickedImage(photo(name), None, name.replace("_", " ").capitalize(), (), f"photo:{name}")


def _pick_upload() -> PickedImage | None:
    words = _("Choose an image file of up to {most} MB. It stays on this server and is forgotten with this tab.")
    file = show_uploader(_("Upload an image"), TYPES, MOST_BYTES // 2**20, key="upload")
    return _from_outside("upload", file, words.format(most=MOST_BYTES // 2**20))


def _pick_taken() -> PickedImage | None:
    words = _("Take a picture. It stays on this server and is forgotten with this tab.")
    return _from_outside("camera", show_camera(_("Camera"), "camera"), words)


def _from_outside(kind: str, file: UploadedFile | None, missing: str) -> PickedImage | None:
    """Return the image in ``file``, or None and a sentence: what is ``missing``, or what is wrong with it."""
    if file is None:
        st.info(missing)
        return None
    try:
        opened = _opened(file.getvalue())
    except ImageError as error:
        st.error(str(error))
        return None
    key = f"{kind}:{hashlib.sha256(file.getvalue()).hexdigest()}"
    return PickedImage(opened.pixels, None, file.name, opened.notes, key)


@cache_words(1, scope="session")
def _opened(data: bytes) -> OpenedImage:
    return open_image(data)
