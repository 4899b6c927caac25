"""The checkerboard of transposed convolutions: where it comes from, how strong it is, and its twin in the gradient."""

import plotly.graph_objects as go
import streamlit as st
from torch import Tensor

from core.backbones import TRUNKS
from core.checkpoint import CheckpointError
from core.families import SHAPES
from core.figures.sent.upsampling import OverlapBoards
from core.figures.transposed import SEEDS, board_data, checkerboard_chart
from core.figures.upsampling import board_chart
from core.i18n import _
from core.scripts import segmentation
from core.segmentation.enlarging import in_whole_cells
from ui.images.family import choose_family
from ui.kit.caching import cache_words
from ui.kit.chart import show_chart
from ui.kit.code import show_code
from ui.kit.component import component
from ui.kit.faults import fragment
from ui.kit.image_picker import pick_image
from ui.upsampling.ways import loaded
from ui.upsampling.words import way_titles


class BoardData(OverlapBoards):
    words: dict[str, str]


_component = component("upsampling/board", BoardData, "upsampling/parts")


def upsampling_board() -> None:
    """Show the overlaps of every kernel size and stride, and how strong a checkerboard they leave."""
    _component(data={**_boards(), "words": _words()}, key="upsampling_board")
    st.subheader(_("How strong it is"))
    show_chart(_chart(), "checkerboard", _("Strength of the checkerboard for each kernel size and stride"))
    words = _(
        "The meter: the share of the output's energy, away from the border, that its 2-D Fourier transform has at the "
        "frequency 1 / stride and its multiples. The input is constant, so that all else is in the mean. With ones it "
        "falls to zero where the stride divides the kernel size, as Odena et al. (2016) say. Random weights ("
        "{seeds} kernels together) leave a checkerboard at every size: a size that the stride divides makes an even "
        "output possible, but training has to find it."
    )
    st.caption(words.format(seeds=SEEDS))
    show_code(lambda _address: segmentation.board())
    st.subheader(_("What training made of it"))
    _show_trained()


@fragment
def _show_trained() -> None:
    """Show the checkerboard in the scores that each trained way gives an image."""
    image_column, chart_column = st.columns([2, 3], gap="large")
    with image_column:
        picked = pick_image(sets=True, masks=True)
        family = choose_family(picked) if picked else SHAPES
        st.caption(
            _(
                "The share of the variation of all classes' scores that repeats every 16 pixels, the period of four "
                "doublings: a real map varies, and the mean is left out. Orange: the learned deconvolution whose "
                "stride does not divide its kernel; blue: the one whose stride does. To see the patterns, zoom in the "
                "first view."
            )
        )
    if picked:
        try:
            pixels = in_whole_cells(picked.pixels, TRUNKS[family.trunk])
            chart = _trained_chart(family.name, picked.key, pixels)
        except CheckpointError as error:
            chart_column.error(str(error))
        else:
            show_chart(chart, "trained_board", _("Strength of the checkerboard of each trained way"), chart_column)


@cache_words(32)
def _trained_chart(family: str, key: str, _pixels: Tensor) -> go.Figure:
    return board_chart(loaded(family), _pixels, way_titles())


@st.cache_data(show_spinner=False)
def _boards() -> OverlapBoards:
    return board_data()


@cache_words()
def _chart() -> go.Figure:
    return checkerboard_chart()


def _words() -> dict[str, str]:
    return {
        "all": _("How many stamps fall on each cell, amid a large map"),
        "size": _("kernel {size}"),
        "stride": _("stride {stride}"),
        "even": _("even"),
        "forward": _("Forward: stamps on each output cell"),
        "backward": _("Backward: gradient of each input pixel"),
        "uneven": _(
            "Kernel {kernel} at stride {stride}: the stride does not divide the kernel size, and the stamps of "
            "{input} x {input} cells fall unevenly. A convolution of that size and stride sends its gradient back the "
            "same way: some pixels count in more outputs than others."
        ),
        "divides": _(
            "Kernel {kernel} at stride {stride}: the stride divides the kernel size. Amid the map every cell gets "
            "equally many stamps, and in a convolution every pixel counts in equally many outputs."
        ),
        "holes": _(
            "Kernel {kernel} at stride {stride}: the stamps do not even touch. Between them nothing is written, and a "
            "convolution looks past those pixels: their gradient is 0."
        ),
        "cell": _(
            "Stamps on row {row}, column {column} of the output: {count}. In a convolution of kernel "
            "{kernel} and stride {stride} the pixel there counts in as many outputs: the gradient of their sum is "
            "{gradient}."
        ),
    }
