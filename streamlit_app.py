"""The app: its language, navigation over the pages, the tools around them, and nothing else."""

from ui.frame.startup import enter

from pathlib import Path

import streamlit as st

from core.i18n import _
from ui.frame.language import choose_language
from ui.frame.presenter import presenting
from ui.frame.tools import show_tools, tools_row

enter()
st.set_page_config(page_title=_("Visible Vision"), page_icon=Path("ui/frame/icon.svg"), layout="wide")
tools = tools_row()
with tools:
    choose_language()
page = st.navigation(
    {
        "": [st.Page("pages/start.py", title=_("Start"), default=True)],
        _("PyTorch"): [
            st.Page("pages/tensors.py", title=_("Tensors"), url_path="tensors"),
            st.Page("pages/autograd.py", title=_("Autograd"), url_path="autograd"),
            st.Page("pages/modules.py", title=_("Modules and optimizers"), url_path="modules"),
        ],
        _("Training"): [
            st.Page("pages/data.py", title=_("Data"), url_path="data"),
            st.Page("pages/training.py", title=_("Training"), url_path="training"),
            st.Page("pages/transfer.py", title=_("Transfer learning"), url_path="transfer"),
        ],
        _("Detection"): [
            st.Page("pages/detectors.py", title=_("Comparison"), url_path="detectors"),
            st.Page("pages/proposals.py", title=_("Region proposals"), url_path="proposals"),
            st.Page("pages/pooling.py", title=_("Pooling"), url_path="pooling"),
            st.Page("pages/yolo.py", title=_("YOLO"), url_path="yolo"),
            st.Page("pages/nms.py", title=_("NMS"), url_path="nms"),
        ],
        _("Segmentation"): [
            st.Page("pages/segmentation.py", title=_("Segmentation"), url_path="segmentation"),
            st.Page("pages/upsampling.py", title=_("Upsampling"), url_path="upsampling"),
        ],
    },
    position="hidden" if presenting() else "top",
)
show_tools(tools, page.url_path)
page.run()
