"""Who may import whom, how long a page may be, and that every visible sentence can be translated."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = sorted((ROOT / "core").rglob("*.py"))
PAGES = sorted((ROOT / "pages").rglob("*.py"))
UI = sorted((ROOT / "ui").rglob("*.py"))
APP = [ROOT / "streamlit_app.py", *PAGES, *UI]
LONGEST_PAGE = 170

# Calls that show their first argument, and keywords whose value is shown wherever they stand.
SHOWING = {
    *("title", "header", "subheader", "markdown", "caption", "text", "write", "badge", "metric"),
    *("info", "success", "warning", "error", "toast", "spinner", "status", "expander", "popover"),
    *("button", "download_button", "link_button", "toggle", "checkbox", "radio", "selectbox", "multiselect"),
    *("pills", "segmented_control", "slider", "select_slider", "number_input", "text_input", "text_area"),
    *("file_uploader", "camera_input", "color_picker", "data_editor"),
}
OWN_SHOWING = {"choose", "show_uploader"}  # functions of ours that wrap one of these
SHOWN_KEYWORDS = {"help", "alt", "label", "placeholder", "text", "title", "page_title", "show_spinner", "caption"}
MARKUP = re.compile(r":material/\w+:|[\W\d_]")  # icons, markdown, numbers
UNITS = {"ms", "s", "GB", "MB", "px", "x"}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Everything that ``path`` imports, wherever in the file, as dotted names."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def untranslated(node: ast.AST) -> list[str]:
    """The words that ``node`` shows as they stand: a literal, or the fixed parts of an f-string."""
    if isinstance(node, ast.Constant):
        parts = [node.value] if isinstance(node.value, str) else []
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    elif isinstance(node, ast.IfExp):
        return untranslated(node.body) + untranslated(node.orelse)
    elif isinstance(node, ast.BinOp):
        return untranslated(node.left) + untranslated(node.right)
    else:
        parts = []
    words = (MARKUP.sub(" ", re.sub(r":material/\w+:", "", part)).split() for part in parts)
    return [word for found in words for word in found if word not in UNITS]


def shown(tree: ast.AST) -> Iterator[tuple[int, list[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        is_own = isinstance(node.func, ast.Name) and node.func.id in OWN_SHOWING
        if not is_own and not isinstance(node.func, ast.Attribute):
            continue
        values = [keyword.value for keyword in node.keywords if keyword.arg in SHOWN_KEYWORDS]
        if is_own or (isinstance(node.func, ast.Attribute) and node.func.attr in SHOWING):
            values += node.args[:1]
        for value in values:
            yield node.lineno, untranslated(value)


def at_import(node: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated when a file is imported: not the bodies of functions, but their decorators and defaults."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef):
            for part in (*child.decorator_list, *child.args.defaults, *filter(None, child.args.kw_defaults)):
                yield from ast.walk(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from at_import(child)


def translated_at(nodes: Iterator[ast.AST]) -> list[int]:
    """The lines of the sentences that are translated in ``nodes``."""
    calls = (node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    return [call.lineno for call in calls if call.func.id in ("_", "translate", "ngettext")]  # type: ignore[attr-defined]


def test_there_is_something_to_check() -> None:
    assert ROOT / "core" / "nms.py" in CORE and ROOT / "pages" / "nms.py" in PAGES
    assert "streamlit" in set(imports(ROOT / "pages" / "nms.py"))


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_core_knows_neither_streamlit_nor_the_pages(path: Path) -> None:
    for name in imports(path):
        assert (
            not within(name, "streamlit")
            and not within(name, "pages")
            and not within(name, "ui")
            and not within(name, "tests")
        ), name


@pytest.mark.parametrize("path", CORE, ids=name_of)
def test_only_the_figures_know_how_to_draw(path: Path) -> None:
    """Arrows run one way: pages -> core.figures -> core."""
    if "figures" in path.parts or path.name == "__main__.py":  # the command line shows things, as a page does
        return
    for name in imports(path):
        assert not within(name, "core.figures") and not within(name, "plotly"), name


@pytest.mark.parametrize("path", APP, ids=name_of)
def test_a_page_takes_no_more_of_torch_than_the_name_of_its_tensors(path: Path) -> None:
    for name in imports(path):
        if within(name, "torch") or within(name, "torchvision"):
            assert name == "torch.Tensor", f"{name}: tensor code belongs into core"


@pytest.mark.parametrize("path", APP, ids=name_of)
def test_a_page_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", APP, ids=name_of)
def test_every_visible_sentence_passes_through_the_translation(path: Path) -> None:
    found = [f"line {line}: {' '.join(words)}" for line, words in shown(parsed(path)) if words]
    assert not found, f"wrap these in _(): {found}"


@pytest.mark.parametrize("path", [path for path in APP if path.name != "faults.py"], ids=name_of)
def test_a_fragment_is_one_that_says_its_failures(path: Path) -> None:
    lines = [
        node.lineno for node in ast.walk(parsed(path)) if isinstance(node, ast.Attribute) and node.attr == "fragment"
    ]
    assert not lines, f"lines {lines}: take ui.kit.faults.fragment"


@pytest.mark.parametrize("path", CORE + UI, ids=name_of)
def test_no_sentence_is_translated_before_somebody_reads_it(path: Path) -> None:
    """A file is imported once, for readers of all languages; only a page itself runs anew for each."""
    lines = translated_at(at_import(parsed(path)))
    assert not lines, f"lines {lines}: mark the sentence by N_(), and translate it where it is shown"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ('NAME = _("Loss")', [1]),
        ('NAMES = {"loss": [_("Loss")]}', [1]),
        ('@cached(show=_("Loading ..."))\ndef load() -> None: ...', [1]),
        ('def load(name: str = _("Loss")) -> None: ...', [1]),
        ('class Loss:\n    title = ngettext("a", "b", 2)', [2]),
        ('def title() -> str:\n    return _("Loss")', []),
        ('title = lambda: _("Loss")', []),
        ('NAME = N_("Loss")', []),
    ],
)
def test_the_search_for_early_translations_finds_them(code: str, lines: list[int]) -> None:
    assert translated_at(at_import(ast.parse(code))) == lines


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ('st.title("Hello there")', ["Hello", "there"]),
        ('left.markdown(f"### {number}. Stage")', ["Stage"]),
        ('st.info("No image" if empty else _("Ready"))', ["No", "image"]),
        ('st.caption("See " + name)', ["See"]),
        ('st.image(picture, alt="a cat")', ["a", "cat"]),
        ('st.title(_("Hello"))', []),
        ('st.markdown(f"**{title}**")', []),
        ('line.markdown(f":material/hourglass_top: {waiting}")', []),
        ('right.metric(_("Time"), f"{ms:.1f} ms")', []),
        ('st.image(picture, alt=f"{title}, {words}")', []),
        ('choose("View", titles, key, help="of all")', ["of", "all", "View"]),
        ('show_uploader("A zip file", ["zip"], 200, key="upload")', ["A", "zip", "file"]),
        ('names.index("Hello")', []),
    ],
)
def test_the_search_for_sentences_finds_them(code: str, words: list[str]) -> None:
    assert [word for _line, found in shown(ast.parse(code)) for word in found] == words
