"""The entry of a hosted demo, ``deploy/cloud/streamlit_app.py``: it opens the app whose files lie elsewhere."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.opening import APP
from ui.frame.places import PAGES

ENTRY = Path(APP).parent / "deploy" / "cloud" / "streamlit_app.py"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["start", "nms"])
def test_it_opens_the_apps_pages(page: str) -> None:
    app = AppTest.from_file(str(ENTRY), default_timeout=60)
    app.switch_page(os.path.relpath(PAGES / f"{page}.py", ENTRY.parent)).run()
    assert not app.exception
    assert app.get("bidi_component"), "the page has something to show"
