"""The app: its language, navigation over the pages, the tools around them, and nothing else."""

from ui.frame.startup import enter

import streamlit as st

from core.i18n import _
from ui.frame.language import choose_language
from ui.frame.places import PAGES, ROOT
from ui.frame.presenter import presenting
from ui.frame.tools import show_tools, tools_row

enter()
st.set_page_config(page_title=_("Visible Vision"), page_icon=ROOT / "ui/frame/icon.svg", layout="wide")
tools = tools_row()
with tools:
    choose_language()
page = st.navigation(
    {
        "": [st.Page(PAGES / "start.py", title=_("Start"), default=True)],
        _("PyTorch"): [
            st.Page(PAGES / "tensors.py", title=_("Tensors"), url_path="tensors"),
            st.Page(PAGES / "autograd.py", title=_("Autograd"), url_path="autograd"),
            st.Page(PAGES / "modules.py", title=_("Modules and optimizers"), url_path="modules"),
        ],
        _("Training"): [
            st.Page(PAGES / "data.py", title=_("Data"), url_path="data"),
            st.Page(PAGES / "training.py", title=_("Training"), url_path="training"),
            st.Page(PAGES / "transfer.py", title=_("Transfer learning"), url_path="transfer"),
        ],
        _("Detection"): [
            st.Page(PAGES / "detectors.py", title=_("Comparison"), url_path="detectors"),
            st.Page(PAGES / "proposals.py", title=_("Region proposals"), url_path="proposals"),
            st.Page(PAGES / "pooling.py", title=_("Pooling"), url_path="pooling"),
            st.Page(PAGES / "yolo.py", title=_("YOLO"), url_path="yolo"),
            st.Page(PAGES / "nms.py", title=_("NMS"), url_path="nms"),
        ],
        _("Segmentation"): [
            st.Page(PAGES / "segmentation.py", title=_("Segmentation"), url_path="segmentation"),
            st.Page(PAGES / "upsampling.py", title=_("Upsampling"), url_path="upsampling"),
        ],
    },
    position="hidden" if presenting() else "top",
)
show_tools(tools, page.url_path)
page.run()
