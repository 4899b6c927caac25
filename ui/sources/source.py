"""Choose where training data comes from: drawn scenes, digits, the server's own sets, an upload."""

from collections.abc import Collection

import streamlit as st

from core.data.sources import Form, owners_folder
from core.i18n import _
from ui.kit.choices import choose
from ui.sources.download import pick_download
from ui.sources.practice import practice_source
from ui.sources.provided import provided
from ui.sources.sets import CHOSEN, PickedSource, choose_what_was_added
from ui.sources.upload import pick_own
from ui.sources.work_folder import RoomError

__all__ = ["PickedSource", "pick_source"]


def pick_source(forms: Collection[Form], first: str = "scenes") -> PickedSource | None:
    """Show the controls and return the choice; None, with a sentence, where there is none yet or not of ``forms``.

    A source with masks will do where boxes are asked for. A session that has chosen none yet gets the ``first``.
    """
    kinds = {
        "scenes": _("Drawn scenes"),
        "digits": _("Handwritten digits"),
        "practice": _("Flawed set"),
        "server": _("On this server"),
        "upload": _("Upload"),
        "download": _("Download"),
    }
    choose_what_was_added()
    kind = choose(_("Data"), kinds, CHOSEN, first)
    if kind in ("scenes", "digits"):
        picked: PickedSource | None = PickedSource(kind, kinds[kind], kind, "masks")
    else:
        picked = {"practice": _practice, "server": _pick_found, "upload": pick_own, "download": pick_download}[kind]()
    if picked and not fits(picked.form, forms):
        st.info(_unfit(picked, forms))
        return None
    return picked


def _practice() -> PickedSource | None:
    try:
        return practice_source()
    except RoomError as error:
        st.error(str(error))
        return None


def fits(form: Form, forms: Collection[Form]) -> bool:
    """Whether a source of ``form`` will do where ``forms`` are asked for."""
    return form in forms or (form == "masks" and "boxes" in forms)


def _unfit(picked: PickedSource, forms: Collection[Form]) -> str:
    words = {"boxes": _("boxes"), "masks": _("masks"), "classes": _("one folder a class")}
    sentence = _("{title} has {has}, and this needs {needs}: choose another source.")
    needs = _(" or ").join(words[form] for form in forms)
    return sentence.format(title=picked.title, has=words[picked.form], needs=needs)


def _pick_found() -> PickedSource | None:
    found = provided(owners_folder())
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
