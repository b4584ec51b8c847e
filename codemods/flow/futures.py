"""Where an exception comes up, and the future that carries it there: of an executor, of a task with a callback."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from codemods.scope import own_nodes
from codemods.tree import Around

__all__ = ["Form", "called_back", "future_of", "uses"]


class Form(NamedTuple):
    """`at` is the node where the exception comes up; `name` as in `facts.Edge.form`."""

    name: str
    at: ast.AST
    awaited: bool = False
    iterated: bool = False
    collected: int = 0
    "The line of a gather that keeps exceptions as values, negative where it may, or somebody takes the values."
    grouped: bool = False
    detail: str = ""
    given: ast.Call | None = None
    "The call the coroutine is handed to, where that is not one of asyncio's."
    callback: ast.expr | None = None
    "What looks at the task when it is done."


def called_back(node: ast.expr, attribute: ast.Attribute, around: Around) -> Form:
    """Say that a callback gets the task or future: `task.add_done_callback(ended)`."""
    call = around.parent(attribute)
    callback = call.args[0] if isinstance(call, ast.Call) and call.args else None
    return Form("done-callback", node, awaited=True, callback=callback)


def future_of(call: ast.Call, around: Around) -> Form:
    """Follow the future of `executor.submit(f)`: its exception comes up where somebody asks for the result."""
    parent = around.parent(call)
    if isinstance(parent, ast.Expr):
        return Form("task lost", call, detail="nobody keeps the future")
    if isinstance(parent, ast.Attribute):
        return (
            called_back(call, parent, around) if parent.attr == "add_done_callback" else _result(parent, call, around)
        )
    names = {one.id for one in getattr(parent, "targets", ()) if isinstance(one, ast.Name)}
    for _, use in uses(names, call, around):
        if isinstance(use, ast.Attribute) and use.attr == "result":
            return _result(use, call, around)
    for _, use in uses(names, call, around):
        if isinstance(use, ast.Attribute) and use.attr == "add_done_callback":
            return called_back(call, use, around)
    return Form("task kept", call, detail="a future of an executor")


def _result(attribute: ast.Attribute, call: ast.Call, around: Around) -> Form:
    asks = attribute.attr == "result"
    return Form("call", around.parent(attribute) or call, awaited=True) if asks else Form("task kept", call)


def uses(names: set[str], node: ast.expr, around: Around) -> Iterator[tuple[ast.expr, ast.AST | None]]:
    """Give each use of local names in the function around a node, and what it is part of."""
    function = around.function(node)
    for one in own_nodes(function) if function is not None else around.module.tree.body:
        if isinstance(one, ast.Name) and one.id in names and isinstance(one.ctx, ast.Load):
            yield one, around.parent(one)
