"""The app: navigation over the pages, and nothing else."""

import streamlit as st

from core.i18n import _

st.set_page_config(page_title=_("Visible Vision"), page_icon=":material/visibility:", layout="wide")
st.navigation(
    {
        _("Detection"): [
            st.Page("pages/detector_comparison.py", title=_("Detector comparison"), default=True),
            st.Page("pages/nms.py", title=_("NMS"), url_path="nms"),
        ]
    }
).run()
