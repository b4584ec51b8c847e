"""Read a type annotation: which classes of the tree it names."""

from __future__ import annotations

import ast

from codemods.classes import ClassIndex
from codemods.project import Definition, Module

__all__ = ["Annotations"]

_THROUGH = frozenset({
    "Annotated", "AsyncContextManager", "AsyncGenerator", "AsyncIterator", "Awaitable", "ClassVar", "ContextManager",
    "Coroutine", "Final", "Generator", "Iterator", "Optional", "Union",
})  # fmt: skip
_FIRST = frozenset({"Annotated", "AsyncGenerator", "Generator"})
_LAST = frozenset({"Coroutine"})
_Pair = tuple[frozenset[str], frozenset[str]]
_NONE: _Pair = (frozenset(), frozenset())


class Annotations:
    """Annotations over one class index."""

    def __init__(self, classes: ClassIndex) -> None:
        self.classes = classes

    def read(  # noqa: PLR0911  # one line per form
        self, node: ast.expr, module: Module, local: dict[str, Definition | None], self_key: str | None, deep: int = 0
    ) -> _Pair:
        """Give the instances and the classes an annotation names, by key. Optional, unions and strings are read."""
        if deep > 8:  # an alias of itself
            return _NONE
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self.read(ast.parse(text.strip(), mode="eval").body, module, local, self_key, deep + 1)
                except SyntaxError:
                    return _NONE  # an annotation that is no expression names no class
            case ast.BinOp(op=ast.BitOr()):
                return self._join([node.left, node.right], module, local, self_key, deep)
            case ast.Subscript():
                return self._subscript(node, module, local, self_key, deep)
            case ast.Name(id="Self") if self_key:
                return frozenset({self_key}), frozenset()
            case ast.Name() | ast.Attribute():
                return self._named(self.classes.meaning(module, node, local), deep)
            case _:
                return _NONE

    def _named(self, meaning: Definition | None, deep: int) -> _Pair:
        if meaning is None:
            return _NONE
        if meaning.kind == "class":
            return frozenset({meaning.key}), frozenset()
        owner = self.classes.project.module(meaning.module) if meaning.kind == "value" else None
        for node in owner.values.get(meaning.name, []) if owner else []:
            if owner and node.value is not None:  # an alias: `Hub = A | B`
                return self.read(node.value, owner, {}, None, deep + 1)
        return _NONE

    def _subscript(
        self, node: ast.Subscript, module: Module, local: dict[str, Definition | None], self_key: str | None, deep: int
    ) -> _Pair:
        head = node.value
        name = head.attr if isinstance(head, ast.Attribute) else head.id if isinstance(head, ast.Name) else ""
        parts = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in {"Type", "type"}:
            instances, _ = self._join(parts, module, local, self_key, deep)
            return frozenset(), instances
        if name in _THROUGH:
            chosen = parts[:1] if name in _FIRST else parts[-1:] if name in _LAST else parts
            return self._join(chosen, module, local, self_key, deep)
        return self.read(head, module, local, self_key, deep + 1)  # a generic class of the host

    def _join(
        self,
        parts: list[ast.expr],
        module: Module,
        local: dict[str, Definition | None],
        self_key: str | None,
        deep: int,
    ) -> _Pair:
        instances, classes = frozenset[str](), frozenset[str]()
        for part in parts:
            one, other = self.read(part, module, local, self_key, deep + 1)
            instances, classes = instances | one, classes | other
        return instances, classes
