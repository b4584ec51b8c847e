"""Moving upwards in a syntax tree: parents, the functions and class around a node."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeVar, cast

from codemods.project import FunctionNode, Module
from codemods.scope import CHILDREN, Scope

__all__ = ["Around", "around_of", "name_of"]

_Node = TypeVar("_Node", bound=ast.expr | ast.stmt | ast.excepthandler)


def name_of(node: ast.expr) -> str:
    """Give the last part of a name: `c` for `a.b.c`, empty for other expressions."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _walked(tree: ast.Module) -> tuple[list[ast.AST], dict[ast.AST, ast.AST]]:
    """Walk a tree once, in the order of `ast.walk`, which takes three times as long."""
    nodes: list[ast.AST] = [tree]
    parents: dict[ast.AST, ast.AST] = {}
    for node in nodes:  # grows as it goes
        for name in CHILDREN[node.__class__]:
            value = getattr(node, name, None)
            if value.__class__ is list:
                for child in value:
                    if isinstance(child, ast.AST):
                        parents[child] = node
                        nodes.append(child)
            elif isinstance(value, ast.AST):
                parents[value] = node
                nodes.append(value)
    return nodes, parents


class Around:
    """Parents of every node of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.nodes, self._parent = _walked(module.tree)
        "All nodes, outer before inner, but for contexts and operators: walk these instead of the tree."
        self._calls: dict[str, list[ast.Call]] | None = None
        self._kinds: dict[type[ast.AST], list[ast.AST]] = {}

    def calls(self, name: str) -> list[ast.Call]:
        """Give the module's calls of a name, whatever stands before its last dot."""
        if self._calls is None:  # one walk for all questions: a module asks once for each of its call sites
            self._calls = {}
            for node in self.nodes:
                if isinstance(node, ast.Call):
                    self._calls.setdefault(name_of(node.func), []).append(node)
        return self._calls.get(name, [])

    def of_kind(self, kind: type[_Node]) -> list[_Node]:
        """Give the module's nodes of exactly this kind, in the order of the text."""
        if not self._kinds:
            for node in self.nodes:
                self._kinds.setdefault(type(node), []).append(node)
        found = cast("list[_Node]", self._kinds.get(kind, []))
        return sorted(found, key=lambda node: (node.lineno, node.col_offset))

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Give a node's parent; None for the module."""
        return self._parent.get(node)

    def upward(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Walk `(child, parent)` pairs up to the nearest function, that one not included."""
        for child, parent in self.all_upward(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                return
            yield child, parent

    def all_upward(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Walk `(child, parent)` pairs up to the module."""
        while (parent := self._parent.get(node)) is not None:
            yield node, parent
            node = parent

    def function(self, node: ast.AST) -> FunctionNode | None:
        """Give the nearest function around a node."""
        for _, parent in self.all_upward(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                return parent
        return None

    def qualname(self, node: ast.AST) -> str:
        """Name the function around a node, with its classes; `<module>` at the top level."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        names = [parent.name for _, parent in self.all_upward(node) if isinstance(parent, kinds)]
        return ".".join(reversed(names)) or "<module>"

    def scope(self, node: ast.AST) -> Scope:
        """Give the scope a node stands in."""
        functions: list[FunctionNode] = []
        classes: list[str] = []
        local_class = False  # a class inside a function: its name is not in the index, names around it still count
        for _, parent in self.all_upward(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                local_class |= bool(classes)
                functions.append(parent)
            elif isinstance(parent, ast.ClassDef):
                classes.append(parent.name)
        name = ".".join(reversed(classes))
        functions.reverse()
        known = None if local_class else self.module.classes.get(name)
        inside = known is not None and bool(functions) and self.parent_class(functions[0]) is known
        return Scope(
            module=self.module,
            class_key=f"{self.module.name}:{name}" if known is not None else None,
            functions=tuple(functions),
            method=functions[0] if inside else None,
        )

    def parent_class(self, function: FunctionNode) -> ast.ClassDef | None:
        """Give the class a function is a method of."""
        for _, parent in self.all_upward(function):
            if isinstance(parent, ast.ClassDef):
                return parent
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                return None
        return None


@lru_cache(maxsize=8)
def around_of(module: Module) -> Around:
    """Give the parents of a module's nodes; walked once for the many call sites that ask, and not kept for ever."""
    return Around(module)
