"""swallowed-exception: a broad handler after which nobody knows that anything failed.

One place has one code. Of handlers that neither raise nor hand the failure on, this rule owns those that log nothing;
`log-and-return-false` those that log and return an empty value; `failure-logged-low` the rest of those that log below
ERROR. A handler that logs at ERROR and goes on is nobody's, by its shape. With contracts it is this rule's where it
stops the loud failure of a contracted call: the log is read later, the caller goes on now. That finding stands beside
one of the other two: they are repaired apart, and one can stay without the other.

Not reported: narrow handlers (they say what they expect), best-effort clean-up, attempts of a loop that raises at its
end.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.catches import catches
from codemods.excuses import tidies
from codemods.finding import Cause, Finding, finding_at
from codemods.handlers import Level, is_broad
from codemods.scope import nodes_in
from codemods.site import Site
from codemods.tree import name_of

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL003"
SUMMARY = "a broad handler that neither raises, reports nor hands the exception on"
CAUSE = Cause.EXCEPTION_SWALLOWED
WORDS = (b"except", b"finally", b"suppress")
_FIXES = {
    "catch_specific": "catch-specific",
    "check_result": "reraise-loud",
    "insert_reraise_before_broad": "reraise-loud",
}
_Loop = ast.For | ast.AsyncFor | ast.While


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each handler, `suppress` and `finally` once; a contracted call in it comes first."""
    stopped = dict(_contracted(looked))
    yield from stopped.values()
    for one in catches(looked.around):
        if one.broad and not (one.heard or one.level or one.excused) and one.handler not in stopped:
            yield _found(one.handler, looked, f"{_clause(one.handler)} swallows every exception: nothing is told")
    for call in looked.around.of_kind(ast.Call):
        place = _suppressing(call, looked)
        if place is not None and place not in stopped:
            yield _found(call, looked, "suppress drops every exception of its block: nothing is told")
    for node in looked.around.of_kind(ast.Try):
        if node not in stopped and (leaving := _leaves(node.finalbody)) is not None:
            word = type(leaving).__name__.lower()
            yield _found(leaving, looked, f"{word} in finally drops whatever exception is on its way")


def _found(node: ast.expr | ast.stmt | ast.excepthandler, looked: Analysis, message: str) -> Finding:
    return finding_at(node, looked, code=CODE, message=message)


def _clause(handler: ast.ExceptHandler) -> str:
    return f"except {ast.unparse(handler.type)}" if handler.type is not None else "a bare except"


def _suppressing(call: ast.Call, looked: Analysis) -> ast.AST | None:
    """Give what a broad `suppress` stands in: its `with`, unless that only cleans up, or else the call."""
    if name_of(call.func) != "suppress" or not any(is_broad(one) for one in call.args):
        return None
    item = looked.around.parent(call)
    block = looked.around.parent(item) if isinstance(item, ast.withitem) else None
    if isinstance(block, ast.With | ast.AsyncWith):
        return None if tidies(block.body, looked.around) else block
    return call


def _leaves(body: list[ast.stmt]) -> ast.stmt | None:
    """Find what leaves a `finally` block: PEP 765 made it a warning, because the exception is lost."""
    for node in nodes_in(body):
        if isinstance(node, ast.Return):
            return node
    for stmt in body:
        if isinstance(stmt, ast.Break | ast.Continue):
            return stmt
    return None


def _contracted(looked: Analysis) -> Iterator[tuple[ast.AST, Finding]]:
    """Give, per place that stops a loud failure, the finding of the first contracted call in it."""
    seen: set[ast.AST] = set()
    for site in looked.sites:
        if not site.verdict.rows or site.row.kind == "callback_reference":
            continue
        swallowing = [level for level in site.reached if level.swallows]
        for level, decision in zip(swallowing, site.decided, strict=False):
            place = level.handler or level.node
            handed_up = decision.name == "return_result_is_checked_by_caller" and level.kind == "broad_returns_false"
            if decision.name == "leave_alone" or handed_up or place in seen:
                continue
            seen.add(place)
            yield place, _stopped(site, level, place, _FIXES.get(decision.name, ""), looked)


def _stopped(site: Site, level: Level, place: ast.stmt | ast.excepthandler, fix: str, looked: Analysis) -> Finding:
    keys = [row.key for row in site.verdict.rows]
    by = "a return in finally" if level.finally_leaves else "this handler" if level.handler else "suppress"
    if isinstance(level.node, ast.TryStar) or level.finally_leaves or level.handler is None:
        fix = fix if fix == "catch-specific" else ""  # reraise-loud refuses these
    message = f"{by} stops the loud failure of {' or '.join(keys)} (line {site.row.line}): the caller goes on unaware"
    return finding_at(place, looked, code=CODE, message=message, evidence=site.row.evidence, contract=keys[0], fix=fix)
