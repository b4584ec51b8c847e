"""What is in an annotated container: `dict[str, Hub]` by subscript, `list[Hub]` by a loop; else unknown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from codemods.found import NOTHING, Found, union
from codemods.scope import Scope
from codemods.tree import name_of

if TYPE_CHECKING:
    from codemods.infer import Inferrer

__all__ = ["Elements"]

_DEEP = 8
_MAPPINGS = frozenset({"DefaultDict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "dict"})
_ITERABLES = frozenset({
    "Collection", "Deque", "FrozenSet", "Iterable", "Iterator", "List", "MutableSequence", "Sequence", "Set", "deque",
    "frozenset", "list", "set",
})  # fmt: skip
_SAME = frozenset({"frozenset", "list", "reversed", "set", "sorted", "tuple"})
_Typed = tuple[ast.expr, Scope]
"An annotation, and where it stands."


class Elements:
    """Questions about containers, for one inferrer."""

    def __init__(self, inferrer: Inferrer) -> None:
        self.inferrer = inferrer

    def held(self, container: ast.expr, scope: Scope, deep: int) -> Found:
        """Give what `container[...]` is: a value of a mapping, an element of a sequence."""
        return self._named(self._annotations(container, scope, deep), values=True)

    def looped(self, container: ast.expr, scope: Scope, deep: int) -> Found:
        """Give what a loop over the container takes: a key of a mapping, an element of anything else."""
        return self._named(self._annotations(container, scope, deep), values=False)

    def _named(self, typed: Iterator[_Typed], *, values: bool) -> Found:
        parts = []
        for annotation, scope in typed:
            inside = [self.inferrer.annotated(one, scope) for one in _parts(annotation, values=values)]
            if not inside or not all(inside):
                return NOTHING  # one way to get there says nothing: the others do not decide
            parts += inside
        return union(parts)

    def _annotations(self, node: ast.expr, scope: Scope, deep: int) -> Iterator[_Typed]:
        """Give the annotations of an expression that may be a container."""
        if deep > _DEEP:
            return
        match node:
            case ast.Name():
                yield from self._of_name(node.id, scope, deep)
            case ast.Attribute():
                yield from self._of_attribute(node, scope, deep)
            case ast.Subscript():
                yield from self._deeper(self._annotations(node.value, scope, deep + 1), values=True)
            case ast.Await():
                yield from self._annotations(node.value, scope, deep + 1)
            case ast.Call():
                yield from self._of_call(node, scope, deep + 1)
            case _:
                return

    def _of_call(self, node: ast.Call, scope: Scope, deep: int) -> Iterator[_Typed]:
        match node:
            case ast.Call(func=ast.Attribute(value=table, attr="values"), args=[]):
                for annotation, at in self._annotations(table, scope, deep):
                    for one in _parts(annotation, values=True):
                        yield _list_of(one), at
            case ast.Call(func=ast.Attribute(value=table, attr="copy"), args=[]):
                yield from self._annotations(table, scope, deep)
            case ast.Call(func=ast.Attribute(value=table, attr="get")):
                yield from self._deeper(self._annotations(table, scope, deep), values=True)
            case ast.Call(func=ast.Name(id=name), args=[inner, *_]) if name in _SAME:
                for annotation, at in self._annotations(inner, scope, deep):
                    for one in _parts(annotation, values=False):
                        yield _list_of(one), at
            case ast.Call(func=ast.Name(id="next"), args=[inner]):
                yield from self._deeper(self._annotations(inner, scope, deep), values=False)
            case _:
                return

    @staticmethod
    def _deeper(typed: Iterator[_Typed], *, values: bool) -> Iterator[_Typed]:
        for annotation, scope in typed:
            for one in _parts(annotation, values=values):
                yield one, scope

    def _of_name(self, name: str, scope: Scope, deep: int) -> Iterator[_Typed]:
        for at in range(len(scope.functions) - 1, -1, -1):
            inner = scope.up_to(at)
            bound = self.inferrer.bound(scope.functions[at], inner).get(name)
            if bound is None:
                continue
            declared = [one.annotation for one in bound if one.annotation is not None]
            for one in declared:
                yield one, inner
            if not declared and len(bound) == 1 and bound[0].value is not None:
                yield from self._annotations(bound[0].value, inner, deep + 1)
            return
        for node in scope.module.values.get(name, []):
            if isinstance(node, ast.AnnAssign):
                yield node.annotation, Scope(module=scope.module)

    def _of_attribute(self, node: ast.Attribute, scope: Scope, deep: int) -> Iterator[_Typed]:
        classes = self.inferrer.classes
        for key in sorted(self.inferrer.of(node.value, scope, deep).instances):
            for owner in classes.mro(key).keys:
                found = classes.node(owner)
                if found is None:
                    continue
                for source in classes.known(owner).attributes.get(node.attr, []):
                    if source.annotation is not None:
                        yield source.annotation, Scope(module=found[0], class_key=owner)


def _list_of(one: ast.expr) -> ast.expr:
    return ast.Subscript(value=ast.Name(id="list", ctx=ast.Load()), slice=one, ctx=ast.Load())


def _parts(node: ast.expr, *, values: bool) -> list[ast.expr]:  # noqa: PLR0911  # one line per form
    """Give the annotations of what a container's annotation says is in it; none where it says nothing."""
    match node:
        case ast.Constant(value=str(text)):
            try:
                return _parts(ast.parse(text.strip(), mode="eval").body, values=values)
            except SyntaxError:
                return []  # an annotation that is no expression says nothing
        case ast.BinOp(op=ast.BitOr(), left=one, right=ast.Constant(value=None)):
            return _parts(one, values=values)
        case ast.Subscript(value=head, slice=inner):
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            name = name_of(head)
            if name in {"Annotated", "ClassVar", "Final", "Optional"}:
                return _parts(parts[0], values=values)
            if name in _MAPPINGS and len(parts) == 2:
                return [parts[1] if values else parts[0]]
            if name in _ITERABLES and len(parts) == 1:
                return parts
            if name in {"Tuple", "tuple"}:
                return [one for one in parts if not (isinstance(one, ast.Constant) and one.value is ...)]
            return []
        case _:
            return []
