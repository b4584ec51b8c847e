"""What becomes of a call's result."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from codemods.scope import own_nodes
from codemods.tree import Around, name_of

__all__ = ["Usage", "usage_of"]

_WAITS = frozenset({"wait_for", "shield", "timeout"})
_TASKS = frozenset({"create_task", "ensure_future", "spawn", "run_coroutine_threadsafe"})
_GATHERS = frozenset({"gather", "wait", "as_completed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """`use` as in DESIGN section 7; `value` is the outermost expression that still is the result."""

    use: str
    awaited: bool
    value: ast.expr
    waited: bool = False
    "Wrapped in `wait_for` or the like."
    verb: ast.Call | None = None
    "A call of ours around it: `delivered(...)`."


def usage_of(call: ast.expr, around: Around, is_verb: Callable[[ast.expr], bool], *, is_async: bool) -> Usage:
    """Follow a call's value upwards. `is_verb` knows `delivered` by its names in this module."""
    node, awaited, waited = call, False, False
    verb: ast.Call | None = None
    while True:
        parent = around.parent(node)
        if isinstance(parent, ast.Await):
            node, awaited = parent, True
        elif isinstance(parent, ast.Call) and node in parent.args and name_of(parent.func) in _WAITS:
            node, waited = parent, True
        elif isinstance(parent, ast.Call) and node in parent.args[:1] and is_verb(parent.func):
            node, verb = parent, parent
        else:
            break
    use = _use(node, parent, around, is_async=is_async and not awaited)
    if verb and use in ("ignored", "assigned_unused"):
        use = "passed_on"  # to the verb, which looks at it
    value = verb.args[0] if verb else node
    return Usage(use=use, awaited=awaited, value=value, waited=waited, verb=verb)


def _use(node: ast.expr, parent: ast.AST | None, around: Around, *, is_async: bool) -> str:
    match parent:
        case ast.Expr():
            return "missing_await" if is_async else "ignored"
        case ast.Return() | ast.Lambda():
            return "returned"
        case ast.Assign() | ast.AnnAssign() | ast.NamedExpr():
            targets: list[ast.expr] = [*parent.targets] if isinstance(parent, ast.Assign) else [parent.target]
            return _assigned(targets, parent, around)
        case ast.If() | ast.While() | ast.Assert() | ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return "in_condition"
        case ast.IfExp() if parent.test is node:
            return "in_condition"
        case _:
            return _handed_on(node, around)


def _handed_on(node: ast.expr, around: Around) -> str:
    for _, parent in around.upward(node):
        if isinstance(parent, ast.Call):
            name = name_of(parent.func)
            if name in _TASKS:
                return "task_spawned"
            if name in _GATHERS:
                return "gathered"
        elif isinstance(parent, ast.stmt):
            break
    return "passed_on"


def _assigned(targets: list[ast.expr], at: ast.AST, around: Around) -> str:
    names = {t.id for t in targets if isinstance(t, ast.Name)}
    function = around.function(at)
    if len(names) != len(targets) or function is None:
        return "passed_on"
    loads = [
        n for n in own_and_inner(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and n.id in names
    ]
    line = getattr(at, "lineno", 0)
    later = [n for n in loads if n.lineno >= line or _loops(at, around)]
    if not later:
        return "assigned_unused"
    if any(_tested(n, around) for n in later):
        return "assigned_checked"
    if all(isinstance(around.parent(n), ast.Return) for n in later):
        return "returned"
    return "passed_on"


def own_and_inner(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.AST]:
    """Give a function's nodes, those of inner functions included: closures load names too."""
    return [
        *own_nodes(function),
        *(inner for node in function.body for inner in ast.walk(node) if isinstance(inner, ast.Name)),
    ]


def _loops(node: ast.AST, around: Around) -> bool:
    return any(isinstance(parent, ast.For | ast.AsyncFor | ast.While) for _, parent in around.upward(node))


def _tested(node: ast.AST, around: Around) -> bool:
    for child, parent in around.upward(node):
        if isinstance(parent, ast.If | ast.While | ast.IfExp | ast.Assert):
            return child is parent.test
        if isinstance(parent, ast.Call) and name_of(parent.func) not in {"isinstance", "bool", "hasattr", "getattr"}:
            return False
        if isinstance(parent, ast.stmt):
            return False
    return False
