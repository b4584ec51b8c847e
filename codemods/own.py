"""The contracted methods and functions a module defines itself, and where each gives a failing answer in silence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.handlers import is_broad
from codemods.project import FunctionNode, Module, statements
from codemods.scope import own_nodes
from codemods.tree import Around, name_of
from codemods.wanted import Row

__all__ = ["Answer", "Own", "answers_of", "caught_only_exits", "own_methods"]

_EXITS = frozenset({"CancelledError", "GeneratorExit", "KeyboardInterrupt", "SystemExit"})
_TELLING = frozenset({"falsy", "unsuccessful"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """One definition in this module that contract rows are about; mostly one row."""

    rows: tuple[Row, ...]
    function: FunctionNode

    @property
    def run_parameter(self) -> str:
        """`run_id` where the contract says that this argument names the run, and the function takes it."""
        arguments = self.function.args
        taken = {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        return "run_id" if self.rows[0].run_at >= 0 and "run_id" in taken else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A `return` that says a failure, and the handler it stands in, if any."""

    node: ast.Return
    handler: ast.ExceptHandler | None


def own_methods(module: Module, rows: dict[tuple[str, str], Row]) -> tuple[Own, ...]:
    """Find the definitions the rows name, by `(target, method)`; a stub of `typing.overload` is none."""
    found: dict[FunctionNode, list[Row]] = {}
    for (target, method), row in rows.items():
        owner, _, name = target.partition(":")
        inside = module.classes.get(name) if name else module.tree
        if owner != module.name or inside is None:
            continue
        for node in statements(inside.body):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name != method:
                continue
            if not any(name_of(one) == "overload" for one in node.decorator_list):
                found.setdefault(node, []).append(row)
    return tuple(Own(rows=tuple(named), function=node) for node, named in found.items())


def answers_of(own: Own, around: Around) -> list[Answer]:
    """Give the failing answers of one method, in the order of the text.

    Where the contract says that a false result, or an object without success, is a failure, each such literal answer is
    one. Where the result says nothing, only an empty answer in a handler, or in a branch that asks whether something of
    the instance or an argument is missing, is known to be one.
    """
    telling = any(row.shows in _TELLING for row in own.rows)
    found = []
    for node in own_nodes(own.function):
        if not isinstance(node, ast.Return) or not _says_failure(node.value, own):
            continue
        handler = _handler_of(node, around)
        if handler is not None and caught_only_exits(handler):
            continue
        if telling or handler is not None or _asks_absence(node, own.function, around):
            found.append(Answer(node=node, handler=handler))
    return sorted(found, key=lambda one: (one.node.lineno, one.node.col_offset))


def caught_only_exits(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler catches nothing but cancellation and exits: those are no failures."""
    if handler.type is None:
        return False
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return bool(caught) and not is_broad(handler.type) and all(name_of(one) in _EXITS for one in caught)


def _says_failure(value: ast.expr | None, own: Own) -> bool:
    match value:
        case None | ast.Constant(value=None | False):
            return True
        case ast.Call(keywords=keywords) if any(row.shows == "unsuccessful" for row in own.rows):
            given = [word.value for word in keywords if word.arg == "success"]
            return any(isinstance(one, ast.Constant) and one.value is False for one in given)
        case _:
            return False


def _handler_of(node: ast.AST, around: Around) -> ast.ExceptHandler | None:
    return next((parent for _, parent in around.upward(node) if isinstance(parent, ast.ExceptHandler)), None)


def _asks_absence(node: ast.Return, function: FunctionNode, around: Around) -> bool:
    """Tell whether the nearest `if` sends the missing case here: `not self.x`, `argument is None`."""
    for child, parent in around.upward(node):
        if isinstance(parent, ast.If):
            names = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
            return child in parent.body and all(_absent(one, names) for one in _alternatives(parent.test))
        if isinstance(parent, ast.stmt):
            return False
    return False


def _alternatives(test: ast.expr) -> Iterator[ast.expr]:
    yield from test.values if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else [test]


def _absent(test: ast.expr, names: set[str]) -> bool:
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=asked):
            pass
        case ast.Compare(left=asked, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None)]):
            pass
        case _:
            return False
    while isinstance(asked, ast.Attribute):
        asked = asked.value
    return isinstance(asked, ast.Name) and asked.id in names
