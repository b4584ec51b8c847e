"""Which handler of a `try` meets an exception raised in its body: by class, among builtins and the tree's own."""

from __future__ import annotations

import ast
import builtins

from codemods.classes import ClassIndex, dotted
from codemods.handlers import TryNode
from codemods.tree import Around, name_of

__all__ = ["builtin_exception", "catcher"]


def catcher(raised: ast.expr, node: TryNode, around: Around, classes: ClassIndex) -> ast.ExceptHandler | None:
    """Give the first handler that catches `raised`, a class or a call of one; None where none does or none can tell.

    A class from outside the tree may derive from anything: a clause for another name before the broad one may be the
    one that meets it, so nothing is said then.
    """
    kind = raised.func if isinstance(raised, ast.Call) else raised
    for handler in node.handlers:
        wanted = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
        answers = [_catches(kind, one, around, classes) for one in wanted]
        if True in answers:
            return handler
        if None in answers:
            return None
    return None


def _catches(kind: ast.expr, wanted: ast.expr | None, around: Around, classes: ClassIndex) -> bool | None:
    if wanted is None or dotted(kind) == dotted(wanted):
        return True
    if name_of(wanted) == "BaseException":
        return True
    if name_of(kind) == "CancelledError":
        return None if name_of(wanted) != "Exception" else False
    names = _ancestors(kind, around, classes)
    if names is None:
        return True if name_of(wanted) == "Exception" else None
    other = _key(wanted, around, classes)
    return None if other is None else other in names


def _key(node: ast.expr, around: Around, classes: ClassIndex) -> str | None:
    """Name a class: by key where the tree has it, by plain name for a builtin, None for one from outside."""
    meant = classes.meaning(around.module, node)
    if meant is not None and meant.kind == "class":
        return meant.key
    return node.id if meant is None and isinstance(node, ast.Name) and builtin_exception(node.id) else None


def _ancestors(node: ast.expr, around: Around, classes: ClassIndex) -> frozenset[str] | None:
    """Give a class and all it derives from; None where a base is from outside the tree."""
    key = _key(node, around, classes)
    if key is None:
        return None
    if ":" not in key:
        found = builtin_exception(key)
        return frozenset(one.__name__ for one in found.__mro__) if found else None
    names: set[str] = set()
    for owner in classes.mro(key).keys:
        names.add(owner)
        known = classes.node(owner)
        for base in known[1].bases if known else []:
            meant = classes.meaning(known[0], base) if known else None
            if meant is not None and meant.kind == "class":
                continue
            found = builtin_exception(base.id) if meant is None and isinstance(base, ast.Name) else None
            if found is None:
                return None
            names |= {one.__name__ for one in found.__mro__}
    return frozenset(names)


def builtin_exception(name: str) -> type[BaseException] | None:
    """Give the builtin exception of a name."""
    found = getattr(builtins, name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
