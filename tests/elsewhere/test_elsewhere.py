"""The app starts, races, trains and loads on Windows and on macOS, as far as that can be seen on Linux."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.elsewhere.system import MODULES

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0  # seconds, on a busy machine
APP = [ROOT / "streamlit_app.py", *(path for part in ("core", "ui", "pages") for path in (ROOT / part).rglob("*.py"))]
TEXTS = {"read_text": 0, "write_text": 1}  # where the encoding is among the arguments


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "parts"), [("win32", ["trains", "races", "keeps"]), ("darwin", ["loads"])], ids=["win32", "darwin"]
)
def test_the_app_works_without_what_only_linux_has(platform: str, parts: list[str], tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.elsewhere.run_app", platform, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    assert [json.loads(line)["part"] for line in ran.stdout.splitlines() if line.startswith("{")] == parts


# ---- rules ----


def imported_first(tree: ast.Module) -> Iterator[str]:
    """The modules that are imported with a file, not where they are used."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)


def in_the_systems_own_letters(tree: ast.AST) -> Iterator[int]:
    """The lines that read or write text without saying in which encoding: Windows has another for each country."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        said = any(word.arg == "encoding" for word in call.keywords)
        if name in TEXTS:
            said = said or len(call.args) > TEXTS[name]
        else:
            modes = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            said = said or name != "open" or not any(set(mode) <= set("rwax+t") for mode in modes)
        if not said:
            yield call.lineno


def test_what_only_some_systems_have_is_imported_where_it_is_used() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {name}" for path in APP for name in imported_first(parsed(path)) if name in MODULES
    }
    assert found == set()


@pytest.mark.slow
def test_text_is_read_and_written_in_one_encoding() -> None:
    lines = [
        f"{path.relative_to(ROOT)}, line {line}" for path in APP for line in in_the_systems_own_letters(parsed(path))
    ]
    assert not lines, f"say 'utf-8': {lines}"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("path.read_text()", True),
        ("path.write_text(text)", True),
        ('path.open("a", buffering=1)', True),
        ('open(path, "w")', True),
        ('path.read_text("utf-8")', False),
        ('path.write_text(text, "utf-8")', False),
        ('path.open("a", encoding="utf-8")', False),
        ('path.open("rb")', False),
        ("Image.open(path)", False),
    ],
)
def test_the_search_for_encodings_finds_them(code: str, found: bool) -> None:
    assert list(in_the_systems_own_letters(ast.parse(code))) == [1] * found


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))
