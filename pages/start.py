"""Start: how the topics hang together."""

import streamlit as st

from core.i18n import _
from pages.parts.startup import come_through_the_entrance

come_through_the_entrance()
st.title(_("Visible Vision"))
