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
_AWAITABLE = frozenset({"create_task", "ensure_future"})
_RUNS = frozenset({"run", "run_until_complete"})
_WAITED = frozenset({"arg", "coro", "fut"})
"Names of the argument that is waited for."


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
        if isinstance(parent, ast.keyword) and parent.arg in _WAITED:
            parent = around.parent(parent)
        if isinstance(parent, ast.Await):
            node, awaited = parent, True
        elif isinstance(parent, ast.Call) and _waits(node, parent, around):
            node, waited = parent, waited or name_of(parent.func) in _WAITS
        elif isinstance(parent, ast.Call) and name_of(parent.func) in _RUNS and node in parent.args[:1] and is_async:
            node, awaited = parent, True
        elif isinstance(parent, ast.Call) and node in parent.args[:1] and is_verb(parent.func):
            node, verb = parent, parent
        else:
            break
    use = _use(node, parent, around, is_async=is_async and not awaited)
    if verb and use in ("ignored", "assigned_unused"):
        use = "passed_on"  # to the verb, which looks at it
    value = verb.args[0] if verb else node
    return Usage(use=use, awaited=awaited, value=value, waited=waited, verb=verb)


def _waits(node: ast.expr, call: ast.Call, around: Around) -> bool:
    """Tell whether a call gives the awaited thing's result: `wait_for`, or a task that is awaited at once."""
    name = name_of(call.func)
    if node not in [*call.args, *(word.value for word in call.keywords if word.arg in _WAITED)]:
        return False
    return name in _WAITS or (name in _AWAITABLE and isinstance(around.parent(call), ast.Await))


def _use(  # noqa: PLR0911  # one per form
    node: ast.expr, parent: ast.AST | None, around: Around, *, is_async: bool
) -> str:
    match parent:
        case ast.Expr():
            return "missing_await" if is_async else "ignored"
        case ast.Return() | ast.Lambda():
            return "returned"
        case ast.Assign() | ast.AnnAssign() | ast.NamedExpr():
            targets: list[ast.expr] = [*parent.targets] if isinstance(parent, ast.Assign) else [parent.target]
            use = _assigned(targets, parent, around)
            return _kept(targets, use, around, parent) if is_async else use
        case ast.BoolOp() | ast.IfExp() | ast.ListComp() | ast.SetComp() if _dropped(node, parent, around):
            return "missing_await" if is_async else "ignored"
        case ast.If() | ast.While() | ast.Assert() | ast.UnaryOp(op=ast.Not()):
            return "missing_await" if is_async else "in_condition"  # a coroutine is always true
        case ast.BoolOp() | ast.Compare():
            return "in_condition"
        case ast.IfExp() if parent.test is node:
            return "in_condition"
        case ast.comprehension() if node in parent.ifs:
            return "in_condition"
        case _:
            return _handed_on(node, around)


def _dropped(node: ast.expr, parent: ast.AST, around: Around) -> bool:
    """Tell whether nobody looks at the value of the whole: `ready and await x.m()`, `[await x.m() for ...]`."""
    if not isinstance(around.parent(parent), ast.Expr):
        return False
    match parent:
        case ast.BoolOp():
            return parent.values[-1] is node
        case ast.IfExp():
            return parent.test is not node
        case ast.ListComp() | ast.SetComp():
            return parent.elt is node
        case _:
            return False


def _handed_on(node: ast.expr, around: Around) -> str:
    for child, parent in around.upward(node):
        if isinstance(parent, ast.Call) and child is not parent.func:
            if use := _taken_by(parent):
                return use
            if isinstance(parent.func, ast.Attribute) and parent.func.attr in {"append", "add"}:
                return _names_taken([parent.func.value], parent, around) or "passed_on"
        elif isinstance(parent, ast.Assign | ast.AnnAssign):
            held: list[ast.expr] = [*parent.targets] if isinstance(parent, ast.Assign) else [parent.target]
            return _names_taken(held, parent, around) or "passed_on"
        elif isinstance(parent, ast.stmt):
            break
    return "passed_on"


def _taken_by(call: ast.Call) -> str:
    name = name_of(call.func)
    return "task_spawned" if name in _TASKS else "gathered" if name in _GATHERS else ""


def _names_taken(targets: list[ast.expr], at: ast.AST, around: Around) -> str:
    """Say what takes a local name that holds coroutines: a gather, a task; empty where neither does."""
    names = {one.id for one in targets if isinstance(one, ast.Name)}
    function = around.function(at)
    for node in own_nodes(function) if function is not None and names else ():
        if isinstance(node, ast.Call) and (use := _taken_by(node)):
            inside = [each for one in node.args for each in ast.walk(one)]
            if any(isinstance(one, ast.Name) and one.id in names for one in inside):
                return use
    return ""


def _kept(targets: list[ast.expr], use: str, around: Around, at: ast.AST) -> str:
    """Say what becomes of a coroutine under a local name: a name nobody reads is never awaited."""
    if use == "assigned_unused":
        return "missing_await"
    return _names_taken(targets, at, around) or ("passed_on" if use == "assigned_checked" else use)


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
