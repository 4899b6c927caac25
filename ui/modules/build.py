"""A network built from blocks: its description in the address, the cards to edit it, and what Python made of it."""

from typing import Any

import streamlit as st

from core.autograd.blocks import BlockError
from core.autograd.modules import WAYS
from core.figures.modules import SOURCES, first_network, network_data
from core.figures.sent import Words
from core.figures.sent.modules import BuiltNetwork
from core.i18n import _
from core.scripts import pytorch
from ui.kit.caching import cache_words
from ui.kit.code import Address, show_code
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.modules.build_words import build_words

RATES = (0.001, 0.01, 0.1, 1.0)
FIRST_WAY = "sgd"
LONGEST = 400  # letters of a description
KEPT: dict[str, Any] = {"bind": "query-params", "persist_state": "session"}
_SOURCE = "build_source"


class BuildData(BuiltNetwork):
    words: Words


_component = component("modules/build", BuildData, "modules/parts")


@fragment
def modules_build() -> None:
    """Show the description and the network that follows from it; only this is run again when it changes."""
    source, description, lr, seed = _choose()
    try:
        data = _data(source, description, seed, lr)
    except BlockError as error:
        st.error(str(error))
        st.button(_("Begin with a network that fits"), on_click=_take, args=(first_network(source),))
        return
    if data["error"]:
        st.error(data["error"])
    _component(data={**data, "words": build_words()}, key="modules_build", on_network_change=_edited)
    if not data["error"]:
        show_code(lambda address: pytorch.build(source, description, seed, lr, _way(address)))


def _way(address: Address) -> str:
    """Return the way to update that is looked at."""
    way = address.words("way", FIRST_WAY)
    return way if way in WAYS else FIRST_WAY


@cache_words(64)
def _data(source: str, description: str, seed: int, lr: float) -> BuiltNetwork:
    return network_data(source, description, seed, lr)


def _choose() -> tuple[str, str, float, int]:
    titles = {"digits": _("Digits (1 x 8 x 8)"), "moons": _("Two moons (2 numbers)")}
    row = st.container(horizontal=True, gap="medium", vertical_alignment="bottom")
    source = row.selectbox(
        _("Batch of 64"), list(SOURCES), format_func=titles.__getitem__, key="batch", width=220, **KEPT
    )
    if st.session_state.get(_SOURCE, source) != source:
        _take(first_network(source))
    st.session_state[_SOURCE] = source
    description = row.text_input(
        _("Blocks"),
        # A default beside a value of the session's would be logged as a mistake.
        "" if "network" in st.session_state else first_network(source),
        max_chars=LONGEST,
        key="network",
        width=520,
        help=_("One after the other, with commas. Edit the cards below, or type."),
        **KEPT,
    )
    lr = row.select_slider(_("Learning rate"), RATES, 0.1, key="build_rate", width=150, **KEPT)
    seed = row.number_input(_("Seed"), 0, 9999, 0, key="build_seed", width=110, **KEPT)
    return source, description, lr, int(seed)


def _edited() -> None:
    description = st.session_state["modules_build"]["network"]
    if description is not None:
        _take(description)


def _take(description: str) -> None:
    st.session_state["network"] = description[:LONGEST]
