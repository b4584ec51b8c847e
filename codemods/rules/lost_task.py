"""lost-task: a task whose handle nobody keeps; it may vanish half way, and its failure is told to nobody.

Starts on an event loop only: `asyncio.create_task`, `ensure_future`, a loop's own. A `create_task` of anything else
(a task group, a pool, a project's own class) may keep what it starts.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.classes import dotted
from codemods.finding import Cause, Finding, finding_at
from codemods.tasks import Lost, lost_tasks, refusal
from codemods.tree import name_of

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL006"
SUMMARY = "a task that is started and forgotten"
CAUSE = Cause.RESULT_IGNORED
WORDS = (b"create_task", b"ensure_future")


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each start."""
    for lost in lost_tasks(looked.around):
        if _on_a_loop(lost, looked):
            message = f"the task of {_what(lost.call)} is kept by nobody: it may vanish, and its failure is never told"
            fix = "" if refusal(lost) else "track-tasks"
            yield finding_at(lost.call, looked, code=CODE, message=message, fix=fix)


def _on_a_loop(lost: Lost, looked: Analysis) -> bool:
    func = lost.call.func
    if isinstance(func, ast.Name):
        module = looked.around.module
        imported = module.imports.get(func.id)
        return func.id not in module.functions and (imported is None or imported.module.startswith("asyncio"))
    return lost.on_running_loop or (isinstance(func, ast.Attribute) and "loop" in name_of(func.value).lower())


def _what(call: ast.Call) -> str:
    inner = call.args[0] if call.args else None
    return ".".join(dotted(inner.func)) or "a coroutine" if isinstance(inner, ast.Call) else "a coroutine"
