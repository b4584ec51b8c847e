"""Where a finding stands: its statement's lines (for suppressions) and text (for baselines), its columns."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.finding import Finding
from codemods.source import Source

__all__ = ["Place", "columns_of", "function_at", "place_of", "shown_line"]

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
_SHOWN = 160
"Characters of a source line that a report shows."
_BLANK = re.compile(r"\s+")
_LAST_COMMA = re.compile(r",(?=[)\]}])")

Position = tuple[int, int]
Part = ast.stmt | ast.excepthandler


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The statement around a finding. A compound statement counts as its header: `if x:`, `except E:`."""

    first: int
    last: int
    text: str
    "Without blanks, trailing commas and the kind of quote, so that a formatter does not change it."


def place_of(finding: Finding, source: Source) -> Place:
    """Find the innermost statement or except clause that holds a whole finding."""
    start, end = (finding.line, finding.col), (finding.end_line, finding.end_col)
    around = list(_around(source.tree, start, end))
    if not around:
        return Place(first=finding.line, last=finding.end_line, text=_normal(_between(source, start, end)))
    node = around[-1]
    first = _start(node)
    below = _first_inside(node)
    if below is None:
        last = (node.end_lineno or node.lineno, node.end_col_offset or 0)
        return Place(first=first[0], last=last[0], text=_normal(_between(source, first, last)))
    inner = _first_inside(below)
    text_end = _start(inner) if inner is not None else (below.end_lineno or below.lineno, below.end_col_offset or 0)
    last_line = _header_end(source, first[0], _start(below))
    return Place(first=first[0], last=last_line, text=_normal(_between(source, first, text_end)))


def function_at(source: Source, line: int) -> str:
    """Name the function whose lines hold a line, `<module>` where none does."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [
        node.name for node in _around(source.tree, (line, 0), (line, 0), whole_lines=True) if isinstance(node, kinds)
    ]
    return ".".join(names) or "<module>"


def columns_of(finding: Finding, source: Source) -> tuple[int, int]:
    """Give start and end column in characters, counted from 1, the end behind the last character."""
    start = source.line(finding.line)[: finding.col].decode("utf-8", "replace")
    end = source.line(finding.end_line)[: finding.end_col].decode("utf-8", "replace")
    return len(start) + 1, len(end) + 1


def shown_line(source: Source, number: int) -> str:
    """Give a source line for a report: shortened, and nothing in it that a terminal would obey."""
    text = source.line(number).decode("utf-8", "replace").strip()
    safe = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text.replace("\t", " "))
    return safe if len(safe) <= _SHOWN else f"{safe[: _SHOWN - 3]}..."


def _around(tree: ast.Module, start: Position, end: Position, *, whole_lines: bool = False) -> Iterator[Part]:
    """Give the statements and except clauses that hold a span, outermost first."""
    node: ast.Module | Part | None = tree
    while node is not None:
        node = next((part for part in _parts(node) if _holds(part, start, end, whole_lines=whole_lines)), None)
        if node is not None:
            yield node


def _holds(part: Part, start: Position, end: Position, *, whole_lines: bool) -> bool:
    first, last = _start(part), (part.end_lineno or part.lineno, part.end_col_offset or 0)
    if whole_lines:
        return first[0] <= start[0] and end[0] <= last[0]
    return first <= start and end <= last


def _parts(node: ast.AST) -> Iterator[Part]:
    for name in _BLOCKS:
        for part in getattr(node, name, ()):
            if isinstance(part, ast.match_case):
                yield from part.body
            elif isinstance(part, ast.stmt | ast.excepthandler):
                yield part


def _first_inside(node: ast.AST) -> Part | None:
    return next(_parts(node), None) if not isinstance(node, ast.Match) else node.cases[0].body[0]


def _start(node: Part) -> Position:
    """Give where a statement begins, its decorators included."""
    decorators = getattr(node, "decorator_list", [])
    return min([(node.lineno, node.col_offset), *((one.lineno, one.col_offset - 1) for one in decorators)])


def _header_end(source: Source, first: int, inside: Position) -> int:
    """Find the last line of a header, above what stands inside: comments and blank lines are not part of it."""
    line, col = inside
    if source.line(line)[:col].strip():
        return line
    above = range(line - 1, first, -1)
    return next((n for n in above if (text := source.line(n).strip()) and not text.startswith(b"#")), first)


def _between(source: Source, start: Position, end: Position) -> str:
    return source.utf8[source.offset(*start) : source.offset(*end)].decode("utf-8", "replace")


def _normal(text: str) -> str:
    return _LAST_COMMA.sub("", _BLANK.sub("", text).replace("'", '"'))
