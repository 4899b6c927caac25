"""Teach it three things: pictures by the camera, the last layer fitted to them at once, and what it says of others."""

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.figures.transfer import strip
from core.i18n import _, ngettext
from core.transfer.teaching import LONGEST_NAME, THINGS, Shot, Taught, TeachingError, Things, check_names
from ui.kit.camera import show_camera
from ui.kit.faults import fragment
from ui.transfer.taught import Teaching, add, look_at, remove, take, teaching

CAMERA = "teaching_camera"
SHOWN = 10  # of a thing's pictures, the newest
HEIGHT = 40  # pixels of each
FEW = 5  # pictures
GUESSES = 3
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}


@fragment
def show_teaching() -> None:
    """Show the camera, the three things with their pictures, and what is before the camera now."""
    state = teaching()
    left, right = st.columns((5, 6), gap="large")
    rows = [right.container(gap="small") for _thing in range(THINGS)]
    heads = [row.container(horizontal=True, vertical_alignment="bottom") for row in rows]
    names = [_ask_name(head, number) for number, head in enumerate(heads, 1)]
    called = [name.strip() or _thing(number) for number, name in enumerate(names, 1)]
    with left:
        live = st.toggle(_("Answer all the time"), value=True, key="live", **KEPT)
        picture = show_camera(
            _("What the camera sees"),
            CAMERA,
            series=called,
            live=live and state.taught is not None,
            take=take,
        )
        look_at(state, picture)
    ambiguous = _ambiguous(names)
    asked = state.still or state.seen
    answer = state.taught.answer(asked) if state.taught and asked and not ambiguous else {}
    for thing, (head, row) in enumerate(zip(heads, rows, strict=True)):
        _show_answer(head, answer.get(thing))
        _show_pictures(row, thing, called[thing], state)
    with right:
        for sentence in filter(None, (ambiguous, state.wrong, state.why if any(state.things.shots) else "")):
            st.warning(sentence)
        _say(state, called, asked)


def _thing(number: int) -> str:
    return _("Thing {number}").format(number=number)


def _ask_name(head: DeltaGenerator, number: int) -> str:
    first = (_("Cup"), _("Hand"), _("Nothing"))[number - 1]
    key = f"thing_{number}"
    name: str = head.text_input(_thing(number), first, LONGEST_NAME, key=key, width=170, **KEPT)
    return name


def _ambiguous(names: Sequence[str]) -> str:
    """Say what is wrong with the names, if anything is."""
    try:
        check_names(names)
    except TeachingError as error:
        return str(error)
    return ""


def _show_answer(head: DeltaGenerator, probability: float | None) -> None:
    words = "–" if probability is None else f"{100 * probability:.0f} %"
    head.progress(probability or 0.0, f"**{words}**")


def _show_pictures(row: DeltaGenerator, thing: int, name: str, state: Teaching) -> None:
    shots = state.things.shots[thing]
    line = row.container(horizontal=True, vertical_alignment="center")
    if shots:
        newest = [shot.pixels for shot in shots[-SHOWN:]]
        words = _("The newest pictures of {name}").format(name=name)
        line.image(strip(newest), width=HEIGHT * len(newest), alt=words)
    words = ngettext("{count} picture", "{count} pictures", len(shots))
    line.caption(words.format(count=len(shots)), width="content")
    if state.still:
        label = _("It is {name}").format(name=name)
        line.button(label, icon=":material/add:", key=f"add_{thing}", on_click=add, args=(thing,))
    if shots:
        label, alone = _("Remove the last"), ":material/undo:"
        line.button(alone, help=label, key=f"remove_{thing}", on_click=remove, args=(thing,))


def _say(state: Teaching, names: Sequence[str], asked: Shot | None) -> None:
    """Say what was learnt how fast, what would help, and what the trunk's own last layer says."""
    if not any(state.things.shots):
        st.markdown(
            _(
                "Name three things. Hold one before the camera, press its button below the picture, and turn it while "
                "ten pictures are taken; then the next one. From the second on it answers."
            )
        )
    if state.taught:
        st.markdown(_learnt(state.taught, state.things))
    few = [name for name, shots in zip(names, state.things.shots, strict=True) if 0 < len(shots) < FEW]
    if few:
        words = _("Too few pictures of {names} to know more than one view: take about ten, from all sides.")
        st.caption(words.format(names=", ".join(few)))
    if asked:
        from core.imagenet import named

        guesses = ", ".join(f"{one.name} {100 * one.probability:.0f} %" for one in named(asked.feature, GUESSES))
        words = _("The last layer that this one stands in for knows 1000 kinds of things, and would say: {guesses}.")
        st.caption(words.format(guesses=guesses))
    st.caption(
        _(
            "Pictures, and what was learnt of them, lie in the memory of this server alone and go when you close this "
            "tab. No disk and no link holds them."
        )
    )


def _learnt(taught: Taught, things: Things) -> str:
    count = sum(map(len, things.shots))
    words = _("The last layer was fitted to {count} pictures in **{seconds} s**: the trunk had looked at each once.")
    said = words.format(count=count, seconds=f"{taught.seconds:.2f}")
    if taught.rightly is None:
        return said
    words = _("Of the pictures, {rightly} would be named rightly by a layer that had not learnt from them.")
    return f"{said} {words.format(rightly=taught.rightly)}"
