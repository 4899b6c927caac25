"""How a test opens a page of the app, and what the page sends to the browser."""

import json
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

TOOLS = ("kit_chart_files", "kit_code", "frame_share")
APP = str(Path(__file__).parents[2] / "streamlit_app.py")


def opened(page: str, **address: str | tuple[str, ...]) -> AppTest:
    """Open ``page`` with ``address`` as its query."""
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception
    return app


def sent(app: AppTest) -> dict[str, Any]:
    """Return what the page's only component is given."""
    (component,) = figures(app)
    data: dict[str, Any] = json.loads(component.proto.json)
    return data


def figures(app: AppTest) -> list[Any]:
    """Return the components of the page that show something of its own: the tools that every page has are left out."""
    return [one for one in app.get("bidi_component") if one.proto.component_name not in TOOLS]
