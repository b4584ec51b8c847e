"""Classes of the tree: their method resolution order, who defines a method, where an attribute gets its value."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codemods.project import Definition, FunctionNode, Module, Project, all_statements, bound_imports, statements

__all__ = ["AttributeSource", "ClassIndex", "Mro", "dotted"]

_PLAIN = frozenset({"abc", "builtins", "collections.abc", "dataclasses", "enum", "typing", "typing_extensions"})
"Modules whose classes define none of a host's methods."


@dataclass(frozen=True, slots=True, kw_only=True)
class Mro:
    """Classes in lookup order; `complete` is False where a base is outside the tree and may define anything."""

    keys: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSource:
    """One place that gives an attribute its type or value, and the method it stands in."""

    annotation: ast.expr | None
    value: ast.expr | None
    method: FunctionNode | None


@dataclass(slots=True, kw_only=True)
class _Known:
    methods: dict[str, FunctionNode] = field(default_factory=dict)
    attributes: dict[str, list[AttributeSource]] = field(default_factory=dict)


def dotted(node: ast.expr) -> list[str]:
    """Give the parts of `a.b.c`; an empty list for any other expression."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return [node.id, *reversed(parts)] if isinstance(node, ast.Name) else []


class ClassIndex:
    """Class questions over one project. Classes are named by key, `module:Name`; never by bare name."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._mros: dict[str, Mro] = {}
        self._known: dict[str, _Known] = {}

    def node(self, key: str) -> tuple[Module, ast.ClassDef] | None:
        """Give a class's module and tree."""
        module, _, name = key.partition(":")
        found = self.project.module(module)
        return (found, found.classes[name]) if found and name in found.classes else None

    def mro(self, key: str) -> Mro:
        """Give the classes in which an attribute of `key` is looked up."""
        if key not in self._mros:
            self._mros[key] = Mro(keys=(key,), complete=False)  # a class that inherits from itself ends here
            self._mros[key] = self._build(key)
        return self._mros[key]

    def _build(self, key: str) -> Mro:
        found = self.node(key)
        if found is None:
            return Mro(keys=(key,), complete=False)
        module, node = found
        complete, order = True, [key]
        for base in node.bases:
            meant = self.meaning(module, base.value if isinstance(base, ast.Subscript) else base)
            if meant and meant.kind == "class":
                inner = self.mro(meant.key)
                complete &= inner.complete
                order = [k for k in order if k not in inner.keys] + list(inner.keys)
            elif not _is_plain(meant, base):
                complete = False
        if any("__getattr__" in self.known(k).methods for k in order):
            complete = False
        return Mro(keys=tuple(order), complete=complete)

    def meaning(
        self, module: Module, node: ast.expr, local: dict[str, Definition | None] | None = None
    ) -> Definition | None:
        """Say what a dotted expression means in a module; `local` holds names bound by the function around it."""
        parts = dotted(node)
        if not parts:
            return None
        head = parts[0]
        found = local[head] if local and head in local else self.project.lookup(module.name, head)
        for part in parts[1:]:
            if found is None:
                return None
            if found.kind == "module":
                deeper = self.project.lookup(found.module, part) if self.project.module(found.module) else None
                if deeper is None and self.project.path_of(f"{found.module}.{part}"):
                    deeper = Definition(kind="module", module=f"{found.module}.{part}")
                found = deeper or Definition(kind="module", module=f"{found.module}.{part}")
            elif found.kind == "class" and self.node(f"{found.key}.{part}"):
                found = Definition(kind="class", module=found.module, name=f"{found.name}.{part}")
            elif found.kind == "external":
                found = Definition(kind="external", module=f"{found.module}.{found.name}".strip("."), name=part)
            else:
                return None
        return found

    def known(self, key: str) -> _Known:
        """Give what one class itself defines: methods, and attributes set anywhere in it."""
        if key not in self._known:
            self._known[key] = fresh = _Known()
            if found := self.node(key):
                _collect(found[1], fresh)
        return self._known[key]

    def forget(self, modules: frozenset[str]) -> None:
        """Let go of the trees of these modules; what is said of their classes by name stays true."""
        for key in [one for one in self._known if one.partition(":")[0] in modules]:
            del self._known[key]

    def definer(self, key: str, method: str) -> str | None:
        """Give the first class in lookup order that defines the method, or sets an attribute of its name."""
        for candidate in self.mro(key).keys:
            known = self.known(candidate)
            if method in known.methods or method in known.attributes:
                return candidate
        return None

    def local_imports(self, module: Module, function: FunctionNode) -> dict[str, Definition | None]:
        """Give what imports inside a function bind."""
        package = self.project.package_of(module)
        return {
            name: self.project.follow(imported)
            for node in statements(function.body)
            for name, imported in bound_imports(node, package)
        }


def _is_plain(meant: Definition | None, base: ast.expr) -> bool:
    if meant and meant.kind == "external":
        return meant.module in _PLAIN
    return meant is None and isinstance(base, ast.Name) and base.id in {"object", "Exception", "dict", "list", "str"}


def _collect(node: ast.ClassDef, known: _Known) -> None:
    for item in statements(node.body):
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
            known.methods[item.name] = item
            for inner in all_statements(item):
                _collect_assignment(inner, item, node.name, known)
        elif isinstance(item, ast.Assign | ast.AnnAssign):
            for target in item.targets if isinstance(item, ast.Assign) else [item.target]:
                if isinstance(target, ast.Name):
                    annotation = item.annotation if isinstance(item, ast.AnnAssign) else None
                    source = AttributeSource(annotation=annotation, value=item.value, method=None)
                    known.attributes.setdefault(target.id, []).append(source)


def _collect_assignment(node: ast.AST, method: FunctionNode, class_name: str, known: _Known) -> None:
    if not isinstance(node, ast.Assign | ast.AnnAssign):
        return
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            owner = target.value.id
            if owner == first_argument(method) or owner in _made_here(method, class_name):
                annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
                source = AttributeSource(annotation=annotation, value=node.value, method=method)
                known.attributes.setdefault(target.attr, []).append(source)


def first_argument(method: FunctionNode) -> str:
    """Give the name of `self`; empty for a static method."""
    if any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in method.decorator_list):
        return ""
    arguments = [*method.args.posonlyargs, *method.args.args]
    return arguments[0].arg if arguments else ""


def _made_here(method: FunctionNode, class_name: str) -> set[str]:
    """Names bound to a new instance of the class: `cls(...)`, `Name(...)`, `cls.__new__(cls)`."""
    made: set[str] = set()
    for node in all_statements(method):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            parts = dotted(node.value.func)
            if parts and parts[0] in {"cls", class_name, "object"} and parts[1:] in ([], ["__new__"]):
                made.add(node.targets[0].id)
    return made
