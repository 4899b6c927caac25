"""The files that the rules of the architecture are held against, and what stands in them."""

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
UI = sorted((ROOT / "ui").rglob("*.py"))
APP = [ROOT / "streamlit_app.py", *PAGES, *UI]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def place(path: Path, line: int) -> str:
    """Say where something stands: the file from the root, and the line."""
    return f"{path.relative_to(ROOT).as_posix()}:{line}"


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Everything that ``path`` imports, wherever in the file: the line, and the dotted name."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path, node.lineno)}: a relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def within(name: str, *packages: str) -> bool:
    """Whether the dotted ``name`` is one of ``packages`` or stands in it."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def importing(paths: Iterable[Path], *packages: str) -> list[str]:
    """The imports in ``paths`` of anything within ``packages``, each with its place."""
    return [f"{place(path, line)}: {name}" for path in paths for line, name in imports(path) if within(name, *packages)]


def refuse(offenders: list[str], rule: str) -> None:
    """Fail if there are ``offenders``, and name them all: of a long comparison, pytest shows the beginning only."""
    assert not offenders, "\n".join([rule, *offenders])
