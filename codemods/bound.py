"""Whether a name surely has a value at a statement: reading one that has none would raise where nothing did before."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from codemods.tree import Around

__all__ = ["is_bound"]

_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_bound(name: str, at: ast.AST, around: Around) -> bool:
    """Tell whether a local name has a value on every way to `at`: a parameter, or bound in a block before it.

    Names of the module and of functions further out count as unsure, and so do those that are deleted somewhere.
    """
    sure = False
    for child, parent in around.all_upward(at):
        sure = sure or name in _bound_before(child, parent)
        if isinstance(parent, _FUNCTIONS):
            deleted = any(
                isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Del)
                for node in ast.walk(parent)
            )
            return (sure or name in _parameters(parent.args)) and not deleted
    return False


def _parameters(spec: ast.arguments) -> set[str]:
    return {one.arg for one in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)}


def _bound_before(child: ast.AST, parent: ast.AST) -> set[str]:
    """Give the names that have a value by the time a child of a statement is reached."""
    found = set[str]()
    for field in ("body", "orelse", "finalbody"):
        block = getattr(parent, field, None)
        if isinstance(block, list) and child in block:
            found |= {name for node in block[: block.index(child)] for name in _binds(node)}
            if field == "body":
                found |= set(_heads(parent))
    return found


def _binds(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _names(target)
        case ast.AnnAssign(target=target, value=ast.expr()):
            yield from _names(target)


def _heads(parent: ast.AST) -> Iterator[str]:
    match parent:
        case ast.For(target=target) | ast.AsyncFor(target=target):
            yield from _names(target)
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _names(item.optional_vars)


def _names(target: ast.expr) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
