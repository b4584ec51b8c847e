"""catch-specific: where a raise would destroy work, catch the loud failure at the call and escalate it."""

from __future__ import annotations

import ast

from codemods.callsites import Analysis
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.site import Site
from codemods.source import Edit
from codemods.statement import alone, indent_of, moved_in, statement_of, step_of, text_below

__all__ = ["NEEDS", "SUMMARY", "Strip", "propose"]

NAME = "catch-specific"
SUMMARY = "catch a loud failure at a call whose raise would destroy work, and escalate it"
NEEDS = ("LoudFailure", "escalate")
CAUGHT = "failure"
"Name the failure is caught under; `loud_failure` where the function uses it already."


def propose(analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
    """Wrap each statement once, however many contracted calls it holds."""
    wanted: dict[ast.stmt, Site] = {}
    skipped: list[SkippedSite] = []
    for site in analysis.sites:
        if not site.verdict.rows or site.decided[0].name != "catch_specific":
            continue
        node = statement_of(site.call, analysis.around)
        reason = "not in a statement" if node is None else _refusal(site, node, analysis)
        if reason or node is None:
            skipped.append(SkippedSite(codemod=NAME, line=site.row.line, reason=reason))
        else:
            wanted.setdefault(node, site)
    edits = tuple(_wrap(node, analysis, names) for node in wanted)
    return Proposal(edits=edits, skipped=tuple(skipped))


def _refusal(site: Site, node: ast.stmt, analysis: Analysis) -> str:  # noqa: PLR0911  # one reason each
    if site.row.kind == "callback_reference":
        return "handed over as a callback: whoever calls it gets the failure"
    if site.usage.use in {"task_spawned", "gathered"} and not site.usage.awaited:
        return "the failure comes out of the task or gather, not out of this statement"
    if not isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign | ast.Return):
        return f"part of a {type(node).__name__.lower()} statement: give the call a statement of its own first"
    if not alone(analysis.source, node):
        return "shares its line with another statement: give it a line of its own first"
    if isinstance(node, ast.Expr):
        return ""
    if not _is_result(node.value, site):
        return "the result goes into a larger expression: give the call a statement of its own first"
    if any(row.shows != "falsy" for row in site.verdict.rows):
        return "no plain value stands for a failed result here: write the handler by hand"
    if isinstance(node, ast.Return):
        return ""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name):
        return "assigned to more than one plain name: write the handler by hand"
    return ""


def _is_result(value: ast.expr | None, site: Site) -> bool:
    return value is not None and value in (site.usage.value, site.usage.verb)


def _wrap(node: ast.stmt, analysis: Analysis, names: dict[str, LocalName]) -> tuple[Edit, ...]:
    source = analysis.source
    indent, step = indent_of(source, node), step_of(source, node, analysis.around)
    ending = source.line_end(node.lineno)
    caught = _free_name(node, analysis)
    lines = [
        f"{indent}except {names['LoudFailure'].local} as {caught}:",
        f"{indent}{step}{names['escalate'].local}({caught})",
    ]
    if (instead := _instead(node)) is not None:
        lines.append(f"{indent}{step}{instead}")
    at = source.starts[node.lineno - 1]
    return (
        Edit(start=at, end=at, new=f"{indent}try:{ending}"),
        *moved_in(source, node, step),
        text_below(source, node, lines),
    )


def _instead(node: ast.stmt) -> str | None:
    """Give the statement that stands for the host's own answer to a failure: False."""
    if isinstance(node, ast.Return):
        return "return False"
    if isinstance(node, ast.Assign):
        return f"{ast.unparse(node.targets[0])} = False"
    return f"{ast.unparse(node.target)} = False" if isinstance(node, ast.AnnAssign) else None


def _free_name(node: ast.stmt, analysis: Analysis) -> str:
    function = analysis.around.function(node)
    within = function if function is not None else analysis.source.tree
    used = {one.id for one in ast.walk(within) if isinstance(one, ast.Name)}
    used |= {one.name or "" for one in ast.walk(within) if isinstance(one, ast.ExceptHandler)}
    used |= {one.arg for one in ast.walk(within) if isinstance(one, ast.arg)}
    return CAUGHT if CAUGHT not in used else f"loud_{CAUGHT}"


class Strip(ast.NodeTransformer):
    """Replace our `try` by the statement in it."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_Try(self, node: ast.Try) -> ast.AST:
        """Unwrap one of ours."""
        self.generic_visit(node)
        if len(node.body) == 1 and len(node.handlers) == 1 and not node.orelse and not node.finalbody:
            handler = node.handlers[0]
            if handler.type is not None and self.known.means(handler.type, frozenset({"LoudFailure"})):
                first, *rest = handler.body
                if self._escalates(first, handler.name) and (
                    not rest or ast.unparse(rest[0]) == _instead(node.body[0])
                ):
                    self.count += 1
                    return node.body[0]
        return node

    def _escalates(self, node: ast.stmt, name: str | None) -> bool:
        return (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Call)
            and self.known.means(node.value.func, frozenset({"escalate"}))
            and [ast.unparse(one) for one in node.value.args] == [name]
        )
