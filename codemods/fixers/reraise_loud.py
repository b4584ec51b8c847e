"""reraise-loud: let a loud failure through a handler that would swallow it."""

from __future__ import annotations

import ast

from codemods.callsites import Analysis
from codemods.handlers import Level
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.site import Site
from codemods.source import Edit, Source

__all__ = ["NEEDS", "SUMMARY", "Strip", "clause", "propose"]

NAME = "reraise-loud"
SUMMARY = "insert 'except LoudFailure: raise' before a broad handler that would swallow a loud failure"
NEEDS = ("LoudFailure",)
_MAY = frozenset({"check_result", "insert_reraise_before_broad"})


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Insert one clause per `try`, however many calls stand in it."""
    wanted: dict[ast.AST, Level] = {}
    vetoed: dict[ast.AST, Site] = {}
    skipped: dict[int, SkippedSite] = {}
    asked: list[tuple[Site, Level]] = []
    for site in analysis.sites:
        if not site.verdict.rows or site.row.kind == "callback_reference":
            continue
        swallowing = [level for level in site.reached if level.swallows]
        for level, decision in zip(swallowing, site.decided, strict=False):
            reason = decision.why if decision.name not in _MAY else _refusal(site, level)
            if reason:
                skipped[site.row.line] = SkippedSite(codemod=NAME, line=site.row.line, reason=reason)
                if decision.name in {"catch_specific", "leave_alone"}:
                    vetoed[level.node] = site
                break
            asked.append((site, level))
    for site, level in asked:
        if (other := vetoed.get(level.node)) is not None:
            reason = f"shares its try with line {other.row.line}: {other.decided[0].why}"
            skipped[site.row.line] = SkippedSite(codemod=NAME, line=site.row.line, reason=reason)
        else:
            wanted[level.node] = level
    name = names["LoudFailure"].local
    handlers = [level.handler for level in wanted.values() if level.handler is not None]  # one without was refused
    edits = tuple((clause(analysis.source, handler, name),) for handler in handlers)
    return Proposal(edits=edits, skipped=tuple(skipped[line] for line in sorted(skipped)))


def _refusal(site: Site, level: Level) -> str:
    if isinstance(level.node, ast.TryStar):
        return "an except* handler: exception groups are left alone"
    if level.finally_leaves:
        return "a return in finally drops every exception: rewrite that first"
    if level.handler is None:
        return "contextlib.suppress: replace it by a try first"
    inner = site.levels[: site.levels.index(level)]
    if any(one.changes_type for one in inner):
        return "an inner handler raises another type: no clause here would see the loud failure"
    return ""


def clause(source: Source, handler: ast.ExceptHandler, name: str) -> Edit:
    """Write the clause that lets a loud failure through, before another of the same `try`."""
    at = source.starts[handler.lineno - 1]
    indent = source.line(handler.lineno)[: handler.col_offset].decode()
    body = handler.body[0]
    inner = source.line(body.lineno)[: body.col_offset].decode()
    if body.lineno == handler.lineno or inner.strip():
        inner = indent + ("\t" if "\t" in indent else "    ")
    ending = source.line_end(handler.lineno)
    return Edit(start=at, end=at, new=f"{indent}except {name}:{ending}{inner}raise{ending}")


class Strip(ast.NodeTransformer):
    """Remove clauses that only let our failure through."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """Drop our clauses."""
        self.generic_visit(node)
        kept = [handler for handler in node.handlers if not self._ours(handler)]
        self.count += len(node.handlers) - len(kept)
        node.handlers = kept
        return node

    def _ours(self, handler: ast.ExceptHandler) -> bool:
        plain = len(handler.body) == 1 and isinstance(handler.body[0], ast.Raise) and handler.body[0].exc is None
        return plain and handler.type is not None and self.known.means(handler.type, frozenset(NEEDS))
