"""A small safe language of tensors: Python's own syntax, over a whitelist, walked node by node.

Nothing is handed to Python to run. The source is parsed to a syntax tree; each kind of node that the language has is
evaluated by one method here; names, methods and attributes are looked up in ``core.tensors.functions`` and nowhere
else; and what they do is done in ``core.tensors.operations``, once it is known what it costs.
"""

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from core.i18n import _
from core.tensors.advice import did_you_mean, not_in_the_language
from core.tensors.errors import ExpressionError, RefusalError
from core.tensors.functions import CONSTANTS, DTYPES, FUNCTIONS, KEYWORDS, MODULES, Function, known_words, nothing
from core.tensors.operations import Operations
from core.tensors.source import Place, lines_of, located, parse
from core.tensors.values import accepted, attributes_of, constant, counted, methods_of

LAST = "_"  # the name of the last expression's value, as at Python's prompt

Values = dict[str, Any]


def evaluate(
    source: str,
    names: Mapping[str, Any] | None = None,
    *,
    at: Callable[[Place], None] | None = None,
    operating: Callable[[Place, list[Tensor]], None] | None = None,
) -> Values:
    """Evaluate ``source``, one or several lines of the tensor language.

    ``names`` are values that it may use; what it writes into their elements stays written. ``at`` is called before
    each operation with the place that asks for it: its first line and column, and the last line and the column behind
    its end, from 1; ``operating`` before each operator between tensors, with its place and the tensors. Random
    functions start from the same seed each time.

    Returns every name that was assigned, in order, and the value of the last expression under ``_``: tensors, arrays,
    numbers, dtypes, None, and lists and tuples of them.

    Raises:
        ExpressionError: the source is not of the language, or torch refuses it, or it would take too much memory or
            time; its ``values`` are what was assigned before. Nothing else is raised.
    """
    lines = lines_of(source)
    evaluation = _Evaluation(lines, dict(names or {}), Operations(lines, at, operating))
    try:
        for statement in parse(source, lines):
            evaluation.run(statement)
    except ExpressionError as error:
        error.values = evaluation.results()
        raise
    return evaluation.results()


class _Evaluation:
    """The state of one evaluation, and a method for each kind of node that the language has."""

    def __init__(self, lines: list[str], variables: Values, operations: Operations) -> None:
        self.lines = lines
        self.variables = variables
        self.operations = operations
        self.assigned: dict[str, None] = {}  # in order

    def results(self) -> Values:
        """Return what was assigned, the last expression's value at the end."""
        names = [name for name in self.assigned if name != LAST] + [LAST] * (LAST in self.assigned)
        return {name: self.variables[name] for name in names}

    # -- statements --

    def run(self, statement: ast.stmt) -> None:
        """Do one statement.

        Raises:
            ExpressionError: located at the innermost node that failed.
        """
        try:
            self._run(statement)
        except ExpressionError:
            raise
        except Exception as error:
            raise located(error, self.lines, statement) from error

    def _run(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Expr(value):
                result = self.value(value)
                if result is not None:
                    self._name(LAST, result)
            case ast.Assign(targets, value):
                result = self.value(value)
                for target in targets:
                    self._assign(target, result)
            case ast.AugAssign():
                self._update(statement)
            case ast.With(items, body) if all(self._is_no_grad(item) for item in items):
                with torch.no_grad():
                    for inner in body:
                        self.run(inner)
            case ast.Import() | ast.ImportFrom():
                raise RefusalError(
                    _("Nothing can be imported."), _("torch's names are here already: leave the import out.")
                )
            case _:
                raise not_in_the_language(statement)

    def _is_no_grad(self, item: ast.withitem) -> bool:
        names = ("no_grad()", "torch.no_grad()")
        return item.optional_vars is None and ast.unparse(item.context_expr) in names

    def _name(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            raise RefusalError(_("A name may not begin with two underscores."), _("Choose another name."))
        self.variables[name] = value
        self.assigned[name] = None

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(name):
                self._name(name, value)
            case ast.Tuple(targets) | ast.List(targets):
                for each, part in zip(targets, self._unpacked(target, value, len(targets)), strict=True):
                    if not isinstance(each, ast.Name):
                        raise not_in_the_language(each)
                    self._name(each.id, part)
            case ast.Subscript(place, index):
                self.operations.write(target, self.value(place), self.index(index), value)
            case ast.Attribute(owner, ("grad" | "requires_grad") as name):
                tensor = self.value(owner)
                if not isinstance(tensor, Tensor) or (name == "grad" and value is not None):
                    raise RefusalError(_("Only a tensor's grad can be set, to None."), _("Write x.grad = None."))
                setattr(tensor, name, value)
            case _:
                raise not_in_the_language(target)

    def _unpacked(self, target: ast.expr, value: Any, wanted: int) -> Iterable[Any]:
        if isinstance(value, Tensor) and value.ndim and len(value) == wanted:
            parts: Iterable[Any] = self.operations.perform(Function(torch.unbind, nothing), [value], {}, target)
            return parts
        if isinstance(value, list | tuple) and len(value) == wanted:
            return value
        if isinstance(value, list | tuple | Tensor) and not (isinstance(value, Tensor) and not value.ndim):
            message = _("{wanted} names for {found} values.").format(wanted=wanted, found=len(value))
        else:
            message = _("This is one value and cannot be taken apart.")
        raise RefusalError(message, _("Write as many names on the left as there are values on the right."))

    def _update(self, statement: ast.AugAssign) -> None:
        """Do ``target += value`` and its like: in place, where the target is a tensor."""
        operation, target = statement.op, statement.target
        match target:
            case ast.Name(name):
                current = self.value(target)
                self._name(
                    name, self.operations.combine(operation, current, self.value(statement.value), statement, True)
                )
            case ast.Subscript(place_node, index_node):
                place, index = self.value(place_node), self.index(index_node)
                current = self.operations.read(target, place, index)
                result = self.operations.combine(operation, current, self.value(statement.value), statement, True)
                self.operations.write(target, place, index, result)
            case _:
                raise not_in_the_language(target)

    # -- expressions --

    def value(self, node: ast.expr) -> Any:
        """Return the value of ``node``.

        Raises:
            ExpressionError: located at the innermost node that failed.
        """
        try:
            return self._value(node)
        except ExpressionError:
            raise
        except Exception as error:
            raise located(error, self.lines, node) from error

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value):
                return constant(value)
            case ast.Name(name):
                return self._look_up(name)
            case ast.List(items):
                return counted([self.value(item) for item in items])
            case ast.Tuple(items):
                return counted(tuple(self.value(item) for item in items))
            case ast.UnaryOp(ast.Not(), operand):
                return not self.value(operand)
            case ast.UnaryOp(operation, operand):
                return self.operations.change(operation, self.value(operand), node)
            case ast.BinOp(left, operation, right):
                return self.operations.combine(operation, self.value(left), self.value(right), node)
            case ast.BoolOp(operation, operands):
                return self._choose(operands, until=isinstance(operation, ast.Or))
            case ast.Compare():
                return self._compare(node)
            case ast.Subscript(place, index):
                return self.operations.read(node, self.value(place), self.index(index))
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case _:
                raise not_in_the_language(node)

    def index(self, node: ast.expr) -> Any:
        """Return what stands between the brackets of ``x[...]``, where slices are allowed."""
        match node:
            case ast.Slice(lower, upper, step):
                return slice(*(None if part is None else self.value(part) for part in (lower, upper, step)))
            case ast.Tuple(parts):
                return tuple(self.index(part) for part in parts)
            case _:
                return self.value(node)

    def _look_up(self, name: str) -> Any:
        if name in self.variables:
            return self.variables[name]
        if name in DTYPES or name in CONSTANTS:
            return DTYPES[name] if name in DTYPES else CONSTANTS[name]
        if name in ("float", "int"):
            message = _("`{name}` is not a dtype here.").format(name=name)
            advice = _("Say float32 or float64, int32 or int64: Python's float is 64 bits, torch.float is 32.")
            raise RefusalError(message, advice)
        if name in FUNCTIONS:
            raise RefusalError(
                _("`{name}` is a function.").format(name=name), _("Call it, with its arguments in brackets.")
            )
        message = f"name '{name}' is not defined"
        raise RefusalError(message, did_you_mean(name, (*self.variables, *known_words())))

    def _choose(self, operands: list[ast.expr], until: bool) -> Any:
        """Return the first of ``operands`` whose truth is ``until``, or the last: what `and` and `or` do."""
        for operand in operands[:-1]:
            result = self.value(operand)
            if bool(result) == until:
                return result
        return self.value(operands[-1])

    def _compare(self, node: ast.Compare) -> Any:
        left, result = self.value(node.left), None
        for operation, right_node in zip(node.ops, node.comparators, strict=True):
            if result is not None and not result:
                break
            right = self.value(right_node)
            result = self.operations.compare(operation, left, right, node)
            left = right
        return result

    # -- names behind a point, and calls --

    def _attribute(self, node: ast.Attribute) -> Any:
        module = self._module(node.value)
        if module is not None:
            found = MODULES[module].get(node.attr)
            if isinstance(found, Function):
                raise RefusalError(
                    _("`{name}` is a function.").format(name=node.attr), _("Call it, with its arguments.")
                )
            if node.attr not in MODULES[module]:
                raise self._no_attribute(node, f"module '{module}'", MODULES[module])
            return found
        owner = self.value(node.value)
        attributes, methods = attributes_of(owner), methods_of(owner)
        if node.attr in methods:
            advice = _("Call it, with brackets: .{name}().").format(name=node.attr)
            raise RefusalError(_("`{name}` is a method.").format(name=node.attr), advice)
        if node.attr not in attributes:
            raise self._no_attribute(node, f"'{type(owner).__name__}' object", {*attributes, *methods})
        return accepted(getattr(owner, node.attr))

    def _module(self, node: ast.expr) -> str | None:
        """Return the name of the module that ``node`` is, if no variable hides it."""
        if not isinstance(node, ast.Name | ast.Attribute):
            return None
        dotted = ast.unparse(node)
        return dotted if dotted in MODULES and dotted.split(".")[0] not in self.variables else None

    def _call(self, node: ast.Call) -> Any:
        function, arguments = self._callee(node.func)
        for each in node.args:
            if isinstance(each, ast.Starred):
                raise not_in_the_language(each)
            arguments.append(self._argument(each, function))
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg not in KEYWORDS:
                message = _("There is no keyword `{name}` here.").format(name=keyword.arg or "**")
                raise RefusalError(message, did_you_mean(keyword.arg or "", KEYWORDS))
            keywords[keyword.arg] = self._argument(keyword.value, function)
        return self.operations.perform(function, arguments, keywords, node)

    def _argument(self, node: ast.expr, function: Function) -> Any:
        """Return an argument of ``function``: the one place where a string may stand, if it takes one."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and function.text:
            if not re.fullmatch(function.text, node.value):
                raise RefusalError(_("This string means nothing here."), _("Look at what the function takes."))
            return node.value
        return self.value(node)

    def _callee(self, node: ast.expr) -> tuple[Function, list[Any]]:
        """Return the function that ``node`` names, and the tensor before the point where it is a method."""
        if isinstance(node, ast.Name):
            if node.id in FUNCTIONS and node.id not in self.variables:
                return FUNCTIONS[node.id], []
            self.value(node)
            message = _("`{name}` is a value, not a function.").format(name=node.id)
            raise RefusalError(message, _("Index with square brackets, or give the variable another name."))
        if not isinstance(node, ast.Attribute):
            raise RefusalError(
                _("Only functions and methods can be called."), _("Write a function's name before brackets.")
            )
        module = self._module(node.value)
        if module is not None:
            function = MODULES[module].get(node.attr)
            if not isinstance(function, Function):
                raise self._no_attribute(node, f"module '{module}'", MODULES[module])
            return function, []
        owner = self.value(node.value)
        methods = methods_of(owner)
        if node.attr not in methods:
            raise self._no_attribute(node, f"'{type(owner).__name__}' object", {*methods, *attributes_of(owner)})
        return methods[node.attr], [owner]

    def _no_attribute(self, node: ast.Attribute, owner: str, known: Iterable[str]) -> ExpressionError:
        """Return the error of a name behind a point that means nothing, located at the name alone."""
        end, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        start = end_column - len(node.attr.encode())
        name = ast.Name(node.attr, lineno=end, col_offset=start, end_lineno=end, end_col_offset=end_column)
        advice = did_you_mean(node.attr, known)
        return located(RefusalError(f"{owner} has no attribute '{node.attr}'", advice), self.lines, name)
