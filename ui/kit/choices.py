"""A row of buttons of which one is chosen, and the address that remembers it."""

from collections.abc import Mapping
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

Name = TypeVar("Name", bound=str)


def choose(
    label: str,
    titles: Mapping[Name, str],
    key: str,
    first: Name | None = None,
    *,
    place: DeltaGenerator | None = None,
    help: str | None = None,
    labelled: bool = True,
) -> Name:
    """Show a button for each of ``titles`` in ``place`` and return the chosen one's name, at first the ``first``.

    ``key`` names the choice in the address, where it stands by its title.
    """
    row = st if place is None else place
    return row.segmented_control(
        label,
        list(titles),
        default=first or next(iter(titles)),
        required=True,
        format_func=lambda name: titles[name],
        key=key,
        help=help,
        label_visibility="visible" if labelled else "collapsed",
        bind="query-params",
        persist_state="session",
        wrap=True,  # on a phone, what stands beyond the edge is not found
    )


def choose_from_list(label: str, titles: Mapping[Name, str], key: str, width: int, place: DeltaGenerator) -> Name:
    """Show ``titles`` in ``place`` as a list that unfolds, ``width`` pixels wide, and return the chosen one's name.

    ``key`` names the choice in the address, where it stands by its title.
    """
    return place.selectbox(
        label,
        list(titles),
        format_func=lambda name: titles[name],
        key=key,
        width=width,
        bind="query-params",
        persist_state="session",
    )
