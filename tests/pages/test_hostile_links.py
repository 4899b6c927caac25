"""Links that somebody made up: whatever they say, the page opens, echoes no markup and names no path of the server."""

import re
from itertools import count
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.data.sources import VARIABLE
from tests.pages.opening import APP
from ui.lessons import LESSONS

ROOT = Path(APP).parent
HOSTILE = (
    *("9" * 400, "-1e999", "nan", "", "true", "[]", '{"a": 1}', "\x00", "%00", "../../../../etc/passwd", "/etc"),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "A" * 100_000, "한글\u202e", "0,0,0,0", "-1"),
)
STARTS_WORK = ("race",)


def known() -> list[str]:
    """Every name that stands in the address of some page."""
    found = {"unknown", "view", "lang", "present", "guide", "runs", "run", "source_folder", "family_scene"}
    for path in [*(ROOT / "pages").glob("*.py"), *(ROOT / "ui").rglob("*.py")]:
        found.update(re.findall(r'(?:key=|ADDRESS = |get\()"([a-z_0-9]+)"', path.read_text("utf-8")))
    return sorted(found - {*STARTS_WORK})


KNOWN = known()


def test_the_names_in_addresses_are_found_in_pages_and_in_their_rooms() -> None:
    assert {"scene", "detector", "network"} <= {*KNOWN}


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0, 5, 11])
@pytest.mark.parametrize("page", [path or "start" for path in LESSONS])
def test_a_page_opens_whatever_its_link_says(
    page: str, turn: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=60)
    for number, name in zip(count(turn), KNOWN, strict=False):
        app.query_params[name] = HOSTILE[number % len(HOSTILE)]
    app.switch_page(f"pages/{page}.py")
    app.run()
    assert not app.exception, app.exception[0].message
    messages = [one.value for one in (*app.error, *app.warning, *app.info, *app.markdown, *app.caption)]
    for words in messages:
        assert "<script" not in words and "onerror" not in words, words
        assert str(ROOT) not in words and str(tmp_path) not in words and "root:" not in words, words
