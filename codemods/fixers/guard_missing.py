"""guard-missing: where a guard skips a contracted call because its receiver is missing, say so with `missing`."""

from __future__ import annotations

import ast
import json

from codemods.bound import is_bound
from codemods.callsites import Analysis
from codemods.guards import Guard, guards_of, is_missing, says_so
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.site import Site, run_of
from codemods.source import Edit, Source
from codemods.statement import alone, indent_of, step_of, text_below

__all__ = ["NEEDS", "SUMMARY", "Strip", "propose"]

NAME = "guard-missing"
SUMMARY = "say missing(...) where a None guard skips a contracted call in silence"
NEEDS = ("missing",)


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Mend each guard once, for the first contracted call it guards."""
    wanted: dict[ast.stmt, tuple[Edit, ...]] = {}
    skipped: dict[tuple[int, str], SkippedSite] = {}
    for site in analysis.sites:
        if not site.verdict.rows or site.row.kind != "call" or not isinstance(site.call, ast.Call):
            continue
        func = site.call.func
        receiver = func.value if isinstance(func, ast.Attribute) else None
        for guard in guards_of(site.call, receiver, analysis.around, analysis.classes):
            if guard.node in wanted or says_so(guard, analysis.known):
                continue
            if reason := _refusal(site, guard, analysis):
                line = guard.node.lineno
                skipped[line, reason] = SkippedSite(codemod=NAME, line=line, reason=reason)
            elif isinstance(guard.node, ast.If):
                wanted[guard.node] = _edit(site, guard, analysis, names["missing"].local)
    return Proposal(edits=tuple(wanted.values()), skipped=tuple(skipped.values()))


def _refusal(site: Site, guard: Guard, analysis: Analysis) -> str:
    if guard.shape == "expression":
        return "the guard is part of an expression: give it an if statement first"
    if guard.mixed:
        return "the guard asks for more than the receiver: its other half may be no failure"
    if len(site.verdict.rows) > 1:
        return f"may be any of {', '.join(row.key for row in site.verdict.rows)}"
    decision = site.decided[0]
    if decision.name == "catch_specific" or "clean-up" in decision.why:
        return decision.why
    if isinstance(guard.node, ast.If) and not _has_own_lines(analysis.source, guard):
        return "shares its line with its body: give the body lines of its own first"
    return ""


def _has_own_lines(source: Source, guard: Guard) -> bool:
    """Tell whether an edit can go between lines: first and last statement of its block have lines of their own."""
    if not isinstance(guard.node, ast.If):
        return False
    block = guard.node.orelse if guard.shape == "quiet_else" else guard.node.body
    return all(alone(source, node) for node in (block[0], block[-1]))


def _edit(site: Site, guard: Guard, analysis: Analysis, verb: str) -> tuple[Edit, ...]:
    source, node = analysis.source, guard.node
    assert isinstance(node, ast.If)  # noqa: S101  # other shapes are refused before
    call = f"{verb}({_arguments(site, node, analysis)})"
    if guard.shape == "no_else":
        indent = source.line(node.lineno)[: node.col_offset].decode()
        step = step_of(source, node.body[0], analysis.around)
        return (text_below(source, node.body[-1], [f"{indent}else:", f"{indent}{step}{call}"]),)
    block = node.orelse if guard.shape == "quiet_else" else node.body
    last = block[-1]
    leaves = isinstance(last, ast.Return | ast.Continue | ast.Break | ast.Pass)
    if not leaves:
        return (text_below(source, last, [indent_of(source, last) + call]),)
    at = source.starts[last.lineno - 1]
    ending = source.line_end(last.lineno)
    return (Edit(start=at, end=at, new=f"{indent_of(source, last)}{call}{ending}"),)


def _arguments(site: Site, at: ast.stmt, analysis: Analysis) -> str:
    row = site.verdict.rows[0]
    component, _, method = row.key.partition(".")
    run = f", run_id={said}" if (said := _run(run_of(site), at, analysis)) else ""
    return f"{json.dumps(component)}, {json.dumps(method)}{run}"


def _run(name: str, at: ast.stmt, analysis: Analysis) -> str:
    """Write the run id in a way that cannot fail: the call that would have read it is the one that is skipped."""
    owner, dot, attribute = name.partition(".")
    if not owner or "." in attribute or not is_bound(owner, at, analysis.around):
        return ""
    return f"getattr({owner}, {json.dumps(attribute)}, None)" if dot else owner


class Strip(ast.NodeTransformer):
    """Remove our statements, and the else that holds nothing else."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_If(self, node: ast.If) -> ast.AST:
        """Drop `missing(...)` from both branches."""
        self.generic_visit(node)
        for name in ("body", "orelse"):
            block: list[ast.stmt] = getattr(node, name)
            kept = [one for one in block if not is_missing(one, self.known)]
            self.count += len(block) - len(kept)
            setattr(node, name, kept)
        return node
