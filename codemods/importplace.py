"""Where an import of our own may stand: in isort's order where that is clear, else after the last leading import."""

from __future__ import annotations

import ast

from codemods.source import Source

__all__ = ["last_import_line", "leading", "place_in_order"]


def place_in_order(source: Source, facade: str) -> int | None:
    """Give the line before which the import stands in order (isort's default); None where it goes last, or is unclear.

    Looked at are the leading `from` imports of the same top-level package, each on lines of its own. Comments right
    above an import belong to it.
    """
    head = source.tree.body[: leading(source.tree)]
    root = facade.partition(".")[0]
    family = [
        node
        for node in head
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").partition(".")[0] == root
    ]
    modules = [(node.module or "").lower() for node in family]
    if not family or modules != sorted(modules) or any(not _alone(source, node) for node in head):
        return None
    following = next((node for node in family if (node.module or "").lower() > facade.lower()), None)
    if following is None:
        later = head[head.index(family[-1]) + 1 :]
        if not later:
            return None
        end = family[-1].end_lineno or family[-1].lineno
        return end + 1 if end < len(source.starts) else None
    line = following.lineno
    while line > 1 and source.line(line - 1).lstrip().startswith(b"#") and following is not head[0]:
        line -= 1
    return line


def _alone(source: Source, node: ast.stmt) -> bool:
    """Tell whether a statement begins its first line and ends its last one, but for a comment."""
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)
    below = node.end_lineno or node.lineno
    rest = source.utf8[end : source.starts[below] if below < len(source.starts) else len(source.utf8)].strip()
    return node.col_offset == 0 and (not rest or rest.startswith(b"#"))


def leading(tree: ast.Module) -> int:
    """Count the statements of the docstring and the imports that follow it."""
    body, count = tree.body, 0
    if (
        body
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        count = 1
    while count < len(body) and isinstance(body[count], ast.Import | ast.ImportFrom):
        count += 1
    return count


def last_import_line(tree: ast.Module) -> int:
    """Give the line after which an import may stand: no statement is open there. 0 = before everything."""
    count = leading(tree)
    if count == 0:
        return 0
    end = tree.body[count - 1].end_lineno or 0
    for node in tree.body[count:]:  # statements that share the line, joined by `;`
        if node.lineno > end:
            break
        end = node.end_lineno or end
    return end
