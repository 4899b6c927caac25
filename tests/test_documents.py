"""That the documents name what is there: files, folders, modules, functions, and targets of make."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [*map(ROOT.joinpath, ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *sorted(ROOT.glob("docs/*.md"))]
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")

FOLDERS = "core|ui|pages|tests|benchmarks|checkpoints|deploy|docs|locale|\\.github"
FILES = r"[A-Z]\w+\.md|\w+\.toml|requirements[\w-]*\.txt|constraints\.txt|Makefile|Dockerfile|streamlit_app\.py"
PATH = re.compile(rf"((?:{FOLDERS})/[^\s:`]*|{FILES})(?::(\w+))?")  # a file, or file.js:function
MODULE = re.compile(r"(?:python -m )?((?:core|ui|tests|benchmarks)(?:\.\w+)+)\b.*")
TARGET = re.compile(r"make ([\w-]+)")


def named(document: Path) -> Iterator[str]:
    """What ``document`` has in backticks outside of its blocks of code, each in one line."""
    for span in SPAN.findall(FENCED.sub("", document.read_text("utf-8"))):
        yield " ".join(span.split())


def is_there(name: str) -> bool:
    """Whether what is called ``name`` exists; so does whatever is no name of ours. ``<this>`` stands for any name."""
    if found := PATH.fullmatch(name):
        path, function = found.groups()
        paths = list(ROOT.glob(re.sub("<[^>]*>", "*", path.rstrip("/"))))
        return bool(paths) and (not function or defines(paths[0].read_text("utf-8"), function))
    if found := MODULE.fullmatch(name):
        return bool(resolves(found[1]))
    if found := TARGET.fullmatch(name):
        return f"\n{found[1]}:" in (ROOT / "Makefile").read_text("utf-8")
    return True


def defines(script: str, function: str) -> bool:
    return bool(re.search(rf"\b(function|const|let|class) {function}\b", script))


def resolves(name: str) -> bool:
    """Whether ``name`` is that of a module, or of something within one."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:count]))
        except ModuleNotFoundError:
            continue
        for part in parts[count:]:
            found = getattr(found, part, None)  # type: ignore[assignment]
        return found is not None
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    missing = [name for name in named(document) if not is_there(name)]
    assert not missing, f"{document.name} names what is not there"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", document.read_text("utf-8"))
    missing = [link for link in links if not (document.parent / link).exists()]
    assert not missing, f"{document.name} links to what is not there"


@pytest.mark.parametrize(
    "name",
    [
        *("core/nms.py", "core/detectors/<name>.py", "locale/*/LC_MESSAGES/visible_vision.po", "deploy/", "Makefile"),
        *("ui/kit/browser/pen.js:writeAddress", "core.nms", "core.nms.sweep(...)", "core.jobs.queue.Queue.submit"),
        *("python -m core.messages", "python -m benchmarks.training", "make app", "photo.jpg", "make it so"),
    ],
)
def test_the_search_finds_what_is_there(name: str) -> None:
    assert is_there(name)


@pytest.mark.parametrize(
    "name",
    [
        *("core/nothing.py", "ui/<room>/nothing.py", "requirements-nothing.txt", "ui/kit/pen.js:nothing"),
        *("core.nothing", "core.nms.nothing", "core.jobs.queue.Queue.nothing(...)", "python -m benchmarks.nothing"),
        "make nothing",
    ],
)
def test_the_search_misses_what_is_not_there(name: str) -> None:
    assert not is_there(name)
