"""Who is called: the functions an expression may be, and whether nobody can tell."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from codemods.classes import dotted, first_argument
from codemods.entries import function_named
from codemods.flow.outsiders import BUILTINS, Outsiders
from codemods.flow.places import key_of, method_key
from codemods.infer import Inferrer
from codemods.scope import Scope
from codemods.tree import Around, name_of

__all__ = ["Callee", "Receivers"]

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
        self.outsiders = Outsiders(inferrer)
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        inner = [one for one in around.nodes if isinstance(one, kinds) and around.function(one) is not None]
        self._callable = {one.arg for one in around.nodes if isinstance(one, ast.arg) and _may_be_called(one)}
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

    def _outside(self, node: ast.expr, scope: Scope) -> bool:
        """Tell whether an expression is surely none of the tree's; a dotted name is asked once."""
        parts = dotted(node)
        if not parts:
            return self.outsiders.holds(node, scope)
        key = (self._home(parts[0], scope), tuple(parts))
        if key not in self._external:
            self._external[key] = self.outsiders.holds(node, scope)
        return self._external[key]

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
        """Find a function defined in one around, or a parameter of one around."""
        for number, function in reversed(list(enumerate(scope.functions))):
            arguments = function.args
            taken = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            own = number == 0 and function is scope.method and first_argument(function) == node.id
            if any(one.arg == node.id for one in taken) and not own:
                return Callee(
                    (f"parameter|{key_of(function, self.around)}|{node.id}",), known=True, evidence="parameter"
                )
            if node.id in self.inferrer.bound(function, scope):
                break
        inner = function_named(node.id, node, self.around) if node.id in self._inner else None
        if inner is not None and self.around.function(inner) is not None:
            return Callee((key_of(inner, self.around),), known=True, evidence="defined here")
        return None

    def is_callable_parameter(self, node: ast.Name) -> bool:
        """Tell whether a name is a parameter that may be a function or coroutine: one so annotated, or not at all."""
        if node.id not in self._callable:
            return False
        for number, function in reversed(list(enumerate((scope := self.scope(node)).functions))):
            arguments = function.args
            for at, one in enumerate([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]):
                if one.arg == node.id:
                    own = number == 0 and at == 0 and function is scope.method
                    return not own and _may_be_called(one)
            if node.id in self.inferrer.bound(function, scope):
                return False
        return False

    def attribute(self, node: ast.Attribute) -> list[str]:
        """Name an attribute of classes of the tree: `attribute|module:Class|name`."""
        owner = self.inferrer.of(node.value, self.scope(node))
        return [
            f"attribute|{self.classes.definer(key, node.attr) or key}|{node.attr}" for key in sorted(owner.instances)
        ]

    def _named(self, node: ast.Name, scope: Scope) -> Callee:
        found = self._value(node, scope)
        if found.known:
            return found
        meaning = self.project.lookup(scope.module.name, node.id)
        if meaning is None:
            bound = any(node.id in self.inferrer.bound(function, scope) for function in scope.functions)
            return _ELSEWHERE if not bound and node.id in BUILTINS else _NOBODY
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
        if found or self._outside(node, scope):
            return Callee(tuple(sorted(keys)), known=True, evidence=found.how or "external")
        return _NOBODY

    def _method(self, node: ast.Attribute, scope: Scope) -> Callee:
        owner = self.inferrer.of(node.value, scope)
        keys = owner.instances | owner.classes
        if not keys:
            found = self._value(node, scope)
            return found if found.known else (_ELSEWHERE if self._outside(node.value, scope) else _NOBODY)
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
                external = self._outside(node, scope)
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


def _may_be_called(one: ast.arg) -> bool:
    return one.annotation is None or bool(_CALLABLE.search(ast.unparse(one.annotation)))
