"""Tasks that are started and forgotten: asyncio keeps a weak reference only, and their failure is told to nobody.

Source: the asyncio documentation of `create_task`: save a reference to the result, to avoid a task disappearing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

from codemods.classes import dotted
from codemods.tree import Around, name_of

__all__ = ["Lost", "lost_tasks", "refusal"]

_STARTS = frozenset({"create_task", "ensure_future"})
_GROUPS = ("group", "tg", "nursery")
_RUNNING = frozenset({"get_running_loop", "get_event_loop"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """One start of a task whose handle is dropped."""

    call: ast.Call
    in_async: bool
    on_running_loop: bool


def lost_tasks(around: Around) -> list[Lost]:
    """Find starts of tasks whose handle is dropped, or kept in a name nobody reads; in the order of the text."""
    found = [node for node in around.of_kind(ast.Call) if name_of(node.func) in _STARTS and _is_dropped(node, around)]
    lost = [
        Lost(call=node, in_async=_in_async(node, around), on_running_loop=_runs(node.func))
        for node in found
        if not _in_group(node.func)
    ]
    return sorted(lost, key=lambda one: (one.call.lineno, one.call.col_offset))


def refusal(lost: Lost) -> str:
    """Say why `spawn` cannot start the task; empty where it can."""
    call = lost.call
    if not lost.on_running_loop:
        return "started on a loop of its own: spawn starts on the running one"
    if len(call.args) != 1 or isinstance(call.args[0], ast.Starred) or not isinstance(call.args[0], ast.Call):
        return "not given a coroutine call: spawn takes a coroutine"
    if any(word.arg != "name" for word in call.keywords):
        return "started with arguments that spawn has not"
    if not lost.in_async:
        return "not in an async function: there may be no running loop"
    return ""


def _is_dropped(node: ast.Call, around: Around) -> bool:
    parent = around.parent(node)
    if isinstance(parent, ast.Expr):
        return True
    function = around.function(node)
    if not isinstance(parent, ast.Assign) or function is None or len(parent.targets) != 1:
        return False
    target = parent.targets[0]
    if not isinstance(target, ast.Name):
        return False
    outer = [n for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal) and target.id in n.names]
    return not outer and not any(
        isinstance(n, ast.Name) and n.id == target.id and isinstance(n.ctx, ast.Load) for n in ast.walk(function)
    )


def _in_async(node: ast.AST, around: Around) -> bool:
    return isinstance(around.function(node), ast.AsyncFunctionDef)


def _in_group(func: ast.expr) -> bool:
    """Tell whether a task group starts the task: it keeps and awaits what is started in it."""
    if not isinstance(func, ast.Attribute):
        return False
    owner = name_of(func.value).lower()
    return any(owner == part or owner.endswith(f"_{part}") for part in _GROUPS) or "taskgroup" in owner.replace("_", "")


def _runs(func: ast.expr) -> bool:
    """Tell whether the task starts on the running loop: `asyncio.create_task`, or that of a loop just asked for."""
    if isinstance(func, ast.Name):
        return True
    if not isinstance(func, ast.Attribute):
        return False
    if isinstance(func.value, ast.Call):
        return name_of(func.value.func) in _RUNNING
    return dotted(func.value) == ["asyncio"]
