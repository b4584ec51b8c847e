"""Which strings an expression may be: a constant, a name that holds one, an element of a literal table."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.scope import Scope, bindings
from codemods.tree import name_of

__all__ = ["strings_of"]

_DEEP = 8
_MOST = 64
"Texts that a joined string is followed into."


def strings_of(node: ast.expr | None, scope: Scope) -> frozenset[str | None]:
    """Give every string an expression may be, None among them where it may be something that cannot be read here."""
    return frozenset(_texts(node, scope, 0))


def _texts(node: ast.expr | None, scope: Scope, deep: int) -> Iterator[str | None]:  # noqa: C901, PLR0912  # a case per shape
    match node:
        case _ if deep > _DEEP:
            yield None
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp():
            yield from _texts(node.body, scope, deep + 1)
            yield from _texts(node.orelse, scope, deep + 1)
        case ast.JoinedStr(values=parts):
            yield from _joined(parts, scope, deep + 1)
        case ast.FormattedValue(conversion=-1, format_spec=None):
            yield from _texts(node.value, scope, deep + 1)
        case ast.BinOp(op=ast.Add()):
            yield from _joined([node.left, node.right], scope, deep + 1)
        case ast.Name():
            for value in _values(node.id, scope):
                yield from _texts(value, scope, deep + 1)
        case ast.Call(func=ast.Name(id="next"), args=[table]):  # as `bindings` writes what a loop takes
            yield from _inside(table, scope, deep + 1, keys=True)
        case ast.Subscript(value=table):
            yield from _inside(table, scope, deep + 1, keys=False)
        case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[_, *default]):
            yield from _inside(table, scope, deep + 1, keys=False)
            for one in default:
                yield from _texts(one, scope, deep + 1)
        case _:
            yield None


def _joined(parts: list[ast.expr], scope: Scope, deep: int) -> Iterator[str | None]:
    """Give every text that the parts in a row may make; None where one of them cannot be read, or there are many."""
    found: list[str] = [""]
    for part in parts:
        texts = list(_texts(part, scope, deep))
        if None in texts or len(found) * len(texts) > _MOST:
            yield None
            return
        found = [before + str(text) for before in found for text in texts]
    yield from found


def _inside(node: ast.expr | None, scope: Scope, deep: int, *, keys: bool) -> Iterator[str | None]:
    match node:
        case _ if deep > _DEEP:
            yield None
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            for one in parts:
                yield from _texts(one, scope, deep + 1)
        case ast.Dict():
            for part in node.keys if keys else node.values:
                yield from _texts(part, scope, deep + 1)
        case ast.Call(func=ast.Attribute(value=table, attr="keys" | "values" as which)):
            yield from _inside(table, scope, deep + 1, keys=which == "keys")
        case ast.Call(args=[table]) if name_of(node.func) in {"frozenset", "list", "set", "sorted", "tuple"}:
            yield from _inside(table, scope, deep + 1, keys=keys)
        case ast.Name():
            for value in _values(node.id, scope):
                yield from _inside(value, scope, deep + 1, keys=keys)
        case _:
            yield None


def _values(name: str, scope: Scope) -> list[ast.expr | None]:
    for function in reversed(scope.functions):
        bound = bindings(function, "").get(name)
        if bound is not None:
            return [None if one.parameter else one.value for one in bound]
    held = [one.value for one in scope.module.values.get(name, [])]
    return [*held] or [None]
