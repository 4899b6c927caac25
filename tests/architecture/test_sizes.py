"""How long a file may be, and how many may lie in one folder."""

from collections import Counter
from pathlib import Path

from tests.architecture.sources import APP, ROOT, refuse

LONGEST = 400  # lines
LONGEST_PAGE = 170
FULLEST = 27  # files in one folder
KINDS = {".py", ".js", ".css", ".html"}


def sources(*folders: str) -> list[Path]:
    """The files in ``folders`` that somebody has to read."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in KINDS]


def longer(paths: list[Path], most: int) -> list[str]:
    """Those of ``paths`` that have more than ``most`` lines, with how many."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in paths}
    return [f"{path.relative_to(ROOT).as_posix()}: {lines} lines" for path, lines in lengths.items() if lines > most]


def test_there_is_something_to_read() -> None:
    assert {ROOT / "core" / "nms.py", ROOT / "ui" / "kit" / "browser" / "pen.js"} <= {*sources("core", "ui")}


def test_a_page_is_short_enough_to_read() -> None:
    refuse(longer(APP, LONGEST_PAGE), f"a file of the app has at most {LONGEST_PAGE} lines")


def test_no_file_is_too_long_to_read() -> None:
    found = longer(sources("core", "ui", "pages", "tests", "benchmarks"), LONGEST)
    refuse(found, f"a file has at most {LONGEST} lines")


def test_no_folder_is_too_full_to_find_ones_way() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in sources("core", "ui", "pages"))
    found = [f"{folder}: {count} files" for folder, count in counts.items() if count > FULLEST]
    refuse(found, f"a folder has at most {FULLEST} files")
