"""What an expression is: classes by key, with the evidence. It says unknown rather than guess."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from codemods.annotations import Annotations
from codemods.classes import ClassIndex, dotted, first_argument
from codemods.elements import Elements
from codemods.found import NOTHING, Found, union
from codemods.origins import Origin, Origins
from codemods.project import Definition, FunctionNode, Project
from codemods.scope import Binding, Scope, bindings, returns

__all__ = ["Inferrer"]

_DEEP = 12
_TRANSPARENT = frozenset({"wait_for", "shield", "cast", "create_task", "ensure_future"})


class Inferrer:
    """Types over one project; answers are cached per function and expression."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.classes = ClassIndex(project)
        self.annotations = Annotations(self.classes)
        self.origins = Origins(project)
        self.elements = Elements(self)
        self._attributes: dict[tuple[str, str], Found] = {}
        self._asked: set[tuple[int, str]] = set()
        "Parameters whose callers are being looked at: one that is handed on to itself ends here."

    def of(self, node: ast.expr | None, scope: Scope, deep: int = 0) -> Found:  # noqa: PLR0911  # one line per kind
        """Give the types of an expression in a scope."""
        deeper = deep + 1
        if node is None or deep > _DEEP:
            return NOTHING
        match node:
            case ast.Name():
                return self._name(node.id, scope, deeper)
            case ast.Attribute():
                return self._attribute(node, scope, deeper)
            case ast.Call():
                return self._call(node, scope, deeper)
            case ast.Subscript() if not isinstance(node.slice, ast.Slice):
                return self.elements.held(node.value, scope, deeper)
            case ast.Await() | ast.NamedExpr() | ast.Starred():
                return self.of(node.value, scope, deep)
            case ast.IfExp():
                return union([self.of(node.body, scope, deeper), self.of(node.orelse, scope, deeper)])
            case ast.BoolOp():
                return union(self.of(value, scope, deeper) for value in node.values)
            case _:
                return NOTHING

    def _name(self, name: str, scope: Scope, deep: int) -> Found:
        for at in range(len(scope.functions) - 1, -1, -1):
            function, inner = scope.functions[at], scope.up_to(at)
            if scope.class_key and function is scope.method and name == first_argument(function):
                if any(isinstance(d, ast.Name) and d.id == "classmethod" for d in function.decorator_list):
                    return Found(classes=frozenset({scope.class_key}), how="self")
                return Found(instances=frozenset({scope.class_key}), how="self")
            bound = self.bound(function, scope).get(name)
            if bound is not None:
                found = union(self._binding(b, inner, deep) for b in bound)
                untyped = not found and any(b.parameter and b.annotation is None for b in bound)
                return self._from_callers(function, name, inner, deep) if untyped else found
        return self.meant(self.project.lookup(scope.module.name, name), deep)

    def bound(self, function: FunctionNode, scope: Scope) -> dict[str, list[Binding]]:
        """Give what each local name of a function may hold."""
        return bindings(function, self.project.package_of(scope.module))

    def _from_callers(self, function: FunctionNode, name: str, scope: Scope, deep: int) -> Found:
        asked = (id(function), name)
        if asked in self._asked:
            return NOTHING
        self._asked.add(asked)
        try:
            return self._of_all(self.origins.arguments(function, name, scope), deep).because("caller")
        finally:
            self._asked.discard(asked)

    def _of_all(self, origins: Iterable[Origin], deep: int) -> Found:
        return union(self.of(value, scope, deep) for value, scope in origins)

    def _binding(self, bound: Binding, scope: Scope, deep: int) -> Found:
        if bound.imported is not None:
            return self.meant(self.project.follow(bound.imported), deep)
        if bound.annotation is not None and (found := self.annotated(bound.annotation, scope)):
            return found
        return self.of(bound.value, scope, deep)

    def meant(self, meaning: Definition | None, deep: int) -> Found:
        """Give the types of what a name means."""
        if meaning is None or meaning.kind == "external":
            return NOTHING
        if meaning.kind == "class":
            return Found(classes=frozenset({meaning.key}), how="import")
        if meaning.kind == "function":
            return Found(functions=frozenset({(meaning.module, meaning.name)}), how="import")
        if meaning.kind == "module":
            return Found(modules=frozenset({meaning.module}), how="import")
        module = self.project.module(meaning.module)
        if module is None:
            return NOTHING
        scope = Scope(module=module)
        parts = []
        for node in module.values[meaning.name]:
            declared = self.annotated(node.annotation, scope) if isinstance(node, ast.AnnAssign) else NOTHING
            parts.append(declared or self.of(node.value, scope, deep))
        return union(parts)

    def annotated(self, node: ast.expr, scope: Scope) -> Found:
        """Give the types an annotation names."""
        local: dict[str, Definition | None] = {}
        for function in scope.functions:
            local |= self.classes.local_imports(scope.module, function)
        instances, classes = self.annotations.read(node, scope.module, local, scope.class_key)
        return Found(instances=instances, classes=classes, how="annotation")

    def _attribute(self, node: ast.Attribute, scope: Scope, deep: int) -> Found:
        owner = self.of(node.value, scope, deep)
        if node.attr == "__class__":
            return Found(classes=owner.instances, how=owner.how)
        parts = [self.attribute(key, node.attr, deep) for key in sorted(owner.instances | owner.classes)]
        for name in sorted(owner.modules):
            meaning = self.project.lookup(name, node.attr) if self.project.module(name) else None
            if meaning is None and self.project.path_of(f"{name}.{node.attr}"):
                meaning = Definition(kind="module", module=f"{name}.{node.attr}")
            parts.append(self.meant(meaning, deep))
        found = union(parts)
        if not found and dotted(node)[-2:-1] == ["state"]:
            return self._of_all(self.origins.state(node.attr), deep).because("application state")
        return found

    def attribute(self, key: str, name: str, deep: int = 0) -> Found:
        """Give the types of an attribute of a class or its instances."""
        if (key, name) in self._attributes:
            return self._attributes[key, name]
        self._attributes[key, name] = NOTHING  # an attribute defined by itself ends here
        parts = []
        for owner in self.classes.mro(key).keys:
            found = self.classes.node(owner)
            if found is None:
                continue
            known = self.classes.known(owner)
            if method := known.methods.get(name):
                if _is_property(method):
                    parts.append(self.returned(method, Scope(module=found[0], class_key=owner), deep).because("getter"))
                else:
                    parts.append(Found(functions=frozenset({(owner, name)}), how="self"))
                break
            for source in known.attributes.get(name, []):
                functions = (source.method,) if source.method else ()
                scope = Scope(module=found[0], class_key=owner, functions=functions, method=source.method)
                if source.annotation is not None:
                    parts.append(self.annotated(source.annotation, scope))
                value = self.of(source.value, scope, deep)
                parts.append(value.because("annotated attribute") if value.how == "annotation" else value)
        self._attributes[key, name] = union(parts)
        return self._attributes[key, name]

    def _call(self, node: ast.Call, scope: Scope, deep: int) -> Found:  # noqa: PLR0911  # one per form
        function = node.func
        name = (
            function.attr
            if isinstance(function, ast.Attribute)
            else function.id
            if isinstance(function, ast.Name)
            else ""
        )
        if name == "super" and scope.class_key:
            keys = self.classes.mro(scope.class_key).keys
            return Found(instances=frozenset(keys[1:2]), how="self")
        if name == "__new__":
            made = self.of(node.args[0], scope, deep) if node.args else NOTHING
            return Found(instances=made.classes, how="constructor")
        if name == "cast" and len(node.args) == 2:
            return self.annotated(node.args[0], scope)
        if name in _TRANSPARENT and node.args:
            return self.of(node.args[0], scope, deep)
        if name == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            literal = ast.Attribute(value=node.args[0], attr=str(node.args[1].value), ctx=ast.Load())
            return self.of(literal, scope, deep)
        if name == "next" and node.args:
            return self.elements.looped(node.args[0], scope, deep)
        if name == "type" and len(node.args) == 1:
            return Found(classes=(made := self.of(node.args[0], scope, deep)).instances, how=made.how)
        if (
            name == "get"
            and isinstance(function, ast.Attribute)
            and (got := self.elements.held(function.value, scope, deep))
        ):
            return got
        if name == "Depends" and node.args:
            return self._results(self.of(node.args[0], scope, deep), deep)
        return self._results(self.of(function, scope, deep), deep)

    def _results(self, callee: Found, deep: int) -> Found:
        made = Found(instances=callee.classes, how="constructor") if callee.classes else NOTHING
        parts = [made]
        for owner, name in sorted(callee.functions):
            module_name, _, class_name = owner.partition(":")
            module = self.project.module(module_name)
            if module is None:
                continue
            defined = self.classes.known(owner).methods.get(name) if class_name else module.functions.get(name)
            if defined is not None:
                at = Scope(module=module, class_key=owner if class_name else None)
                parts.append(self.returned(defined, at, deep).because("getter"))
        return union(parts)

    def returned(self, function: FunctionNode, scope: Scope, deep: int) -> Found:
        """Give what a function returns: its annotation, else what its `return` statements hold."""
        if function.returns is not None and (declared := self.annotated(function.returns, scope.inside(function))):
            return declared
        return union(self.of(value, scope.inside(function), deep + 1) for value in returns(function))


def _is_property(method: FunctionNode) -> bool:
    names = {
        d.id if isinstance(d, ast.Name) else d.attr
        for d in method.decorator_list
        if isinstance(d, ast.Name | ast.Attribute)
    }
    return bool(names & {"property", "cached_property"})
