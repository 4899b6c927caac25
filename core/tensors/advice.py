"""What is said of what the tensor language does not have, and of names that it does not know."""

import ast
import difflib
from collections.abc import Iterable

from core.i18n import _
from core.tensors.errors import RefusalError

_CONSTRUCTS: dict[type[ast.AST], str] = {
    ast.For: "for",
    ast.While: "while",
    ast.If: "if",
    ast.FunctionDef: "def",
    ast.ClassDef: "class",
    ast.Lambda: "lambda",
    ast.IfExp: "if ... else",
    ast.Starred: "*",
    ast.NamedExpr: ":=",
    ast.JoinedStr: 'f"..."',
    ast.Dict: "{...}",
    ast.Set: "{...}",
    ast.With: "with",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Delete: "del",
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), "[... for ... in ...]"),
}


def not_in_the_language(node: ast.AST) -> RefusalError:
    """Return the refusal of a construct that the language does not have."""
    message = _("`{construct}` is not part of the tensor language.")
    construct = _CONSTRUCTS.get(type(node), type(node).__name__.lower())
    advice = _("It has assignments, operators, indexing, and calls of tensor functions and methods.")
    return RefusalError(message.format(construct=construct), advice)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return one sentence on a ``name`` that means nothing: which of those that are ``known`` may be meant."""
    if name == "print":
        return _("Nothing has to be printed: the value of the last expression is shown.")
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    if close:
        return _("Did you mean `{name}`?").format(name=close[0])
    return _("It is not in the tensor language, or was not assigned before this line.")
