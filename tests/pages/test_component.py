"""What a component is put together from: one default export, wrapped so that it can be downloaded."""

import re
from pathlib import Path

import pytest

from ui.kit.component import ROOMS

SCRIPTS = sorted(path for path in ROOMS.rglob("*.js") if path.with_suffix(".html").exists())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_component_exports_one_function_at_the_start_of_a_line(path: Path) -> None:
    """By that line a saved page finds the function that it has to call."""
    assert len(re.findall("^export default ", path.read_text(), re.MULTILINE)) == 1


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_component_reads_and_writes_the_address_by_the_pen_alone(path: Path) -> None:
    """A saved page has no address of its own: only the pen knows which one it was saved at."""
    for call in ("location.search", "history.replaceState", "history.pushState"):
        assert call not in path.read_text(), f"use query(), writeAddress() or writeAtOnce() instead of {call}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_component_has_a_root_that_the_pen_finds(path: Path) -> None:
    assert re.search(r'class="(explorer|tool)\b', path.with_suffix(".html").read_text())
