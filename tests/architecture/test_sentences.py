"""That every visible sentence can be translated, is so when somebody reads it, and that failures are sentences too."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import APP, CORE, ROOT, UI, parsed, place, refuse

# Calls that show their first argument, and keywords whose value is shown wherever they stand.
SHOWING = {
    *("title", "header", "subheader", "markdown", "caption", "text", "write", "badge", "metric"),
    *("info", "success", "warning", "error", "toast", "spinner", "status", "expander", "popover"),
    *("button", "download_button", "link_button", "toggle", "checkbox", "radio", "selectbox", "multiselect"),
    *("pills", "segmented_control", "slider", "select_slider", "number_input", "text_input", "text_area"),
    *("file_uploader", "camera_input", "color_picker", "data_editor"),
}
OWN_SHOWING = {"choose", "choose_from_list", "show_uploader"}  # functions of ours that wrap one of these
SHOWN_KEYWORDS = {"help", "alt", "label", "placeholder", "text", "title", "page_title", "show_spinner", "caption"}
MARKUP = re.compile(r":material/\w+:|[\W\d_]")  # icons, markdown, numbers
UNITS = {"ms", "s", "GB", "MB", "px", "x"}


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


def test_every_visible_sentence_passes_through_the_translation() -> None:
    found = [f"{place(path, line)}: {' '.join(words)}" for path in APP for line, words in shown(parsed(path)) if words]
    refuse(found, "wrap these in _()")


def test_no_sentence_is_translated_before_somebody_reads_it() -> None:
    """A file is imported once, for readers of all languages; only a page itself runs anew for each."""
    found = [place(path, line) for path in CORE + UI for line in translated_at(at_import(parsed(path)))]
    refuse(found, "mark these by N_(), and translate them where they are shown")


def test_a_fragment_is_one_that_says_its_failures() -> None:
    faults = ROOT / "ui" / "kit" / "faults.py"
    found = [
        place(path, node.lineno)
        for path in APP
        if path != faults
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute) and node.attr == "fragment"
    ]
    refuse(found, "take ui.kit.faults.fragment")


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
