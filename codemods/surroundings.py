"""What stands around a call: except bodies, guards, loops, other work in the same `try`; the hazards of a rewrite."""

from __future__ import annotations

import ast
import re

from codemods.candidates import Candidate
from codemods.classes import dotted
from codemods.handlers import Level
from codemods.scope import own_nodes
from codemods.tree import Around
from codemods.usage import Usage
from codemods.verdict import Verdict

__all__ = [
    "hazards_of", "in_except", "in_finally", "is_cleanup", "kind_shown", "reached", "shown_level", "success_follows",
]  # fmt: skip

_CLEANUP = re.compile(
    r"(^|_)(aclose|cleanup|clean_up|close|dispose|shutdown|teardown|tear_down)(_|$)|^__(aexit|exit|del)__$"
)


def hazards_of(
    one: Candidate, around: Around, verdict: Verdict, usage: Usage, levels: tuple[Level, ...]
) -> tuple[str, ...]:
    """Name what makes a rewrite here delicate."""
    found = {
        "in_loop": any(isinstance(p, ast.For | ast.AsyncFor | ast.While) for _, p in around.upward(one.call)),
        "hasattr_guard": _guarded(one, around),
        "wait_for": usage.waited,
        "finally_returns": any(level.finally_leaves for level in levels),
        "except_group": any(isinstance(level.node, ast.TryStar) for level in levels),
        "suppress": any(isinstance(level.node, ast.With | ast.AsyncWith) for level in levels),
        "type_changed": any(level.changes_type for level in levels),
        "shares_try": any(_shares(one.call, level) for level in levels if level.swallows),
        "declared_none": any(row.shows == "never" for row in verdict.rows),
        "missing_await": usage.use == "missing_await",
    }
    return tuple(name for name, holds in found.items() if holds)


def reached(levels: tuple[Level, ...]) -> tuple[Level, ...]:
    """Give the levels a loud failure meets: a clause that raises lets it on, one that keeps it is the end."""
    ends = [at for at, level in enumerate(levels) if level.kind == "loud_kept"]
    met = levels[: ends[0]] if ends else levels
    return tuple(level for level in met if level.kind != "loud" or level.finally_leaves)


def shown_level(levels: tuple[Level, ...]) -> Level | None:
    """Pick the level a report names: the first that swallows, else the first broad one, else the first."""
    for wanted in (lambda x: x.swallows, lambda x: x.kind.startswith("broad"), lambda x: not x.kind.startswith("loud")):
        for level in levels:
            if wanted(level):
                return level
    return None


def kind_shown(level: Level | None) -> str:
    """Name a level as reports do."""
    if level is None or (level.handler is None and level.kind == "narrow" and not getattr(level.node, "handlers", [])):
        return "none"
    return level.kind if not level.finally_leaves or level.kind.startswith("broad_") else "broad_other"


def is_cleanup(name: str) -> bool:
    """Tell by its name whether a function is best-effort clean-up."""
    return bool(_CLEANUP.search(name))


def in_except(node: ast.AST, around: Around) -> bool:
    """Tell whether a node stands in an except body."""
    return any(isinstance(parent, ast.ExceptHandler) for _, parent in around.upward(node))


def in_finally(node: ast.AST, around: Around) -> bool:
    """Tell whether a node stands in a finally body."""
    return any(isinstance(p, ast.Try | ast.TryStar) and c in p.finalbody for c, p in around.upward(node))


def success_follows(call: ast.expr, around: Around) -> bool:
    """Tell whether the function says True after the call, wherever that is not in a handler."""
    function = around.function(call)
    return function is not None and any(
        isinstance(n, ast.Return)
        and isinstance(n.value, ast.Constant)
        and n.value.value is True
        and n.lineno > call.lineno
        and not in_except(n, around)
        for n in own_nodes(function)
    )


def _guarded(one: Candidate, around: Around) -> bool:
    for _, parent in around.upward(one.call):
        if isinstance(parent, ast.If | ast.IfExp):
            for node in ast.walk(parent.test):
                if isinstance(node, ast.Call) and dotted(node.func) == ["hasattr"] and len(node.args) > 1:
                    name = node.args[1]
                    if isinstance(name, ast.Constant) and name.value == one.method:
                        return True
    return False


def _shares(call: ast.expr, level: Level) -> bool:
    """Tell whether the try body does other work than this call: other awaits."""
    if isinstance(level.node, ast.With | ast.AsyncWith):
        return False
    awaits = [n for s in level.node.body for n in ast.walk(s) if isinstance(n, ast.Await)]
    return any(not any(inner is call for inner in ast.walk(n)) for n in awaits)
