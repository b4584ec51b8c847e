"""How an exception of a call arrives in the function that calls: at once, where its task is awaited, or never."""

from __future__ import annotations

import ast
from collections.abc import Callable

from codemods.flow.futures import Form, called_back, uses
from codemods.tree import Around, name_of

__all__ = ["form_of"]

_THROUGH = frozenset({"shield", "wait_for"})
_TASKS = frozenset({"create_task", "ensure_future", "start_soon"})
_RUNS = frozenset({"run", "run_until_complete", "run_coroutine_threadsafe"})
_COLLECTS = frozenset({"as_completed", "wait"})
_GROUPS = frozenset({"TaskGroup", "create_task_group", "open_nursery"})
_LOOPS = ast.For | ast.AsyncFor | ast.comprehension
_DRAINS = frozenset(
    {"all", "any", "deque", "dict", "frozenset", "join", "list", "max", "min", "next", "set", "sorted", "sum", "tuple"}
)
"Calls that loop over their argument."
_KEPT = ("append", "add", "put_nowait", "setdefault")


def form_of(call: ast.expr, around: Around, verb: Callable[[ast.expr], str]) -> Form:  # noqa: C901, PLR0911, PLR0912  # one per place
    """Follow a call's value to the place where its exception comes up. `verb` knows our own names."""
    node, awaited = call, False
    while True:
        parent = around.parent(node)
        holder = around.parent(parent) if isinstance(parent, ast.keyword | ast.Starred) else parent
        if isinstance(parent, ast.Await):
            return Form("call", node, awaited=True)
        if isinstance(parent, _LOOPS) and parent.iter is node:
            return Form("call", node, awaited=awaited, iterated=True)
        if isinstance(parent, ast.YieldFrom):
            return Form("call", node, awaited=True, iterated=True)
        if isinstance(parent, ast.withitem):
            return Form("call", around.parent(parent) or node, awaited=True, iterated=True)
        if isinstance(holder, ast.Call) and node is not holder.func:
            if (found := _taken(node, holder, around, verb)) is not None:
                return found
            if name_of(holder.func) in _DRAINS and node in holder.args:
                return Form("call", node, awaited=awaited, iterated=True)
            if name_of(holder.func) not in _THROUGH:
                return Form("call", node, given=holder)
            node = holder
            continue
        if isinstance(parent, ast.Return | ast.Lambda):
            return Form("returned", node)
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            return _assigned(node, parent, around, task=False) or Form("call", node, detail="its coroutine is kept")
        if isinstance(parent, ast.IfExp) and parent.test is not node:
            node = parent
            continue
        if isinstance(parent, ast.ListComp | ast.List | ast.Tuple | ast.GeneratorExp | ast.SetComp | ast.Dict):
            return _listed(parent, around, verb, task=False) or Form("call", node, detail="its coroutine is kept")
        return Form("call", node)


def _taken(node: ast.expr, call: ast.Call, around: Around, verb: Callable[[ast.expr], str]) -> Form | None:  # noqa: PLR0911  # one per name
    name = name_of(call.func)
    if verb(call.func) == "spawn":
        return Form("spawned", call, awaited=True)
    if name == "gather":
        return _gathered(call, around)
    if name in _TASKS:
        return _task(call, around, verb)
    if name in _RUNS and node in call.args[:1]:
        if name == "run_coroutine_threadsafe" and not _asked(call, around):
            return Form("task lost", call, awaited=True, detail="nobody asks the future for its result")
        return Form("call", call, awaited=True)
    if name in _COLLECTS:
        return Form("call", call, awaited=True, collected=-call.lineno)
    if name in _KEPT and isinstance(call.func, ast.Attribute):
        return _in_list(call.func.value, call, around, task=False)
    return None


def _asked(call: ast.Call, around: Around) -> bool:
    parent = around.parent(call)
    return isinstance(parent, ast.Attribute) and parent.attr == "result"


def _gathered(call: ast.Call, around: Around) -> Form:
    keeps = next((one.value for one in call.keywords if one.arg == "return_exceptions"), None)
    kept = isinstance(keeps, ast.Constant) and keeps.value is True
    at = _where_awaited(call, around)
    if at is None:
        return Form("task lost", call, awaited=True, detail="the gather is not awaited")
    if keeps is not None and not isinstance(keeps, ast.Constant):
        return Form("call", at, awaited=True, collected=-call.lineno)
    dropped = isinstance(around.parent(at), ast.Expr)
    return Form("call", at, awaited=True, collected=(call.lineno if dropped else -call.lineno) if kept else 0)


def _where_awaited(node: ast.expr, around: Around) -> ast.AST | None:
    """Give the node where a future is awaited: here, inside `wait_for`, or under a name in the same function."""
    while True:
        parent = around.parent(node)
        if isinstance(parent, ast.Await):
            return parent
        if isinstance(parent, ast.Return):
            return parent
        if isinstance(parent, ast.Call) and name_of(parent.func) in {*_THROUGH, "run_until_complete"}:
            node = parent
            continue
        if isinstance(parent, ast.Assign | ast.NamedExpr):
            found = _assigned(node, parent, around, task=True)
            return found.at if found is not None else None
        return None


def _task(call: ast.Call, around: Around, verb: Callable[[ast.expr], str]) -> Form:  # noqa: PLR0911  # one per place
    parent = around.parent(call)
    if isinstance(call.func, ast.Attribute) and (group := _group(call, around)) is not None:
        return Form("call", group, awaited=True, grouped=True)
    if isinstance(parent, ast.Await):
        return Form("call", parent, awaited=True)
    if isinstance(parent, ast.Call) and name_of(parent.func) in {"gather", *_COLLECTS, *_THROUGH}:
        taken = _taken(call, parent, around, verb)
        return taken or Form("call", parent, awaited=True)
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return _assigned(call, parent, around, task=True) or Form("task kept", call, awaited=True, detail="kept")
    if isinstance(parent, ast.Call) and name_of(parent.func) in _KEPT and isinstance(parent.func, ast.Attribute):
        found = _in_list(parent.func.value, parent, around, task=True)
        return found or Form("task kept", call, awaited=True, detail=f"kept in {ast.unparse(parent.func.value)}")
    if isinstance(parent, ast.ListComp | ast.List | ast.Tuple | ast.SetComp | ast.GeneratorExp):
        return _listed(parent, around, verb, task=True) or Form("task kept", call, awaited=True, detail="kept")
    if isinstance(parent, ast.Return):
        return Form("task kept", call, awaited=True, detail="handed to the caller")
    if isinstance(parent, ast.Attribute) and parent.attr == "add_done_callback":
        return called_back(call, parent, around)
    return Form("task lost", call, awaited=True, detail="nobody keeps the task")


def _group(call: ast.Call, around: Around) -> ast.AST | None:
    """Give the `async with TaskGroup() as name` a task is made in."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    for _, parent in around.upward(call):
        for item in parent.items if isinstance(parent, ast.AsyncWith) else ():
            given, bound = item.context_expr, item.optional_vars
            makes = isinstance(given, ast.Call) and name_of(given.func) in _GROUPS
            if makes and isinstance(owner, ast.Name) and isinstance(bound, ast.Name) and bound.id == owner.id:
                return parent
    return None


def _assigned(
    node: ast.expr, parent: ast.Assign | ast.AnnAssign | ast.NamedExpr, around: Around, *, task: bool
) -> Form | None:
    """Find where what a local name holds is awaited in the same function; None where it is kept elsewhere."""
    targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
    names = {one.id for one in targets if isinstance(one, ast.Name)}
    if not names or len(names) != len(targets):
        return None
    return _under(names, node, around, task=task)


def _under(  # noqa: PLR0911  # one per use
    names: set[str], node: ast.expr, around: Around, *, task: bool
) -> Form | None:
    """Find what becomes of a task or coroutine under local names; what awaits it comes before all else."""
    found = list(uses(names, node, around))
    for use, parent in found:
        if isinstance(parent, ast.Await):
            return Form("call", parent, awaited=True)
        if isinstance(parent, _LOOPS) and parent.iter is use:
            return Form("call", use, awaited=False, iterated=True)
    for _, parent in found:
        if isinstance(parent, ast.Attribute) and parent.attr == "add_done_callback":
            return called_back(node, parent, around)
    parents = [parent for _, parent in found]
    for use, _ in found:
        if (form := _given_on(use, parents, around, task=task)) is not None:
            return form
    attributes = [one.attr if isinstance(one, ast.Attribute) else "" for one in parents]
    if task and {"result", "exception"} & set(attributes):
        return Form("task kept", node, awaited=True, detail="its result is asked for")
    if task and all(name == "cancel" for name in attributes):
        return Form("task lost", node, awaited=True, detail="the task is not awaited")
    return None


def _given_on(use: ast.AST, parents: list[ast.AST | None], around: Around, *, task: bool) -> Form | None:
    """Look at the call a name is handed to, by itself, starred or in a display."""
    holder = around.parent(use)
    while isinstance(holder, ast.List | ast.Tuple | ast.Set | ast.Starred | ast.keyword):
        holder = around.parent(holder)
    if not isinstance(holder, ast.Call) or use is holder.func:
        return None
    name = name_of(holder.func)
    if name == "gather":
        return _gathered(holder, around)
    if name in _THROUGH and (at := _where_awaited(holder, around)) is not None:
        return Form("call", at, awaited=True)
    if name in _COLLECTS:
        return _waited(holder, parents, around)
    return _task(holder, around, lambda _node: "") if name in _TASKS and not task else None


def _waited(call: ast.Call, parents: list[ast.AST | None], around: Around) -> Form:
    """`wait` raises nothing: the failure is lost unless somebody asks a task for its result."""
    awaited = around.parent(call)
    asked = any(isinstance(one, ast.Attribute) and one.attr in {"result", "exception"} for one in parents)
    if isinstance(awaited, ast.Await) and isinstance(around.parent(awaited), ast.Expr) and not asked:
        return Form("task lost", call, awaited=True, detail=f"{name_of(call.func)} waits for it and raises nothing")
    return Form("call", call, awaited=True, collected=-call.lineno)


def _in_list(held: ast.expr, node: ast.expr, around: Around, *, task: bool) -> Form | None:
    """Find where the list a task or coroutine is put into is gathered in the same function."""
    return _under({held.id}, node, around, task=task) if isinstance(held, ast.Name) else None


def _listed(node: ast.expr, around: Around, verb: Callable[[ast.expr], str], *, task: bool) -> Form | None:
    """Find where a list display or comprehension of tasks or coroutines goes."""
    parent = around.parent(node)
    while isinstance(parent, ast.Starred | ast.List | ast.Tuple):
        node, parent = parent, around.parent(parent)
    if isinstance(parent, ast.Call):
        return _taken(node, parent, around, verb)
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return _assigned(node, parent, around, task=task)
    return None
