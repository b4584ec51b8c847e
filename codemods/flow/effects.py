"""What a handler does with a failure it keeps, in the words of the design: log, return False, retry, ..."""

from __future__ import annotations

import ast
from collections.abc import Callable

from codemods.logs import log_level
from codemods.scope import nodes_in
from codemods.tree import Around, name_of

__all__ = ["RESTARTS", "effects_of"]

RESTARTS = "retry"
_UNDOES = frozenset({"abort", "rollback", "savepoint_rollback"})
_QUIET = frozenset({"append", "debug", "dict", "format", "getattr", "int", "isinstance", "len", "list", "now", "print",
                    "repr", "str", "time", "type", "update"})  # fmt: skip


def effects_of(
    handler: ast.ExceptHandler, node: ast.Try | ast.TryStar, around: Around, contracted: Callable[[str], bool]
) -> tuple[str, ...]:
    """Name what a handler does, in the order of the text. `contracted` knows the names of the host's methods."""
    found: dict[str, None] = {}
    inner = sorted(nodes_in(handler.body), key=lambda one: (getattr(one, "lineno", 0), getattr(one, "col_offset", 0)))
    for one in inner:
        if isinstance(one, ast.Call):
            name = name_of(one.func)
            if level := log_level(one):
                found[f"log ({level})"] = None
            elif name in _UNDOES:
                found["roll back"] = None
            elif contracted(name):
                found["notify again"] = None
            elif isinstance(around.parent(one), ast.Await) and name not in _QUIET and name != "sleep":
                found[f"run {name}"] = None
        elif isinstance(one, ast.Return):
            found[_returned(one.value)] = None
    if restarts(handler, node, around):
        found[RESTARTS] = None
    if not found:
        found["does nothing" if all(isinstance(one, ast.Pass) for one in handler.body) else "goes on"] = None
    return tuple(found)


def _returned(value: ast.expr | None) -> str:
    match value:
        case None | ast.Constant(value=None):
            return "return None"
        case ast.Constant(value=constant):
            return f"return {constant!r}"
        case ast.Call():
            return f"return {name_of(value.func) or 'a result'}(...)"
        case _:
            return "return a result"


def restarts(handler: ast.ExceptHandler, node: ast.Try | ast.TryStar, around: Around) -> bool:
    """Tell whether the `try` runs again after this handler: it ends a loop's round, and success leaves the loop.

    A loop that goes on after success as well handles one item after the other: that is no retry.
    """
    loop = next(
        (p for _, p in around.upward(node) if isinstance(p, ast.For | ast.AsyncFor | ast.While | ast.ExceptHandler)),
        None,
    )
    if not isinstance(loop, ast.For | ast.AsyncFor | ast.While) or not _goes_round(handler.body):
        return False
    succeeds = [*node.body, *node.orelse, *_after(node, around)]
    return any(isinstance(one, ast.Return | ast.Break) for one in nodes_in(succeeds))


def _goes_round(body: list[ast.stmt]) -> bool:
    """Tell whether some way through a handler reaches the next round."""
    last = body[-1]
    if isinstance(last, ast.Raise | ast.Return | ast.Break):
        return any(isinstance(one, ast.Continue) for one in nodes_in(body))
    return True


def _after(node: ast.stmt, around: Around) -> list[ast.stmt]:
    """Give what follows a statement in its block."""
    parent = around.parent(node)
    for name in ("body", "orelse", "finalbody"):
        block: list[ast.stmt] = getattr(parent, name, [])
        if node in block:
            return block[block.index(node) + 1 :]
    return []
