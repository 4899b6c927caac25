"""The data sets that lie on this server."""

from pathlib import Path

import streamlit as st

from core.data.sources import FoundFolder, datasets_below

FRESH = 10.0  # seconds that the list of the server's sets is believed


@st.cache_data(ttl=FRESH, show_spinner=False)
def provided(folder: Path) -> dict[str, FoundFolder]:
    """Return the sets in ``folder`` by their names."""
    return datasets_below(folder)
