"""Annotations in quotes: which strings of a module are such, and which names they hold."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.classes import dotted
from codemods.source import Source

__all__ = ["asks_for", "is_plain", "names_in", "parsed", "quoted"]


def quoted(tree: ast.Module) -> list[ast.Constant]:
    """Give the strings in annotations that parse as expressions; those in `Literal[...]` are values."""
    found: list[ast.Constant] = []
    for node in ast.walk(tree):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(part, ast.expr):
                found += _inside(part)
    return found


def _inside(node: ast.AST) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Subscript) and dotted(node.value)[-1:] == ["Literal"]:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            parsed(node)
        except (SyntaxError, ValueError):
            return  # words for a reader or another library: they name no class
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _inside(child)


def parsed(node: ast.Constant) -> ast.Expression:
    """Parse the text between the quotes. Raises SyntaxError."""
    return ast.parse(str(node.value), mode="eval")


def names_in(node: ast.Constant) -> set[str]:
    """Give the names an annotation in quotes holds."""
    return {each.id for each in ast.walk(parsed(node)) if isinstance(each, ast.Name)}


def asks_for(node: ast.Constant, name: str, *, inside: bool) -> bool:
    """Tell whether a string may be looked up by a name: `__all__`, `cast`, `getattr`, quotes within quotes.

    `inside`: the string is an annotation whose own names are dealt with, and only strings in it count.
    """
    if not isinstance(node.value, str) or name not in node.value:
        return False
    try:
        parts = list(ast.walk(parsed(node)))
    except (SyntaxError, ValueError):
        return False  # prose
    if not inside and any(isinstance(each, ast.Name) and each.id == name for each in parts):
        return True
    return any(asks_for(each, name, inside=False) for each in parts if isinstance(each, ast.Constant))


def is_plain(source: Source, node: ast.Constant) -> bool:
    """Tell whether the text between the quotes is the annotation itself: no escapes, no prefix, one piece."""
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    text = str(node.value)
    return source.utf8[start:end].decode() in (f'"{text}"', f"'{text}'")
