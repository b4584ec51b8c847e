"""check-results: hand a dropped result to `delivered`, which reports a failure nobody looks at."""

from __future__ import annotations

import ast
import json

from codemods.callsites import Analysis
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.site import Site, run_of
from codemods.source import Edit, Source

__all__ = ["NEEDS", "SUMMARY", "Strip", "propose", "refusal"]

NAME = "check-results"
SUMMARY = "wrap a contracted call whose result is dropped in delivered(...)"
NEEDS = ("delivered",)
_DROPPED = frozenset({"ignored", "assigned_unused"})
_ELSEWHERE = {
    "missing_await": "the coroutine is never awaited: await it first",
    "task_spawned": "the result stays in a task",
    "gathered": "the result stays in a gather",
}


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Wrap each dropped result once."""
    edits: list[tuple[Edit, ...]] = []
    skipped: list[SkippedSite] = []
    for site in analysis.sites:
        if not site.verdict.rows or site.usage.verb is not None:
            continue
        if site.usage.use not in _DROPPED | set(_ELSEWHERE):
            continue
        if reason := refusal(site, analysis):
            skipped.append(SkippedSite(codemod=NAME, line=site.row.line, reason=reason))
        else:
            edits.append(_wrap(analysis.source, site, names["delivered"].local))
    return Proposal(edits=tuple(edits), skipped=tuple(skipped))


def refusal(site: Site, analysis: Analysis) -> str:  # noqa: PLR0911  # one reason each
    """Say why a contracted call whose result is dropped is left; empty where it is wrapped."""
    rows, first = site.verdict.rows, site.decided[0]
    if site.usage.use in _ELSEWHERE:
        return _ELSEWHERE[site.usage.use]
    methods = sorted(one.row.method for one in analysis.sites if one.call is site.call)
    if len(methods) > 1:
        return f"may call any of {', '.join(methods)}"
    if len(rows) > 1:
        return f"may be any of {', '.join(row.key for row in rows)}"
    if rows[0].shows == "never":
        return "declared to return None: the result says nothing"
    if rows[0].shows == "raises":
        return "a failure shows as an exception, not in the result"
    if site.row.kind == "string_dispatch":
        return "called through a forwarder: the result is the forwarder's"
    if site.verdict.others and analysis.declared_none(site.verdict.others, site.row.method):
        return "another class of the union returns None"
    if first.name == "catch_specific" or "clean-up" in first.why:
        return first.why
    return ""


def _wrap(source: Source, site: Site, verb: str) -> tuple[Edit, ...]:
    value = site.usage.value
    start = source.offset(value.lineno, value.col_offset)
    end = source.offset(value.end_lineno or value.lineno, value.end_col_offset or value.col_offset)
    key = json.dumps(site.verdict.rows[0].key)
    run = f", run_id={name}" if (name := run_of(site)) else ""
    return Edit(start=start, end=start, new=f"{verb}("), Edit(start=end, end=end, new=f", {key}{run})")


class Strip(ast.NodeTransformer):
    """Replace `delivered(x, key)` by `x`."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Unwrap our own calls."""
        self.generic_visit(node)
        if node.args and self.known.means(node.func, frozenset(NEEDS)):
            self.count += 1
            return node.args[0]
        return node
