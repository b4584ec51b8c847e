"""Which exception an expression names: one of ours, one of the host's tree, or a builtin; and what it takes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from codemods.callsites import Analysis
from codemods.classes import dotted
from codemods.driftshapes import BUILTINS, Shape, of_builtin, of_class, of_function
from codemods.project import Definition, FunctionNode, Module
from shim import errors
from shim.contracts import Host
from shim.errors import LoudFailure

__all__ = ["Kind", "Meanings", "Shapes", "shapes_of"]

Shapes = Mapping[tuple[str, str], Shape]
_MADE = frozenset({"dataclass", "define", "frozen", "attrs", "s"})
_SOURCES = frozenset({"shim", "shim.errors", "shim.failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an exception is: `loud`, `host` or `builtin`. `shape` is None where it cannot be told."""

    sort: str
    name: str
    shape: Shape | None


def shapes_of(host: Host) -> Shapes:
    """Give the shapes of all loud exceptions: the shim's, and those the host file names, by module and name."""
    ours = [getattr(errors, name) for name in errors.__all__ if name != "Common"]
    found = {("shim.errors", kind.__name__): of_class(kind) for kind in ours}
    return found | {(kind.__module__, kind.__name__): of_class(kind) for kind in host.errors() | {LoudFailure}}


class Meanings:
    """Answers for one module, in the names that hold where an expression stands."""

    def __init__(self, looked: Analysis, shapes: Shapes) -> None:
        self.looked, self.shapes = looked, shapes
        self._local: dict[FunctionNode, dict[str, Definition | None]] = {}

    def is_loud(self, node: ast.expr) -> bool:
        """Tell whether an expression names a loud exception."""
        found = self.of(node)
        return found is not None and found.sort == "loud"

    def of(self, node: ast.expr) -> Kind | None:
        """Say which exception a name is; None for what is none, or cannot be told."""
        parts = dotted(node)
        if not parts:
            return None
        module, local = self.looked.around.module, self._locals(node)
        if parts[0] not in local and not _binds(module, parts[0]):
            is_builtin = parts[0] in BUILTINS and len(parts) == 1 and not module.stars
            if is_builtin:
                return Kind(sort="builtin", name=parts[0], shape=of_builtin(parts[0]))
            if not module.stars:
                return None
        meant = self.looked.classes.meaning(module, node, {parts[0]: self._top(parts[0])} | local)
        if meant is None:
            return None
        return self._external(meant) if meant.kind == "external" else self._own(meant)

    def _top(self, name: str) -> Definition | None:
        """Say what a name means at the top of this module, which is parsed already: the index would do it again."""
        module, project = self.looked.around.module, self.looked.classes.project
        if name in module.classes or name in module.functions:
            return Definition(kind="class" if name in module.classes else "function", module=module.name, name=name)
        if name in module.imports:
            return project.follow(module.imports[name])
        if name in module.values:
            return Definition(kind="value", module=module.name, name=name)
        found = (project.lookup(star, name) for star in module.stars if project.module(star))
        return next(filter(None, found), None)

    def _external(self, meant: Definition) -> Kind | None:
        at = (meant.module, meant.name)
        if meant.module in _SOURCES | {self.looked.known.facade}:
            at = next((key for key in self.shapes if key[1] == meant.name), at)
        shape = self.shapes.get(at)
        return Kind(sort="loud", name=meant.name, shape=shape) if shape is not None else None

    def _own(self, meant: Definition) -> Kind | None:
        """Judge a class of the tree by its bases and the first `__init__` or `__new__`."""
        if meant.kind != "class":
            return None
        at = (meant.module, meant.name)
        if at in self.shapes:
            return Kind(sort="loud", name=meant.name, shape=self.shapes[at])
        classes = self.looked.classes
        keys = classes.mro(meant.key).keys
        roots = [kind for key in keys for kind in self._roots(key)]
        if not roots:
            return None
        sort = "loud" if any(one.sort == "loud" for one in roots) else "host"
        plain = True
        for key in keys:
            found = classes.node(key)
            plain &= found is not None and not _is_made(found[1])
            made = [name for name in ("__new__", "__init__") if name in classes.known(key).methods]
            if made:
                shape = (
                    of_function(meant.name, classes.known(key).methods[made[0]]) if len(made) == 1 and plain else None
                )
                return Kind(sort=sort, name=meant.name, shape=shape)
        first = roots[0].shape
        sure = plain and len(roots) == 1 and first is not None
        return Kind(sort=sort, name=meant.name, shape=_named(first, meant.name) if sure and first else None)

    def _roots(self, key: str) -> list[Kind]:
        """Give the exceptions outside the tree that a class derives from directly."""
        found = self.looked.classes.node(key)
        if found is None:
            return []
        module, node = found
        roots = []
        for base in node.bases:
            name = base.id if isinstance(base, ast.Name) else ""
            meant = self.looked.classes.meaning(module, base)
            if meant is not None and meant.kind == "external" and (kind := self._external(meant)) is not None:
                roots.append(kind)
            elif meant is None and name in BUILTINS:
                roots.append(Kind(sort="builtin", name=name, shape=of_builtin(name)))
            elif meant is None or meant.kind != "class":
                roots.append(Kind(sort="other", name=name, shape=None))
        return roots if any(one.sort != "other" for one in roots) else []

    def _locals(self, node: ast.expr) -> dict[str, Definition | None]:
        found: dict[str, Definition | None] = {}
        for _, parent in self.looked.around.all_upward(node):
            if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
                if parent not in self._local:
                    self._local[parent] = self._bound(parent)
                found = self._local[parent] | found
        return found

    def _bound(self, function: FunctionNode) -> dict[str, Definition | None]:
        """Give what a function's imports bind, and None for its parameters: they may be anything."""
        args = function.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
        return {one.arg: None for one in every} | self.looked.classes.local_imports(self.looked.around.module, function)


def _binds(module: Module, name: str) -> bool:
    return any(name in names for names in (module.classes, module.functions, module.imports, module.values))


def _is_made(node: ast.ClassDef) -> bool:
    """Tell whether something else than the class's text may make its `__init__`."""
    calls = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
    return bool(node.keywords) or any(dotted(one)[-1:] and dotted(one)[-1] in _MADE for one in calls)


def _named(shape: Shape, name: str) -> Shape:
    return Shape(
        name=name,
        positional=shape.positional,
        required=shape.required,
        keywords=shape.keywords,
        star=shape.star,
        open=shape.open,
    )
