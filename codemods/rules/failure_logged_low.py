"""failure-logged-low: a failure whose only trace is a log line below ERROR, where nobody alerts on it.

Handlers that log below ERROR, go on, and neither raise nor hand the failure on. Those that return an empty value as
well belong to `log-and-return-false`, those that log nothing to `swallowed-exception`.

A narrow handler of expected control flow is no finding (the idea is CodeQL's, which leaves focused handlers out of its
empty-except rule): a lookup that misses, an import that is optional, bad input (ValueError and its kin), a peer that
left, cancellation, a class whose name says as much (`NotFound`, `ValidationError`, `Disconnect`). TimeoutError,
OSError, ConnectionError, RuntimeError and errors of libraries stay findings: an answer that never came is a failure.

With contracts, also: the result of a contracted call is tested, and the failing branch does nothing but log below
ERROR.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.catches import catches
from codemods.finding import Cause, Finding, finding_at
from codemods.logs import is_low, log_level
from codemods.scope import nodes_in
from codemods.site import Site

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL005"
SUMMARY = "a failure whose only trace is a log line below ERROR"
CAUSE = Cause.EXCEPTION_SWALLOWED
WORDS = (b"debug", b"info", b"log", b"print", b"trace", b"warn")
_FIX = "raise-log-level"


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each handler once, then each branch of a contracted result."""
    for one in catches(looked.around):
        if one.low and not (one.gives or one.heard or one.excused or one.expected):
            message = f"failure is {_said(one.level)} and the handler goes on: nobody is alerted"
            yield finding_at(one.handler, looked, code=CODE, message=message, fix=_FIX)
    for site in looked.sites:
        for branch, level in _failing(site, looked):
            key = site.verdict.rows[0].key
            message = f"a failed {key} is {_said(level)} and nothing else: nobody is alerted"
            evidence = site.row.evidence
            yield finding_at(branch, looked, code=CODE, message=message, evidence=evidence, contract=key, fix=_FIX)


def _said(level: str) -> str:
    return "printed only" if level == "print" else f"logged at {level.upper()} only"


def _failing(site: Site, looked: Analysis) -> Iterator[tuple[ast.stmt, str]]:
    """Find the branches in which a contracted result is known to be false, where they only log low."""
    if not site.verdict.rows or any(row.shows != "falsy" for row in site.verdict.rows):
        return
    function = looked.around.function(site.call)
    if function is None or site.usage.use not in ("assigned_checked", "in_condition"):
        return
    names = _names(looked.around.parent(site.usage.value))
    for node in nodes_in(function.body):
        if isinstance(node, ast.If) and node.lineno >= site.row.line:
            block = _branch(node, site.usage.value, names)
            if block and (level := _only_logs(block)):
                yield block[0], level


def _names(parent: ast.AST | None) -> set[str]:
    targets = parent.targets if isinstance(parent, ast.Assign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _branch(node: ast.If, value: ast.expr, names: set[str]) -> list[ast.stmt]:
    """Give the branch taken where the result is false: `if not ok:` or the else of `if ok:`."""
    test, block = node.test, node.orelse
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, block = test.operand, node.body
    asked = test is value or (isinstance(test, ast.Name) and test.id in names)
    return block if asked else []


def _only_logs(block: list[ast.stmt]) -> str:
    levels = [
        log_level(node.value) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) else ""
        for node in block
        if not isinstance(node, ast.Pass | ast.Continue)
    ]
    return levels[-1] if levels and all(map(is_low, levels)) else ""
