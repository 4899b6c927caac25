"""What people read of a failure: the sentence that was raised for them, or a general one, and then the log says why."""

import ast
import builtins
import errno
import logging
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from core.faults import UserError, logged, sentence_of
from core.i18n import speaking

ROOT = Path(__file__).parents[1]
BUG = ValueError("zip() argument 2 is longer than argument 1")


def kinds(base: type[UserError] = UserError) -> Iterator[type[UserError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from kinds(kind)


def test_every_kind_that_is_raised_for_people_shows_its_own_sentence(caplog: pytest.LogCaptureFixture) -> None:
    for path in (ROOT / "core").rglob("*.py"):
        if "Error(UserError)" in path.read_text(encoding="utf-8"):
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    found = {kind for kind in kinds() if kind.__module__.startswith("core.")}
    assert {"CheckpointError", "ImageError", "FolderError", "LoaderError"} <= {kind.__name__ for kind in found}
    for kind in found:
        error = kind.__new__(kind)
        ValueError.__init__(error, "Choose another.")
        assert logged(error) == "Choose another.", kind
    assert not caplog.records, "nothing is wrong with the app"


@pytest.mark.parametrize("bug", [BUG, RuntimeError("/secret"), KeyError("boxes"), OSError(errno.EIO, "", "/secret")])
def test_a_bug_is_a_general_sentence_and_a_traceback_in_the_log(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        raise bug
    except type(bug) as raised:
        sentence = logged(raised)
    assert sentence == "The computation failed; the server's log says why. Try it again."
    [record] = caplog.records
    assert record.levelno == logging.ERROR and "test_faults.py" in caplog.text and type(bug).__name__ in caplog.text


def test_a_full_disk_has_a_sentence_of_its_own() -> None:
    assert "disk is full" in sentence_of(OSError(errno.ENOSPC, "No space left on device", "/secret"))


def test_the_general_sentence_is_in_the_readers_language() -> None:
    with speaking("ko"):
        assert "계산" in sentence_of(BUG)


# ---- the code keeps to it ----

PYTHONS = {name for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)}
# What may derive from one of Python's own errors: no message of these is ever read by people.
INTERNAL = {"core/faults.py UserError", "core/jobs/messages.py Gone", "core/tensors/errors.py RefusalError"}
# Where an error of Python's or PyTorch's is looked into, and why its words do not pass for ours.
LOOKED_INTO = {
    "core/tensors/expression.py run": "what PyTorch says of somebody's line is what the page teaches",
    "core/tensors/expression.py value": "the same",
    "core/tensors/source.py parse": "what Python says of somebody's syntax",
    "core/tensors/budget.py rehearse": "to tell calls that depend on values",
    "core/autograd/tracing.py capture_by_export": "what PyTorch cannot capture, in its own words",
    "core/autograd/tracing.py _guard_before": "the guard that PyTorch names",
    "core/autograd/graph.py _go_back": "why PyTorch refuses to go back",
    "core/autograd/graph.py _saved": "why PyTorch gives a saved tensor no more",
    "core/data/epochs.py default_complaint": "what torch's default_collate says, in its own words",
    "core/data/transforms.py _applied": "why torchvision cannot take somebody's step",
    "core/checkpoint.py writing": "the system's number that safetensors quotes",
}


def parsed() -> Iterator[tuple[str, ast.Module]]:
    """Every file of the app, by its name in the repository."""
    for path in [
        ROOT / "streamlit_app.py",
        *(path for part in ("core", "ui", "pages") for path in (ROOT / part).rglob("*.py")),
    ]:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def names(node: ast.AST | None) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} if node else set()


def derived(tree: ast.AST) -> Iterator[str]:
    """The classes that derive from one of Python's own errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(names(base) & PYTHONS for base in node.bases):
            yield node.name


def raised_for_people(tree: ast.AST) -> Iterator[int]:
    """The lines that raise one of Python's own errors with a translated sentence."""
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Raise)):
        plain = isinstance(node.exc, ast.Call) and names(node.exc.func) & PYTHONS
        if plain and names(node.exc) & {"_", "ngettext", "sentence"}:
            yield node.lineno


def looked_into(tree: ast.AST) -> Iterator[str]:
    """The functions that catch one of Python's own errors and do more with it than to log it, to pass it on, or to ask
    of what kind it is."""
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for handler in (node for node in ast.walk(function) if isinstance(node, ast.ExceptHandler)):
            error = handler.name if names(handler.type) & PYTHONS else None
            if error and any(shows(part, error) for part in handler.body):
                yield function.name


def shows(node: ast.AST, error: str) -> bool:
    """Whether ``node`` uses what is called ``error`` for anything that may end in a sentence."""
    if isinstance(node, ast.Name):
        return node.id == error
    if isinstance(node, ast.Raise):
        return node.exc is not None and shows(node.exc, error)
    if isinstance(node, ast.Attribute):
        return node.attr != "errno" and shows(node.value, error)
    if isinstance(node, ast.Call) and names(node.func) & {"logged", "isinstance"}:
        return False
    return any(shows(child, error) for child in ast.iter_child_nodes(node))


@pytest.mark.slow
def test_whatever_is_raised_for_people_derives_from_the_one_base() -> None:
    found = {f"{name} {one}" for name, tree in parsed() for one in derived(tree)}
    assert found == INTERNAL
    lines = [f"{name}, line {line}" for name, tree in parsed() for line in raised_for_people(tree)]
    assert not lines, f"raise a UserError of their own: {lines}"


@pytest.mark.slow
def test_nobody_shows_the_words_of_an_error_that_was_not_raised_for_people() -> None:
    found = {f"{name} {one}" for name, tree in parsed() for one in looked_into(tree)}
    assert found - LOOKED_INTO.keys() == set(), "catch UserError, or let core.faults.logged say it"
    assert LOOKED_INTO.keys() - found == set(), "these do so no longer"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("try: work()\nexcept ValueError as error: st.error(str(error))", True),
        ("try: work()\nexcept (FolderError, RuntimeError) as error: say(error)", True),
        ("try: work()\nexcept Exception as error: say(f'no: {error}')", True),
        ("try: work()\nexcept KeyError as error: say(error.args[0])", True),
        ("try: work()\nexcept FolderError as error: st.error(str(error))", False),
        ("try: work()\nexcept Exception as error: say(logged(error))", False),
        ("try: work()\nexcept OSError as error: raise Gone from error", False),
        ("try: work()\nexcept OSError as error: say(error.errno == 28)", False),
        ("try: work()\nexcept OSError as error: raise Gone(error) from None", True),
    ],
)
def test_the_search_for_words_of_errors_finds_them(code: str, found: bool) -> None:
    body = "\n".join(f"    {line}" for line in code.splitlines())
    assert list(looked_into(ast.parse(f"def function():\n{body}"))) == ["function"] * found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('raise ValueError(_("Choose one."))', True),
        ('raise RuntimeError(_("Choose {one}.").format(one=1))', True),
        ("raise ValueError(sentence.format(one=1))", True),
        ('raise FolderError(_("Choose one."))', False),
        ('raise ValueError("no split")', False),
    ],
)
def test_the_search_for_sentences_that_are_raised_plainly_finds_them(code: str, found: bool) -> None:
    assert list(raised_for_people(ast.parse(code))) == [1] * found
