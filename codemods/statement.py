"""A statement as lines of text: its indentation, whether its lines are its own, and how to move it one level in."""

from __future__ import annotations

import ast

from codemods.source import Edit, Source
from codemods.tree import Around

__all__ = ["alone", "indent_of", "moved_in", "statement_of", "step_of", "text_below"]


def statement_of(node: ast.AST, around: Around) -> ast.stmt | None:
    """Give the innermost statement a node stands in."""
    if isinstance(node, ast.stmt):
        return node
    return next((parent for _, parent in around.all_upward(node) if isinstance(parent, ast.stmt)), None)


def alone(source: Source, node: ast.stmt) -> bool:
    """Tell whether a statement shares none of its lines: nothing but blanks before it, a comment at most behind it."""
    before = source.line(node.lineno)[: node.col_offset]
    if before.strip():
        return False
    end, last = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
    behind = source.line(end)[last:].strip()
    return not behind or behind.startswith(b"#")


def indent_of(source: Source, node: ast.stmt) -> str:
    """Give the blanks before a statement that is alone on its lines."""
    return source.line(node.lineno)[: node.col_offset].decode()


def step_of(source: Source, node: ast.stmt, around: Around) -> str:
    """Give one level of indentation as the code around has it: what the statement has more than its parent."""
    mine = indent_of(source, node)
    for _, parent in around.all_upward(node):
        if isinstance(parent, ast.stmt):
            outer = source.line(parent.lineno)[: parent.col_offset].decode()
            if mine.startswith(outer) and len(mine) > len(outer) and not outer.strip():
                return mine[len(outer) :]
    return "\t" if "\t" in mine else "    "


def moved_in(source: Source, node: ast.stmt, step: str) -> list[Edit]:
    """Indent a statement's lines by `step`; a line that begins inside a string is the string's own."""
    inside: set[int] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr | ast.Constant) and isinstance(getattr(part, "value", ""), str | bytes):
            inside.update(range(part.lineno + 1, (part.end_lineno or part.lineno) + 1))
    lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    starts = [source.starts[number - 1] for number in lines if number not in inside and source.line(number).strip()]
    return [Edit(start=at, end=at, new=step) for at in starts]


def text_below(source: Source, node: ast.stmt, lines: list[str]) -> Edit:
    """Insert lines below a statement that is alone on its lines."""
    line, ending = node.end_lineno or node.lineno, source.line_end(node.lineno)
    if line < len(source.starts) and source.line(line).endswith((b"\n", b"\r")):
        return Edit(start=source.starts[line], end=source.starts[line], new="".join(one + ending for one in lines))
    return Edit(start=len(source.utf8), end=len(source.utf8), new="".join(ending + one for one in lines))
