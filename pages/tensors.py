"""Tensors: a playground of a few lines, where every tensor is shown with the storage that it reads."""

from ui.frame.startup import come_through_the_entrance

import streamlit as st

from core.i18n import _
from ui.tensors.playground import tensors_playground

come_through_the_entrance()
st.title(_("Tensors"))
st.markdown(
    _(
        "A tensor is a way of reading one row of cells, its storage. Type PyTorch below; tensors of one colour read "
        "the same storage. Click a number to write into it."
    )
)
tensors_playground()
