"""Legacy names of the host file: which names of a module mean an old class, and whether the new one can stand in."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from codemods.classes import ClassIndex
from codemods.project import FunctionNode, Imported, Module, Project, all_statements, bound_imports

__all__ = ["LegacyNames", "is_alias", "legacy_names", "misfit", "names_key"]

_DEEP = 12
"Re-exports followed before a name is given up, as in `project`."


@dataclass(frozen=True, slots=True, kw_only=True)
class LegacyNames:
    """What one module imports of the legacy names and of their successors."""

    moved: dict[str, str] = field(default_factory=dict)
    "Old key -> new key, as the host file has them."
    bound: dict[str, str] = field(default_factory=dict)
    "Local name -> the old or new key it means, for names bound by `from ... import`."


def legacy_names(module: Module, project: Project, rows: tuple[tuple[str, str], ...]) -> LegacyNames:
    """Follow a module's imports, wherever they stand in it."""
    moved = dict(rows)
    bound: dict[str, str] = {}
    package = project.package_of(module)
    for node in all_statements(module.tree) if rows else ():
        for name, imported in bound_imports(node, package) if isinstance(node, ast.ImportFrom) else ():
            if (key := names_key(imported, project, frozenset([*moved, *moved.values()]))) is not None:
                bound[name] = key
    return LegacyNames(moved=moved, bound=bound)


def names_key(imported: Imported, project: Project, keys: frozenset[str], deep: int = 0) -> str | None:
    """Give the first of `keys` that a name goes through on its way to its definition; None where it meets none.

    A legacy alias means its new class in the end: the way matters, not the end.
    """
    if imported.attribute is None or deep > _DEEP:
        return None
    key = f"{imported.module}:{imported.attribute}"
    if key in keys:
        return key
    module = project.module(imported.module)
    if module is None or imported.attribute in module.classes:
        return None
    if imported.attribute in module.imports:
        return names_key(module.imports[imported.attribute], project, keys, deep + 1)
    for star in module.stars:
        inner = Imported(module=star, attribute=imported.attribute)
        if (found := names_key(inner, project, keys, deep + 1)) is not None:
            return found
    return None


def is_alias(old: str, new: str, project: Project) -> bool:
    """Tell whether the old name is only another name of the new class."""
    module_name, _, name = old.partition(":")
    module = project.module(module_name)
    if module is None or name in module.classes:
        return False
    if name in module.imports:
        return names_key(module.imports[name], project, frozenset([new])) is not None
    values = [node.value for node in module.values.get(name, [])]
    if len(values) != 1 or not isinstance(values[0], ast.Name):
        return False
    meant = project.lookup(module_name, values[0].id)
    return meant is not None and meant.key == new


def misfit(old: str, new: str, classes: ClassIndex) -> str:
    """Say why the new class cannot stand in for the old one; empty where it can, by constructor and public methods."""
    if is_alias(old, new, classes.project):
        return ""
    for key in (old, new):
        if classes.node(key) is None:
            return f"{key} of the host file is not in this tree"
    successor = new.partition(":")[2]
    if classes.definer(new, "__init__") and not classes.definer(old, "__init__"):
        return f"{successor} takes arguments that {old.partition(':')[2]} does not"
    for key in classes.mro(old).keys:
        for name, method in classes.known(key).methods.items():
            if name.startswith("_") and not name.startswith("__"):
                continue
            owner = classes.definer(new, name)
            theirs = classes.known(owner).methods.get(name) if owner else None
            if theirs is None:
                return f"{successor} has no method {name}"
            if _shape(theirs) != _shape(method):
                return f"{successor}.{name} is called in another way: {_shape(theirs)}, not {_shape(method)}"
    return ""


def _shape(method: FunctionNode) -> str:
    """Render a signature without annotations; `async` and decorators such as `staticmethod` are part of it."""
    bare = ast.parse(ast.unparse(method.args).join(["def f(", "): ..."])).body[0]
    for node in ast.walk(bare):
        if isinstance(node, ast.arg):
            node.annotation = None
    marks = [ast.unparse(each) for each in method.decorator_list]
    kind = "async " if isinstance(method, ast.AsyncFunctionDef) else ""
    text = ast.unparse(bare.args) if isinstance(bare, ast.FunctionDef) else ""
    return " ".join([*marks, f"{kind}({text})"])
