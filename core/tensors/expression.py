"""A small safe language of tensors: Python's own syntax, over a whitelist, walked node by node.

Nothing is handed to Python to run. The source is parsed to a syntax tree; each kind of node that the language has is
evaluated by one method here; names, methods and attributes are looked up in ``core.tensors.functions`` and nowhere
else; and what a call costs is known before it is made (``core.tensors.budget``).
"""

import ast
import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.i18n import _
from core.tensors.budget import Budget, check_size, shadow_of_index
from core.tensors.errors import ExpressionError, RefusalError
from core.tensors.functions import CONSTANTS, DTYPES, FUNCTIONS, KEYWORDS, MODULES, Function, known_words, nothing
from core.tensors.source import Node, Place, lines_of, located, parse, place_of
from core.tensors.values import accepted, attributes_of, basic_index, check_bomb, constant, counted, methods_of, plain

LAST = "_"  # the name of the last expression's value, as at Python's prompt
SEED = 0

Values = dict[str, Any]

_BINARY: dict[type[ast.operator], tuple[Callable[..., Any], Callable[..., Any]]] = {
    ast.Add: (operator.add, operator.iadd),
    ast.Sub: (operator.sub, operator.isub),
    ast.Mult: (operator.mul, operator.imul),
    ast.Div: (operator.truediv, operator.itruediv),
    ast.FloorDiv: (operator.floordiv, operator.ifloordiv),
    ast.Mod: (operator.mod, operator.imod),
    ast.Pow: (operator.pow, operator.ipow),
    ast.MatMult: (operator.matmul, operator.imatmul),
    ast.BitAnd: (operator.and_, operator.iand),
    ast.BitOr: (operator.or_, operator.ior),
    ast.BitXor: (operator.xor, operator.ixor),
    ast.LShift: (operator.lshift, operator.ilshift),
    ast.RShift: (operator.rshift, operator.irshift),
}
_ON_ARRAYS = (ast.Add, ast.Sub, ast.Mult, ast.Div)
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


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
    evaluation = _Evaluation(lines, dict(names or {}), at, operating)
    try:
        for statement in parse(source, lines):
            evaluation.run(statement)
    except ExpressionError as error:
        error.values = evaluation.results()
        raise
    return evaluation.results()


class _Evaluation:
    """The state of one evaluation, and a method for each kind of node that the language has."""

    def __init__(
        self,
        lines: list[str],
        variables: Values,
        at: Callable[[Place], None] | None,
        operating: Callable[[Place, list[Tensor]], None] | None,
    ) -> None:
        self.lines = lines
        self.variables = variables
        self.at = at
        self.operating = operating
        self.assigned: dict[str, None] = {}  # in order
        self.budget = Budget()
        self.generator = torch.Generator().manual_seed(SEED)

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
                raise _not_in_the_language(statement)

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
                        raise _not_in_the_language(each)
                    self._name(each.id, part)
            case ast.Subscript(place, index):
                self._write(target, self.value(place), self.index(index), value)
            case ast.Attribute(owner, ("grad" | "requires_grad") as name):
                tensor = self.value(owner)
                if not isinstance(tensor, Tensor) or (name == "grad" and value is not None):
                    raise RefusalError(_("Only a tensor's grad can be set, to None."), _("Write x.grad = None."))
                setattr(tensor, name, value)
            case _:
                raise _not_in_the_language(target)

    def _unpacked(self, target: ast.expr, value: Any, wanted: int) -> Iterable[Any]:
        if isinstance(value, Tensor) and value.ndim and len(value) == wanted:
            parts: Iterable[Any] = self.perform(Function(torch.unbind, nothing), [value], {}, target)
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
                self._name(name, self._operate(operation, current, self.value(statement.value), statement, True))
            case ast.Subscript(place_node, index_node):
                place, index = self.value(place_node), self.index(index_node)
                current = self._read(target, place, index)
                result = self._operate(operation, current, self.value(statement.value), statement, True)
                self._write(target, place, index, result)
            case _:
                raise _not_in_the_language(target)

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
                return self._apply(_UNARY[type(operation)], [self.value(operand)], node)
            case ast.BinOp(left, operation, right):
                return self._operate(operation, self.value(left), self.value(right), node)
            case ast.BoolOp(operation, operands):
                return self._choose(operands, until=isinstance(operation, ast.Or))
            case ast.Compare():
                return self._compare(node)
            case ast.Subscript(place, index):
                return self._read(node, self.value(place), self.index(index))
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case _:
                raise _not_in_the_language(node)

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
        raise RefusalError(message, _did_you_mean(name, (*self.variables, *known_words())))

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
            if isinstance(operation, ast.Is | ast.IsNot):
                result = (left is right) == isinstance(operation, ast.Is)
            elif type(operation) not in _COMPARE:
                raise _not_in_the_language(operation)
            elif isinstance(operation, ast.Eq | ast.NotEq) and plain(left) and plain(right):
                result = _COMPARE[type(operation)](left, right)
            else:
                result = self._apply(_COMPARE[type(operation)], [left, right], node)
            left = right
        return result

    def _operate(self, operation: ast.operator, left: Any, right: Any, node: Node, in_place: bool = False) -> Any:
        """Return ``left`` and ``right`` combined; ``in_place`` writes it into ``left``, where that is a tensor."""
        if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
            if not isinstance(operation, _ON_ARRAYS):
                raise RefusalError(
                    _("Arrays have + - * / here."), _("from_numpy makes a tensor of an array, without a copy.")
                )
        elif isinstance(left, int) and isinstance(right, int):
            check_bomb(operation, left, right)
        return self._apply(_BINARY[type(operation)][in_place], [left, right], node)

    def _apply(self, operation: Callable[..., Any], operands: list[Any], node: Node) -> Any:
        """Apply an operator to numbers, tensors or arrays."""
        for operand in operands:
            if not isinstance(operand, int | float | Tensor | np.ndarray):
                kind = type(operand).__name__
                message = _("An operator takes tensors and numbers, not a {kind}.").format(kind=kind)
                raise RefusalError(message, _("Make a tensor of a list with tensor(...)."))
        if any(isinstance(operand, Tensor) for operand in operands):
            if any(isinstance(operand, np.ndarray) for operand in operands):
                raise RefusalError(_("This mixes a tensor and an array."), _("from_numpy makes a tensor of the array."))
            tensors = [operand for operand in operands if isinstance(operand, Tensor)]
            if self.operating is not None and operation is not operator.matmul and len(tensors) > 1:
                self.operating(place_of(node, self.lines), tensors)
            return self.perform(Function(operation), operands, {}, node)
        shapes = [operand.shape for operand in operands if isinstance(operand, np.ndarray)]
        elements = check_size(np.broadcast_shapes(*shapes))
        return self.perform(Function(operation, lambda *_operands: elements), operands, {}, node)

    # -- x[...] --

    def _read(self, node: ast.expr, place: Any, index: Any) -> Any:
        if isinstance(place, Tensor):
            return self._index_tensor(operator.getitem, [place, index], node)
        if isinstance(place, np.ndarray):
            return self.perform(Function(operator.getitem, nothing), [place, basic_index(index)], {}, node)
        if isinstance(place, list | tuple):
            return operator.getitem(place, index)
        raise RefusalError(_("This has no elements to index."), _("Index a tensor, an array, a list or a shape."))

    def _write(self, node: ast.expr, place: Any, index: Any, value: Any) -> None:
        if isinstance(place, Tensor):
            self._index_tensor(operator.setitem, [place, index, value], node)
        elif isinstance(place, np.ndarray) and isinstance(value, int | float | np.ndarray):
            self.perform(Function(operator.setitem, nothing), [place, basic_index(index), value], {}, node)
        else:
            message = _("Only elements of a tensor or an array can be written, and an array takes numbers.")
            raise RefusalError(message, _("Make a tensor of a list with tensor(...)."))

    def _index_tensor(self, operation: Callable[..., Any], arguments: list[Any], node: ast.expr) -> Any:
        """Do ``operation`` on a tensor, an index and perhaps a value; a mask is rehearsed by what it selects."""
        place, index, *rest = arguments
        self._begin(node)
        self.budget.rehearse(operation, [place, shadow_of_index(index), *rest], {})
        return accepted(operation(*arguments))

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
                raise _not_in_the_language(each)
            arguments.append(self._argument(each, function))
        keywords = {}
        for keyword in node.keywords:
            if keyword.arg not in KEYWORDS:
                message = _("There is no keyword `{name}` here.").format(name=keyword.arg or "**")
                raise RefusalError(message, _did_you_mean(keyword.arg or "", KEYWORDS))
            keywords[keyword.arg] = self._argument(keyword.value, function)
        return self.perform(function, arguments, keywords, node)

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

    def perform(self, function: Function, arguments: list[Any], keywords: Values, node: Node) -> Any:
        """Call ``function`` once it is known what that costs, and return its value.

        Raises:
            RefusalError: it costs too much.
            Exception: what torch has against it.
        """
        self._begin(node)
        if function.elements is None:
            self.budget.rehearse(function.call, arguments, keywords)
        else:
            self.budget.estimate(function.elements(*arguments, **keywords), arguments)
        if function.call is Tensor.backward:
            self.budget.backward()
        generator = {"generator": self.generator} if function.random else {}
        return accepted(function.call(*arguments, **keywords, **generator))

    def _no_attribute(self, node: ast.Attribute, owner: str, known: Iterable[str]) -> ExpressionError:
        """Return the error of a name behind a point that means nothing, located at the name alone."""
        end, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        start = end_column - len(node.attr.encode())
        name = ast.Name(node.attr, lineno=end, col_offset=start, end_lineno=end, end_col_offset=end_column)
        advice = _did_you_mean(node.attr, known)
        return located(RefusalError(f"{owner} has no attribute '{node.attr}'", advice), self.lines, name)

    def _begin(self, node: Node) -> None:
        self.budget.call()
        if self.at is not None:
            self.at(place_of(node, self.lines))


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


def _not_in_the_language(node: ast.AST) -> RefusalError:
    message = _("`{construct}` is not part of the tensor language.")
    construct = _CONSTRUCTS.get(type(node), type(node).__name__.lower())
    advice = _("It has assignments, operators, indexing, and calls of tensor functions and methods.")
    return RefusalError(message.format(construct=construct), advice)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    if name == "print":
        return _("Nothing has to be printed: the value of the last expression is shown.")
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    if close:
        return _("Did you mean `{name}`?").format(name=close[0])
    return _("It is not in the tensor language, or was not assigned before this line.")
