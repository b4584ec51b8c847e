"""track-tasks: a task whose handle nobody keeps fails unheard, and may vanish half way; start it with `spawn`."""

from __future__ import annotations

import ast
import json

from codemods.callsites import Analysis
from codemods.classes import dotted
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.source import Edit
from codemods.tasks import Lost, lost_tasks, refusal
from codemods.tree import name_of

__all__ = ["NEEDS", "SUMMARY", "WORDS", "Strip", "propose"]

NAME = "track-tasks"
SUMMARY = "start a task whose handle nobody keeps with spawn(...), which keeps it and reports its failure"
NEEDS = ("spawn",)
WORDS = (b"create_task", b"ensure_future")


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Rewrite each start of a lost task."""
    edits: list[tuple[Edit, ...]] = []
    skipped: list[SkippedSite] = []
    for lost in lost_tasks(analysis.around):
        if reason := refusal(lost):
            skipped.append(SkippedSite(codemod=NAME, line=lost.call.lineno, reason=reason))
        else:
            edits.append(_edit(analysis, lost, names["spawn"].local))
    return Proposal(edits=tuple(edits), skipped=tuple(skipped))


def _edit(analysis: Analysis, lost: Lost, verb: str) -> tuple[Edit, ...]:
    source, call = analysis.source, lost.call
    start = source.offset(call.func.lineno, call.func.col_offset)
    end = source.offset(call.func.end_lineno or 0, call.func.end_col_offset or 0)
    edits = [Edit(start=start, end=end, new=verb)]
    if not call.keywords:
        inner = call.args[0]
        at = source.offset(inner.end_lineno or 0, inner.end_col_offset or 0)
        name = json.dumps(
            ".".join(dotted(inner.func)) if isinstance(inner, ast.Call) and dotted(inner.func) else "task"
        )
        edits.append(Edit(start=at, end=at, new=f", name={name}"))
    return tuple(edits)


class Strip(ast.NodeTransformer):
    """Reduce every start of a task, ours or asyncio's, to its coroutine; `count` counts ours."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Unwrap."""
        self.generic_visit(node)
        ours = self.known.means(node.func, frozenset(NEEDS))
        self.count += ours
        if ours or (name_of(node.func) in {"create_task", "ensure_future"} and len(node.args) == 1):
            return node.args[0]
        return node
