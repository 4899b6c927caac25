"""Transposed convolution stamp by stamp: the settings, and a slider over the steps."""

import streamlit as st

from core.figures.sent.upsampling import StampedMap
from core.figures.transposed import INPUTS, KERNELS, SIDE, input_called, kernel_called, stamp_data
from core.i18n import _
from core.scripts import segmentation
from core.segmentation.transposed import Stamping, StampingError
from ui.kit.choices import choose_from_list
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment


class StampsData(StampedMap):
    words: dict[str, str]


_component = component("upsampling/stamps", StampsData, "upsampling/parts")


@fragment
def upsampling_stamps() -> None:
    """Show the settings and what follows from them; only this is run again for another setting."""
    kernel, cells, numbers = _choose()
    try:
        data = _data(kernel, cells, *numbers)
    except StampingError as error:
        st.error(str(error))
        return
    _component(data={**data, "words": _words()}, key="upsampling_stamps")
    show_code(lambda _address: segmentation.stamps(cells, kernel, numbers))


@st.cache_data(max_entries=256, show_spinner=False)
def _data(kernel: str, cells: str, *numbers: int) -> StampedMap:
    stamping = Stamping(*numbers)
    return stamp_data(input_called(cells), kernel_called(kernel, stamping.kernel), stamping)


def _choose() -> tuple[str, str, tuple[int, ...]]:
    kernels = {"ones": _("All ones"), "bilinear": _("Bilinear"), "random": _("Random")}
    inputs = {"ramp": _("Rising"), "ones": _("All ones"), "one": _("A single one"), "random": _("Random")}
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    fields = {
        "kernel": (_("Kernel size"), 1, 7, 3),
        "stride": (_("Stride"), 1, 4, 2),
        "padding": (_("Padding"), 0, 4, 0),
        "output_padding": (_("Output padding"), 0, 3, 0),
    }
    numbers = tuple(
        int(
            row.number_input(
                title, least, most, first, key=name, width=130, bind="query-params", persist_state="session"
            )
        )
        for name, (title, least, most, first) in fields.items()
    )
    kernel = choose_from_list(_("Kernel"), {name: kernels[name] for name in KERNELS}, "weights", 150, row)
    title = _("Input of {side} x {side} cells").format(side=SIDE)
    cells = choose_from_list(title, {name: inputs[name] for name in INPUTS}, "cells", 180, row)
    return kernel, cells, numbers


def _words() -> dict[str, str]:
    return {
        "play": _("Play"),
        "pause": _("Pause"),
        "step": _("Step"),
        "of": _("{step} of {count}"),
        "input": _("Input"),
        "kernel": _("Kernel"),
        "stamp": _("{value} × kernel"),
        "soFar": _("Sum of the first {step} stamps"),
        "sum": _("Output: the sum of all stamps"),
        "counts": _("Overlaps: how many stamps fall on a cell"),
        "formula": _("Output side = (input − 1) × stride − 2 × padding + kernel + output padding ="),
        "stamps": _(
            "The input cell in row {row}, column {column} lays the kernel, times {value}, on the output. Stamps lie a "
            "stride apart and add up where they overlap. Point at an output cell to see what it is the sum of."
        ),
        "adds": _("Output row {row}, column {column}: so far {terms} = {sum}. Stamps in the end: {count}."),
        "nothing": _("Output row {row}, column {column}: nothing so far. Stamps in the end: {count}."),
        "cutOff": _("This cell is cut off by the padding."),
    }
