"""What is surely no object of the tree: a literal, a thing of another package."""

from __future__ import annotations

import ast
import builtins

from codemods.classes import AttributeSource
from codemods.infer import Inferrer
from codemods.project import Definition
from codemods.scope import Binding, Scope
from codemods.tree import name_of

__all__ = ["BUILTINS", "Outsiders"]

BUILTINS = frozenset(vars(builtins))
_DEEP = 8
_LITERALS = (
    ast.JoinedStr, ast.List, ast.Dict, ast.Set, ast.Tuple, ast.BinOp, ast.Compare, ast.ListComp, ast.DictComp,
    ast.SetComp, ast.GeneratorExp,
)  # fmt: skip
_THROUGH = frozenset({"Annotated", "Optional", "Type", "Union", "type"})
_SAY_NOTHING = frozenset({"Any", "Awaitable", "Callable", "Self", "object"})
"Annotations that leave open whose object it is."


class Outsiders:
    """Questions over one project."""

    def __init__(self, inferrer: Inferrer) -> None:
        self.inferrer = inferrer
        self.classes, self.project = inferrer.classes, inferrer.project

    def holds(self, node: ast.expr | None, scope: Scope, deep: int = 0) -> bool:
        """Tell whether an expression is surely none of the tree's."""
        if node is None or deep > _DEEP:
            return False
        if isinstance(node, _LITERALS):
            return True
        match node:
            case ast.Constant():
                return node.value is not None
            case ast.Name():
                return self._name(node.id, scope, deep + 1)
            case ast.Attribute():
                return self._attribute(node, scope, deep + 1)
        inner = _inner(node)
        return bool(inner) and all(self.holds(one, scope, deep + 1) for one in inner)

    def _name(self, name: str, scope: Scope, deep: int) -> bool:
        for at in range(len(scope.functions) - 1, -1, -1):
            bound = self.inferrer.bound(scope.functions[at], scope).get(name)
            if bound is not None:
                return all(self._bound(one, scope, scope.up_to(at), deep) for one in bound)
        meaning = self.project.lookup(scope.module.name, name)
        if meaning is None:
            return name in BUILTINS
        if meaning.kind == "value" and (module := self.project.module(meaning.module)) is not None:
            held = [one.value for one in module.values.get(meaning.name, [])]
            return bool(held) and all(self.holds(one, Scope(module=module), deep) for one in held)
        return meaning.kind == "external"

    def _bound(self, one: Binding, scope: Scope, inner: Scope, deep: int) -> bool:
        if one.imported is not None and self.project.module(one.imported.module) is None:
            return True
        if one.annotation is not None and self._type(one.annotation, scope, deep):
            return True
        return not one.parameter and self.holds(one.value, inner, deep)

    def _type(self, node: ast.expr, scope: Scope, deep: int) -> bool:  # noqa: PLR0911  # one per form
        """Tell whether an annotation names classes of other packages only."""
        if deep > _DEEP:
            return False
        match node:
            case ast.Constant(value=str(text)):
                try:
                    return self._type(ast.parse(text.strip(), mode="eval").body, scope, deep + 1)
                except SyntaxError:
                    return False
            case ast.Constant():
                return node.value is None
            case ast.BinOp():
                return all(self._type(one, scope, deep + 1) for one in (node.left, node.right))
            case ast.Subscript():
                return self._subscript(node, scope, deep + 1)
            case ast.Name() | ast.Attribute():
                return name_of(node) not in _SAY_NOTHING and self._named_type(node, scope)
        return False

    def _subscript(self, node: ast.Subscript, scope: Scope, deep: int) -> bool:
        if name_of(node.value) not in _THROUGH:
            return self._type(node.value, scope, deep)
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return all(self._type(one, scope, deep) for one in parts)

    def _named_type(self, node: ast.expr, scope: Scope) -> bool:
        local: dict[str, Definition | None] = {}
        for function in scope.functions:
            local |= self.classes.local_imports(scope.module, function)
        meaning = self.classes.meaning(scope.module, node, local)
        if meaning is None:
            return isinstance(node, ast.Name) and node.id in BUILTINS
        return meaning.kind == "external"

    def _attribute(self, node: ast.Attribute, scope: Scope, deep: int) -> bool:
        owner = self.inferrer.of(node.value, scope)
        keys = owner.instances | owner.classes
        if not keys:
            return self.holds(node.value, scope, deep)
        sources: list[tuple[str, AttributeSource]] = []
        for key in keys:
            definer = self.classes.definer(key, node.attr)
            if definer is None or node.attr in self.classes.known(definer).methods:
                return False
            sources += [(definer, one) for one in self.classes.known(definer).attributes.get(node.attr, [])]
        told = [self._source(definer, one, deep) for definer, one in sources if not _is_none(one)]
        return bool(told) and all(told)

    def _source(self, definer: str, source: AttributeSource, deep: int) -> bool:
        module = self.project.module(definer.partition(":")[0])
        if module is None:
            return False
        functions = (source.method,) if source.method else ()
        scope = Scope(module=module, class_key=definer, functions=functions, method=source.method)
        if source.annotation is not None and self._type(source.annotation, scope, deep):
            return True
        return self.holds(source.value, scope, deep)


def _is_none(source: AttributeSource) -> bool:
    return source.annotation is None and isinstance(source.value, ast.Constant) and source.value.value is None


def _inner(node: ast.expr) -> list[ast.expr]:
    """Give the expressions that decide for one around them."""
    match node:
        case ast.Call():
            return [node.func]
        case ast.Await() | ast.Starred() | ast.NamedExpr() | ast.Subscript():
            return [node.value]
        case ast.BoolOp():
            return node.values
        case ast.IfExp():
            return [node.body, node.orelse]
        case _:
            return []
