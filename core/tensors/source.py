"""Reading a source of the tensor language: its syntax tree, and where in it something stands."""

import ast
import re
from contextlib import suppress

from core.i18n import _
from core.tensors.errors import ExpressionError, RefusalError, help_for

MOST_CHARACTERS = 4000
MOST_DEPTH = 40
PATIENCE = 10  # attempts to parse

Place = tuple[int, int, int, int]
Node = ast.expr | ast.stmt


def lines_of(source: str) -> list[str]:
    """Return the lines of ``source`` as Python counts them, which is not as str.splitlines does."""
    return re.split(r"\r\n|\r|\n", source)


def parse(source: str, lines: list[str]) -> list[ast.stmt]:
    """Return the statements of ``source``, whose ``lines`` these are, none of them nested too deeply.

    Raises:
        ExpressionError: it is too long, nested too deeply, or not Python's syntax.
    """
    if len(source) > MOST_CHARACTERS:
        message = _("The source has {count} characters; the limit is {limit}.")
        raise ExpressionError(message.format(count=len(source), limit=MOST_CHARACTERS), 1, 1, 2, _("Say it in less."))
    try:
        tree = parsed(source)
    except Exception as error:
        raise _unreadable(lines, error) from error
    level: list[ast.AST] = list(tree.body)
    for _depth in range(MOST_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        deepest = next((node for node in level if isinstance(node, ast.expr)), tree.body[0])
        raise located(RefusalError(*_too_deep()), lines, deepest)
    return tree.body


def parsed(text: str) -> ast.Module:
    """Parse ``text`` as Python.

    Threads of Python 3.11 that parse at once may miscount each other's depth (CPython issue 106905): that passes.

    Raises:
        SyntaxError: it is no Python; or what else ``ast.parse`` raises.
    """
    for _attempt in range(PATIENCE):
        with suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)


def _too_deep() -> tuple[str, str]:
    return _("This is nested too deeply."), _("Break it into several lines with names.")


def _unreadable(lines: list[str], error: Exception) -> ExpressionError:
    """Return the error of a source that Python's own parser does not take."""
    if isinstance(error, RecursionError | MemoryError):
        message, advice = _too_deep()
        return ExpressionError(message, 1, 1, 2, advice)
    if not isinstance(error, SyntaxError):  # null bytes, lone halves of surrogate pairs
        return ExpressionError(str(error), 1, 1, 2, _("Write plain text, without control characters."))
    line = min(max(error.lineno or 1, 1), len(lines))
    column = min(max(error.offset or 1, 1), len(lines[line - 1]) + 1)
    end = error.end_offset if error.end_lineno == line else None
    advice = _("This is not Python's syntax: look for a missing bracket, comma or operator near the mark.")
    return ExpressionError(error.msg, line, column, max(end or 0, column + 1), advice)


def located(error: Exception, lines: list[str], node: Node) -> ExpressionError:
    """Return ``error`` as one that says that it lies with ``node``."""
    advice = error.help if isinstance(error, RefusalError) else help_for(error)
    first, column, last, end = place_of(node, lines)
    if last > first:
        end = len(lines[first - 1]) + 1
    return ExpressionError(str(error) or type(error).__name__, first, column, max(end, column + 1), advice)


def place_of(node: Node, lines: list[str]) -> Place:
    """Return where ``node`` stands in ``lines``: first line and column, last line and the column behind, from 1."""

    def column(line: int, offset: int) -> int:
        return len(lines[line - 1].encode()[:offset].decode(errors="ignore")) + 1

    last = node.end_lineno or node.lineno
    end = node.end_col_offset if node.end_col_offset is not None else node.col_offset
    return node.lineno, column(node.lineno, node.col_offset), last, column(last, end)
