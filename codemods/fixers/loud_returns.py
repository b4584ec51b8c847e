"""loud-returns: inside a contracted method, say that the answer it gives is a failure; the answer stays what it is.

For hosts that want their own code to be loud, also where no shim covers the class, and after the shims are taken out.
Where a shim does cover it, the call is still recorded once, now with the exception that the method itself swallows.
"""

from __future__ import annotations

import ast
import json
from functools import partial

from codemods.callsites import Analysis
from codemods.handlers import Level, levels_of
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.own import Answer, Own, answers_of
from codemods.proposal import Proposal
from codemods.scope import own_nodes
from codemods.source import Edit
from codemods.surroundings import in_finally
from codemods.work import in_unit_of_work

__all__ = ["APART", "NEEDS", "SUMMARY", "Strip", "propose"]

NAME = "loud-returns"
SUMMARY = "pass the failing answers of a contracted method through delivered(..., own=True), which reports them"
NEEDS = ("delivered",)
APART = "the shims report these answers already; for code that is to be loud without them"


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Rewrite each failing answer of the contracted methods that this module defines."""
    edits: list[tuple[Edit, ...]] = []
    skipped: list[SkippedSite] = []
    for own in analysis.own:
        answers = answers_of(own, analysis.around)
        for answer in answers:
            if reason := _refusal(own, answer, answers, analysis):
                skipped.append(SkippedSite(codemod=NAME, line=answer.node.lineno, reason=reason))
            else:
                edits.append(_edit(own, answer.node, analysis, names["delivered"].local))
    return Proposal(edits=tuple(edits), skipped=tuple(skipped))


def _refusal(own: Own, answer: Answer, answers: list[Answer], analysis: Analysis) -> str:  # noqa: PLR0911  # one reason each
    if len(own.rows) > 1:
        return f"may be any of {', '.join(row.key for row in own.rows)}"
    if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own_nodes(own.function)):
        return "in a generator: its answer is not what it returns"
    if in_finally(answer.node, analysis.around):
        return "a return in finally drops every exception: rewrite that first"
    if answer.handler is not None:
        return ""  # escalated there: nothing is raised out of an except body
    if in_unit_of_work(answer.node, analysis.around, analysis.classes.project):
        return "in or after a unit of work: a raise would undo it"
    caught_by = partial(_stops, answers={id(one.node) for one in answers})
    stopping = next(filter(caught_by, _levels(answer.node, analysis)), None)
    if stopping is None:
        return ""
    return f"a raise would end in the handler on line {stopping.line}: put 'except LoudFailure: raise' before it first"


def _levels(node: ast.Return, analysis: Analysis) -> tuple[Level, ...]:
    return levels_of(node, analysis.around, analysis.known.is_loud, lambda _call: False)


def _stops(level: Level, answers: set[int]) -> bool:
    """Tell whether a raise would end here unheard; a handler that answers failure itself hears it."""
    last = level.handler.body[-1] if level.handler is not None and not level.finally_leaves else None
    heard = isinstance(last, ast.Return) and (id(last) in answers or _given(last.value) is not None)
    return level.swallows and not heard


def _given(value: ast.expr | None) -> ast.Call | None:
    """Give a call that says `own=True`: an answer that is loud already."""
    if isinstance(value, ast.Call) and any(word.arg == "own" for word in value.keywords):
        return value
    return None


def _edit(own: Own, node: ast.Return, analysis: Analysis, verb: str) -> tuple[Edit, ...]:
    source = analysis.source
    run = f", run_id={name}" if (name := own.run_parameter) else ""
    behind = f", {json.dumps(own.rows[0].key)}{run}, own=True)"
    if node.value is None:
        at = source.offset(node.lineno, node.col_offset) + len("return")
        return (Edit(start=at, end=at, new=f" {verb}(None{behind}"),)
    start = source.offset(node.value.lineno, node.value.col_offset)
    end = source.offset(node.value.end_lineno or 0, node.value.end_col_offset or 0)
    return Edit(start=start, end=start, new=f"{verb}("), Edit(start=end, end=end, new=behind)


class Strip(ast.NodeTransformer):
    """Replace `return delivered(x, key, own=True)` by `return x`; an answer of None counts as a bare return."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Unwrap one of ours."""
        self.generic_visit(node)
        ours = _given(node.value)
        if ours is not None and ours.args and self.known.means(ours.func, frozenset(NEEDS)):
            self.count += 1
            node.value = ours.args[0]
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            node.value = None
        return node
