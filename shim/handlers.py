"""Which statement of a function stopped an exception: read from the source, long after it happened.

Off the hot path, and never a guess: where the source is not there, or two handlers could have done it, nothing is
said.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["stands_in_handler", "stopping_line"]

_Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_Stopper = ast.Try | ast.TryStar | ast.With | ast.AsyncWith
_OTHER_SCOPE = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@lru_cache(maxsize=1024)
def stopping_line(file: str, function: str, first: int, line: int, names: frozenset[str]) -> int | None:
    """Give the line of the handler, `suppress` or `finally` that stopped what came out of `line`.

    `function` and `first` are the code object's name and first line; `names` the exception's class names, up to
    BaseException. None where that cannot be told.
    """
    scope = _scope(_tree(file), function, first)
    if scope is None:
        return None
    for node in reversed(list(_around(scope.body, line))):
        found, sure = _stops(node, line, names)
        if found is not None:
            return found if sure else None
    return None


@lru_cache(maxsize=1024)
def stands_in_handler(file: str, function: str, first: int, raised: int, now: int, names: frozenset[str]) -> bool:
    """Say whether line `now` is in the handler, `finally` or exit of a `with` that what came out of `raised` went to.

    `function` and `first` are the code object's name and first line; `names` the exception's class names, up to
    BaseException. False where that cannot be told.
    """
    scope = _scope(_tree(file), function, first)
    for node in () if scope is None else reversed(list(_around(scope.body, raised))):
        if not any(_covers(statement, raised) for statement in node.body):
            continue
        if isinstance(node, ast.With | ast.AsyncWith):
            if any(_covers(item, now) for item in node.items):
                return True
            continue
        caught = [each for each in node.handlers if each.type is None or _matches(each.type, names)]
        if any(_covers(each, now) for each in (*caught[:1], *node.finalbody)):
            return True
        if caught:
            return False  # it went in there, and has left
    return False


@lru_cache(maxsize=8)
def _tree(file: str) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):  # no Python source: "cannot be told" is the answer
        return None


def _scope(tree: ast.Module | None, function: str, first: int) -> _Scope | None:
    if tree is None or function == "<module>":
        return tree
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            begins = min((each.lineno for each in (*node.decorator_list, node)), default=node.lineno)
            if begins == first:
                return node
    return None


def _around(body: Iterable[ast.AST], line: int) -> Iterator[_Stopper]:
    """Give the try and with statements around a line of this very scope, outermost first."""
    for node in body:
        if not _covers(node, line) or isinstance(node, _OTHER_SCOPE):
            continue
        if isinstance(node, _Stopper):
            yield node
        yield from _around(ast.iter_child_nodes(node), line)


def _covers(node: ast.AST, line: int) -> bool:
    begins = getattr(node, "lineno", None)
    if begins is None:  # a part without a place of its own, such as a match case or a with item
        return any(_covers(child, line) for child in ast.iter_child_nodes(node))
    return int(begins) <= line <= int(getattr(node, "end_lineno", None) or begins)


def _stops(node: _Stopper, line: int, names: frozenset[str]) -> tuple[int | None, bool]:
    """Give the line where a statement stops the exception, and whether that is sure."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return (node.lineno if any(_suppresses(item.context_expr, names) for item in node.items) else None), True
    for statement in node.finalbody:
        if isinstance(statement, ast.Return | ast.Break | ast.Continue):
            return statement.lineno, True
    if not any(_covers(statement, line) for statement in node.body):
        return None, True  # it came out of a handler, `else` or `finally`
    for handler in node.handlers:
        if handler.type is None or _matches(handler.type, names):
            if isinstance(handler.body[-1], ast.Raise):
                return None, True
            return handler.lineno, not any(isinstance(each, ast.Raise) for each in ast.walk(handler))
    return None, True


def _suppresses(call: ast.expr, names: frozenset[str]) -> bool:
    return (
        isinstance(call, ast.Call)
        and _last(call.func) == "suppress"
        and any(_matches(each, names) for each in call.args)
    )


def _matches(kind: ast.expr, names: frozenset[str]) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(_matches(each, names) for each in kind.elts)
    return _last(kind) in names


def _last(name: ast.expr) -> str:
    return name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
