"""The rewriting of `reraise-loud --through`: the handlers that `flow` found on the way to a boundary.

A handler is known by its number among those of its file that are not ours, so that it is the same before and after.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from codemods.callsites import Analysis
from codemods.fixers import reraise_loud
from codemods.flow.crossing import ESCALATE, RERAISE
from codemods.handlers import escalates_first, is_ours
from codemods.imports import LocalName
from codemods.loud import Known
from codemods.outcome import SkippedSite
from codemods.proposal import Proposal
from codemods.source import Edit, Source
from codemods.statement import indent_of

__all__ = ["Escalates", "Handlers", "Lines", "Reraises"]

Lines = Mapping[str, Mapping[int, str]]
"By file: the line of an `except` and what is to become of it."
CAUGHT = "failure"


@dataclass(slots=True)
class _Numbers:
    """The handlers of one file that are asked for, by number once the file has been seen as `flow` saw it."""

    lines: Mapping[int, str]
    known: dict[int, str] | None = None

    def chosen(self, analysis: Analysis, what: str) -> list[ast.ExceptHandler]:
        own = [one for one in analysis.around.of_kind(ast.ExceptHandler) if not is_ours(one, analysis.known.is_loud)]
        if self.known is None:
            self.known = {at: self.lines[one.lineno] for at, one in enumerate(own) if one.lineno in self.lines}
        return [one for at, one in enumerate(own) if self.known.get(at) == what]


class Handlers:
    """The handlers to mend, file by file. Both codemods of a run share them: the second sees what the first moved."""

    def __init__(self, lines: Lines) -> None:
        self._numbers = {path: _Numbers(found) for path, found in lines.items()}

    def handlers(self, analysis: Analysis, what: str) -> list[ast.ExceptHandler]:
        """Give the handlers of a file that are to be mended in one way."""
        numbers = self._numbers.get(analysis.path)
        return numbers.chosen(analysis, what) if numbers is not None else []


class _Through:
    """What both have in common: the shape of a codemod."""

    WORDS: tuple[bytes, ...] = (b"except",)
    APART: str = ""
    LEGACY: bool = False

    def __init__(self, asked: Handlers) -> None:
        self.asked = asked


class Reraises(_Through):
    """Insert a clause that lets a loud failure through before each of the handlers."""

    SUMMARY: str = reraise_loud.SUMMARY
    NEEDS: tuple[str, ...] = ("LoudFailure",)

    def Strip(self, known: Known) -> reraise_loud.Strip:  # noqa: N802  # as in the shape of a codemod
        """Make a stripper."""
        return reraise_loud.Strip(known)

    def propose(self, analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
        """Look at one module."""
        edits: list[tuple[Edit, ...]] = []
        skipped: list[SkippedSite] = []
        for handler in self.asked.handlers(analysis, RERAISE):
            node = analysis.around.parent(handler)
            if isinstance(node, ast.TryStar):
                reason = "an except* handler: exception groups are left alone"
                skipped.append(SkippedSite(codemod="reraise-loud", line=handler.lineno, reason=reason))
            elif isinstance(node, ast.Try) and not _lets_through(node, handler, analysis.known):
                edits.append((reraise_loud.clause(analysis.source, handler, names["LoudFailure"].local),))
        return Proposal(edits=tuple(edits), skipped=tuple(skipped))


def _lets_through(node: ast.Try, handler: ast.ExceptHandler, known: Known) -> bool:
    before = node.handlers[: node.handlers.index(handler)]
    return any(one.type is not None and known.is_loud(one.type) for one in before)


class Escalates(_Through):
    """Escalate a loud failure at the top of each of the handlers, which then goes on as it does now."""

    SUMMARY: str = "escalate a loud failure in a handler whose frame holds work that a raise would destroy"
    NEEDS: tuple[str, ...] = ("LoudFailure", "escalate")

    def propose(self, analysis: Analysis, names: dict[str, LocalName]) -> Proposal:
        """Look at one module."""
        edits: list[tuple[Edit, ...]] = []
        skipped: list[SkippedSite] = []
        for handler in self.asked.handlers(analysis, ESCALATE):
            if escalates_first(handler, analysis.known.is_loud):
                continue
            if reason := _refusal(handler, analysis):
                skipped.append(SkippedSite(codemod="catch-specific", line=handler.lineno, reason=reason))
            else:
                edits.append(_told(handler, analysis.source, names))
        return Proposal(edits=tuple(edits), skipped=tuple(skipped))

    def Strip(self, known: Known) -> EscalatesStrip:  # noqa: N802  # as in the shape of a codemod
        """Make a stripper."""
        return EscalatesStrip(known)


def _refusal(handler: ast.ExceptHandler, analysis: Analysis) -> str:
    if isinstance(analysis.around.parent(handler), ast.TryStar):
        return "an except* handler: exception groups are left alone"
    if handler.body[0].lineno == handler.lineno:
        return "its body stands on the line of the except: give it lines of its own first"
    return ""


def _told(handler: ast.ExceptHandler, source: Source, names: dict[str, LocalName]) -> tuple[Edit, ...]:
    caught = handler.name or CAUGHT
    first = handler.body[0]
    indent, ending = indent_of(source, first), source.line_end(handler.lineno)
    step = "\t" if "\t" in indent else "    "
    at = source.starts[first.lineno - 1]
    lines = (
        f"{indent}if isinstance({caught}, {names['LoudFailure'].local}):{ending}"
        f"{indent}{step}{names['escalate'].local}({caught}){ending}"
    )
    edits = [Edit(start=at, end=at, new=lines)]
    if handler.name is None:
        edits.insert(0, _named(handler, source, caught))
    return tuple(edits)


def _named(handler: ast.ExceptHandler, source: Source, caught: str) -> Edit:
    """Give a handler a name: `except Exception:` becomes `except Exception as failure:`."""
    if handler.type is None:
        at = source.starts[handler.lineno - 1] + handler.col_offset + len("except")
        return Edit(start=at, end=at, new=f" BaseException as {caught}")
    end_line, end = handler.type.end_lineno or handler.lineno, handler.type.end_col_offset or 0
    at = source.starts[end_line - 1] + end
    line = source.line(end_line)
    while line[at - source.starts[end_line - 1] : at - source.starts[end_line - 1] + 1] == b")":
        at += 1
    return Edit(start=at, end=at, new=f" as {caught}")


class EscalatesStrip(ast.NodeTransformer):
    """Take our two lines out of handlers, and the names they gave them."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.count = 0

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """Restore one handler."""
        self.generic_visit(node)
        if escalates_first(node, self.known.is_loud) and len(node.body) > 1:
            self.count += 1
            node.body = node.body[1:]
            used = any(
                isinstance(one, ast.Name) and one.id == node.name for each in node.body for one in ast.walk(each)
            )
            if node.name == CAUGHT and not used:
                node.name = None
                if isinstance(node.type, ast.Name) and node.type.id == "BaseException":
                    node.type = None
        return node
