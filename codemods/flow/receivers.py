"""Who is called: the functions an expression may be, and whether nobody can tell."""

from __future__ import annotations

import ast
import builtins
import re
from typing import NamedTuple

from codemods.classes import dotted, first_argument
from codemods.entries import function_named
from codemods.flow.places import key_of, method_key
from codemods.infer import Inferrer
from codemods.scope import Scope
from codemods.tree import Around, name_of

__all__ = ["Callee", "Receivers"]

_BUILTINS = frozenset(vars(builtins))
_DEEP = 8
_CALLABLE = re.compile(r"Awaitable|Callable|Coroutine|Any|object")
_HOLDERS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Callee(NamedTuple):
    """`keys` of functions, empty with `known` where it is none of the tree's; not `known`: nobody can tell."""

    keys: tuple[str, ...]
    known: bool
    evidence: str = ""
    receivers: tuple[str, ...] = ()


_NOBODY = Callee((), known=False)
_ELSEWHERE = Callee((), known=True, evidence="external")


class Receivers:
    """Questions about one module's expressions."""

    def __init__(self, around: Around, inferrer: Inferrer) -> None:
        self.around, self.inferrer = around, inferrer
        self.classes, self.project = inferrer.classes, inferrer.project
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        inner = [one for one in around.nodes if isinstance(one, kinds) and around.function(one) is not None]
        self._inner = {one.name for one in inner}
        self._known: dict[tuple[object, tuple[str, ...]], Callee] = {}
        self._external: dict[tuple[object, tuple[str, ...]], bool] = {}
        self._scopes: dict[ast.AST | None, Scope] = {}

    def scope(self, node: ast.AST) -> Scope:
        """Give the scope a node stands in; worked out once for each function."""
        holder = next((one for _, one in self.around.all_upward(node) if isinstance(one, _HOLDERS)), None)
        if holder not in self._scopes:
            self._scopes[holder] = self.around.scope(node)
        return self._scopes[holder]

    def called(self, node: ast.expr) -> Callee:
        """Say what a call of this expression calls. A dotted name is the same wherever its first part is."""
        scope = self.scope(node)
        parts = dotted(node)
        if not parts or self._in_expression(node):
            return self._called(node, scope)
        key = (self._home(parts[0], scope), tuple(parts))
        if key not in self._known:
            self._known[key] = self._called(node, scope)
        return self._known[key]

    def _home(self, name: str, scope: Scope) -> object:
        """Give what binds a name: a class for `self`, a function, or nothing for a name of the module."""
        for number, function in reversed(list(enumerate(scope.functions))):
            if number == 0 and function is scope.method and first_argument(function) == name:
                return (scope.class_key, "self")
            if name in self.inferrer.bound(function, scope) or name in self._inner:
                return function
        return None

    def _in_expression(self, node: ast.AST) -> bool:
        """Tell whether a lambda or comprehension is around: it may have names of its own."""
        for _, parent in self.around.all_upward(node):
            if isinstance(parent, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
                return True
            if isinstance(parent, ast.stmt):
                return False
        return False

    def _called(self, node: ast.expr, scope: Scope) -> Callee:
        if isinstance(node, ast.Name):
            if local := self._local(node, scope):
                return local
            return self._named(node, scope)
        if isinstance(node, ast.Attribute):
            return self._method(node, scope)
        if isinstance(node, ast.Lambda | ast.Call | ast.Subscript | ast.IfExp | ast.BoolOp):
            return self._value(node, scope)
        return _NOBODY

    def _local(self, node: ast.Name, scope: Scope) -> Callee | None:
        """A function defined in one around, or a parameter of one around."""
        for number, function in reversed(list(enumerate(scope.functions))):
            arguments = function.args
            taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            own = number == 0 and function is scope.method and first_argument(function) == node.id
            if any(one.arg == node.id for one in taken) and not own:
                return Callee((f"parameter|{key_of(function, self.around)}|{node.id}",), known=True, evidence="parameter")
            if node.id in self.inferrer.bound(function, scope):
                break
        inner = function_named(node.id, node, self.around) if node.id in self._inner else None
        if inner is not None and self.around.function(inner) is not None:
            return Callee((key_of(inner, self.around),), known=True, evidence="defined here")
        return None

    def is_callable_parameter(self, node: ast.Name) -> bool:
        """Tell whether a name is a parameter that may be a function or coroutine: one so annotated, or not at all."""
        for number, function in reversed(list(enumerate((scope := self.scope(node)).functions))):
            arguments = function.args
            for at, one in enumerate([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]):
                if one.arg == node.id:
                    own = number == 0 and at == 0 and function is scope.method
                    return not own and (one.annotation is None or bool(_CALLABLE.search(ast.unparse(one.annotation))))
            if node.id in self.inferrer.bound(function, scope):
                return False
        return False

    def attribute(self, node: ast.Attribute) -> list[str]:
        """Name an attribute of classes of the tree: `attribute|module:Class|name`."""
        owner = self.inferrer.of(node.value, self.scope(node))
        return [f"attribute|{self.classes.definer(key, node.attr) or key}|{node.attr}" for key in sorted(owner.instances)]

    def _named(self, node: ast.Name, scope: Scope) -> Callee:
        found = self._value(node, scope)
        if found.known:
            return found
        meaning = self.project.lookup(scope.module.name, node.id)
        if meaning is None:
            bound = any(node.id in self.inferrer.bound(function, scope) for function in scope.functions)
            return _ELSEWHERE if not bound and node.id in _BUILTINS else _NOBODY
        return _ELSEWHERE if meaning.kind == "external" else _NOBODY

    def _value(self, node: ast.expr, scope: Scope) -> Callee:
        found = self.inferrer.of(node, scope)
        keys = {method_key(owner, name) for owner, name in found.functions}
        for key in found.classes:
            for name in ("__init__", "__new__"):
                if (definer := self._defines(key, name)) is not None:
                    keys.add(method_key(definer, name))
        for key in found.instances:
            if (definer := self._defines(key, "__call__")) is not None:
                keys.add(method_key(definer, "__call__"))
        if found or self.is_external(node, scope):
            return Callee(tuple(sorted(keys)), known=True, evidence=found.how or "external")
        return _NOBODY

    def _method(self, node: ast.Attribute, scope: Scope) -> Callee:
        owner = self.inferrer.of(node.value, scope)
        keys = owner.instances | owner.classes
        if not keys:
            found = self._value(node, scope)
            return found if found.known else (_ELSEWHERE if self.is_external(node.value, scope) else _NOBODY)
        exact = isinstance(node.value, ast.Call) and name_of(node.value.func) == "super"
        called: set[str] = set()
        unknown = False
        for key in sorted(keys):
            definer = self._defines(key, node.attr)
            if definer is not None:
                called.add(method_key(definer, node.attr))
            elif not self.classes.mro(key).complete or self.classes.definer(key, node.attr):
                unknown = True  # an attribute, or a base outside the tree: it may hold anything
        if not called and unknown:
            value = self._value(node, scope)
            if value.keys:
                return value
            if held := self.attribute(node):
                external = self.is_external(node, scope)
                return _ELSEWHERE if external else Callee(tuple(held), known=True, evidence="attribute")
            outside = all(self.classes.definer(key, node.attr) is None for key in keys)
            return _ELSEWHERE if outside else _NOBODY
        receivers = () if exact else tuple(sorted(keys))
        return Callee(tuple(sorted(called)), known=True, evidence=owner.how, receivers=receivers)

    def _defines(self, key: str, name: str) -> str | None:
        for candidate in self.classes.mro(key).keys:
            known = self.classes.known(candidate)
            if name in known.methods:
                return candidate
            if name in known.attributes:
                return None
        return None

    def is_external(self, node: ast.expr | None, scope: Scope, deep: int = 0) -> bool:
        """Tell whether an expression is surely no object of the tree: a literal, something of another package."""
        parts = dotted(node) if isinstance(node, ast.Attribute) and deep == 0 and scope.module is self.around.module else []
        if not parts:
            return self._is_external(node, scope, deep)
        key = (self._home(parts[0], scope), tuple(parts))
        if key not in self._external:
            self._external[key] = self._is_external(node, scope, deep)
        return self._external[key]

    def _is_external(self, node: ast.expr | None, scope: Scope, deep: int) -> bool:  # noqa: PLR0911  # one per form
        if node is None or deep > _DEEP:
            return False
        match node:
            case ast.Name():
                return self._external_name(node.id, scope, deep + 1)
            case ast.Attribute():
                return self._external_attribute(node, scope, deep + 1)
            case ast.Call():
                return self.is_external(node.func, scope, deep + 1)
            case ast.Await() | ast.Starred() | ast.NamedExpr() | ast.Subscript():
                return self.is_external(node.value, scope, deep + 1)
            case ast.Constant():
                return node.value is not None
            case ast.JoinedStr() | ast.List() | ast.Dict() | ast.Set() | ast.Tuple() | ast.BinOp() | ast.Compare():
                return True
            case ast.ListComp() | ast.DictComp() | ast.SetComp() | ast.GeneratorExp():
                return True
            case ast.BoolOp():
                return all(self.is_external(one, scope, deep + 1) for one in node.values)
            case ast.IfExp():
                return all(self.is_external(one, scope, deep + 1) for one in (node.body, node.orelse))
            case _:
                return False

    def _external_name(self, name: str, scope: Scope, deep: int) -> bool:
        for at in range(len(scope.functions) - 1, -1, -1):
            bound = self.inferrer.bound(scope.functions[at], scope).get(name)
            if bound is not None:
                inner = scope.up_to(at)
                return all(
                    (one.imported is not None and self._is_outside(one.imported.module))
                    or (one.annotation is not None and self._external_type(one.annotation, scope, deep))
                    or (not one.parameter and self.is_external(one.value, inner, deep))
                    for one in bound
                )
        meaning = self.project.lookup(scope.module.name, name)
        if meaning is None:
            return name in _BUILTINS
        if meaning.kind == "value" and (module := self.project.module(meaning.module)) is not None:
            held = [one.value for one in module.values.get(meaning.name, [])]
            return bool(held) and all(self.is_external(one, Scope(module=module), deep) for one in held)
        return meaning.kind == "external"

    def _is_outside(self, module: str) -> bool:
        return self.project.module(module) is None

    def _external_type(self, node: ast.expr, scope: Scope, deep: int) -> bool:
        """Tell whether an annotation names classes of other packages only; `Any` and `object` say nothing."""
        match node:
            case ast.Constant(value=None):
                return True
            case ast.Constant(value=str(text)):
                try:
                    return self._external_type(ast.parse(text.strip(), mode="eval").body, scope, deep + 1)
                except SyntaxError:
                    return False
            case ast.BinOp():
                return all(self._external_type(one, scope, deep + 1) for one in (node.left, node.right))
            case ast.Subscript(value=outer, slice=inner):
                if name_of(outer) in {"Annotated", "Optional", "Union", "Type", "type"} and deep < _DEEP:
                    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                    return all(self._external_type(one, scope, deep + 1) for one in parts)
                return name_of(outer) not in {"Callable", "Awaitable"} and self._external_type(outer, scope, deep + 1)
            case ast.Name() | ast.Attribute():
                if name_of(node) in {"Any", "object", "Callable", "Self"}:
                    return False
                local = {}
                for function in scope.functions:
                    local |= self.classes.local_imports(scope.module, function)
                meaning = self.classes.meaning(scope.module, node, local)
                if meaning is None:
                    return isinstance(node, ast.Name) and node.id in _BUILTINS
                return meaning.kind == "external"
            case _:
                return False

    def _external_attribute(self, node: ast.Attribute, scope: Scope, deep: int) -> bool:
        owner = self.inferrer.of(node.value, scope)
        keys = owner.instances | owner.classes
        if not keys:
            return self.is_external(node.value, scope, deep)
        told = False
        for key in keys:
            definer = self.classes.definer(key, node.attr)
            if definer is None or node.attr in self.classes.known(definer).methods:
                return False
            for source in self.classes.known(definer).attributes.get(node.attr, []):
                module = self.project.module(definer.partition(":")[0])
                if module is None:
                    return False
                functions = (source.method,) if source.method else ()
                inner = Scope(module=module, class_key=definer, functions=functions, method=source.method)
                none = isinstance(source.value, ast.Constant) and source.value.value is None
                typed = source.annotation is not None and self._external_type(source.annotation, inner, deep)
                if not (typed or none or self.is_external(source.value, inner, deep)):
                    return False
                told |= not none or typed
        return told
