"""Boxes that the user draws on the picture or edits in a table, in place of a detector's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.box_table import COLUMNS, read_rows, to_rows
from core.detectors import Detections
from core.i18n import _
from ui.kit.image_picker import PickedImage

TABLE_ROWS = 12  # of the detector's boxes to start from
TABLE_HEIGHT = 215  # pixels: five rows, so that the pictures stay on the screen
MOST_LINKED = 40  # boxes in an address: browsers and chats cut longer ones off
ADDRESS = "boxes"
NO_BOXES = "0"  # the background's number alone
Row = Mapping[Any, Any]
Draw = Callable[[list[float]], None]


def edit_boxes(
    found: Detections, classes: tuple[str, ...], picked: PickedImage, source: str
) -> tuple[Detections, Draw]:
    """Show the best boxes ``found`` by ``source`` as a table; return what the user made of them, and what to call with
    a box (x0, y0, x1, y1) that was drawn.

    Raises:
        TableError: a row is wrong.
    """
    import pandas as pd  # half a second that the page does not need before somebody edits

    state = st.session_state.setdefault("own_boxes", {})
    key = f"{picked.key}:{source}"
    detected = to_rows(found, classes, TABLE_ROWS)
    if state.get("key") != key:
        linked = None if state else read_address(st.query_params.get(ADDRESS, ""), classes)
        state.update(key=key, rows=detected if linked is None else linked, version=0)
    st.markdown(_("Drag on the first picture to draw a box, or change, add and delete rows."))
    left, right = st.columns([1, 3], gap="medium")
    with left:
        label, score = _next_box(classes, state, detected)
    changed = right.data_editor(
        pd.DataFrame(state["rows"], columns=list(COLUMNS)).astype(dict.fromkeys(COLUMNS[1:], float)),
        num_rows="dynamic",
        column_config=_columns(classes, picked),
        height=TABLE_HEIGHT,
        key=f"table:{key}:{state['version']}",
    )
    rows: Sequence[Row] = changed.to_dict("records")

    def draw(box: list[float]) -> None:
        corners = (round(edge, 1) for edge in box)
        _restart(state, [*rows, dict(zip(COLUMNS, (label, score, *corners), strict=True))])

    height, width = picked.pixels.shape[1:]
    boxes = read_rows(rows, classes, width, height)
    _remember(rows, detected, classes)
    return boxes, draw


def _remember(rows: Sequence[Row], detected: Sequence[Row], classes: tuple[str, ...]) -> None:
    """Write the user's own ``rows`` into the address, as long as it can hold them."""
    if list(rows) == list(detected) or len(rows) > MOST_LINKED:
        st.query_params.pop(ADDRESS, None)
    else:
        st.query_params[ADDRESS] = write_address(rows, classes)


def write_address(rows: Sequence[Row], classes: tuple[str, ...]) -> str:
    """Return ``rows`` in short: the class's number, the score and the corners, joined by ``_``, boxes by ``~``."""
    boxes = ([classes.index(row["class"]), *(row[column] for column in COLUMNS[1:])] for row in rows)
    return "~".join("_".join(f"{number:g}" for number in box) for box in boxes) or NO_BOXES


def read_address(text: str, classes: tuple[str, ...]) -> list[Row] | None:
    """Return the rows that ``write_address`` wrote, None where ``text`` is nothing of the kind."""
    try:
        boxes = [[float(part) for part in box.split("_")] for box in text.split("~")]
        return [
            dict(zip(COLUMNS, (classes[int(label)], *numbers), strict=True)) for label, *numbers in boxes if label >= 1
        ]
    except (ValueError, IndexError, OverflowError):
        return None


def _restart(state: dict[str, Any], rows: Sequence[Row]) -> None:
    """Fill the table anew: only a table with another key forgets what was typed into it."""
    state.update(rows=rows, version=state["version"] + 1)


def _next_box(classes: tuple[str, ...], state: dict[str, Any], detected: Sequence[Row]) -> tuple[str, float]:
    """Show how the next box will be; return its class and its score."""
    label = st.selectbox(
        _("Class of the next box"),
        classes[1:],
        format_func=_,
        key="next_class",
        bind="query-params",
        persist_state="session",
    )
    score = st.slider(
        _("Its score"), 0.0, 1.0, 0.8, 0.01, key="next_score", bind="query-params", persist_state="session"
    )
    row = st.container(horizontal=True)
    row.button(_("Start empty"), on_click=_restart, args=(state, []), key="no_boxes")
    row.button(_("Detector's boxes"), on_click=_restart, args=(state, detected), key="detected_boxes")
    return label, score


def _columns(classes: tuple[str, ...], picked: PickedImage) -> dict[str, Any]:
    height, width = picked.pixels.shape[1:]
    pixels = {"x0": width, "y0": height, "x1": width, "y1": height}
    return {
        "class": st.column_config.SelectboxColumn(
            _("class"), options=classes[1:], format_func=lambda name: _(str(name))
        ),
        "score": st.column_config.NumberColumn(_("score"), help=_("From 0 to 1."), format="%.2f"),
        **{
            name: st.column_config.NumberColumn(name, help=_("Pixels, from 0 to {most}.").format(most=most))
            for name, most in pixels.items()
        },
    }
