"""Where a module names a legacy class: which places can be redirected, which are left and why. No text is changed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from codemods.callsites import Analysis
from codemods.imports import names_bound
from codemods.legacy import is_alias, misfit, names_key
from codemods.outcome import SkippedSite
from codemods.project import Imported, bound_imports
from codemods.quoted import asks_for, is_plain, names_in, parsed, quoted
from codemods.tree import name_of

__all__ = ["ImportPlace", "Redirect", "redirects_of"]

NAME = "use-shims"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlace:
    """One name in one `from ... import`."""

    statement: ast.ImportFrom
    alias: ast.alias
    source: str
    "The module it is imported from, absolute."


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """One legacy class in one module."""

    old: str
    new: str
    imports: tuple[ImportPlace, ...]
    names: tuple[ast.Name, ...]
    "Places that name it by the name to be changed; none where that name is kept."
    strings: tuple[ast.Constant, ...]
    "Annotations in quotes that name it."
    kept: bool
    "True where the module goes on calling it by its old name: `import New as Old`."
    places: int
    "Imports and names that mean the new class afterwards."


def redirects_of(analysis: Analysis) -> tuple[list[Redirect], list[SkippedSite]]:
    """Plan each legacy class of the host file for one module."""
    found: list[Redirect] = []
    left: list[SkippedSite] = []
    for old, new in analysis.known.legacy.moved.items():
        if analysis.module in (old.partition(":")[0], new.partition(":")[0]):
            continue  # defines it, or would have to import itself
        left += [_left(line, reason) for line, reason in _unreachable(analysis, old)]
        imports = tuple(_imports(analysis, old))
        if not imports:
            continue
        reason = misfit(old, new, analysis.classes) or _refusal(analysis, old, new, imports)
        if reason:
            left += [_left(place.statement.lineno, reason) for place in imports]
        else:
            found.append(_redirect(analysis, old, new, imports))
    return found, left


def _left(line: int, reason: str) -> SkippedSite:
    return SkippedSite(codemod=NAME, line=line, reason=reason)


def _imports(analysis: Analysis, old: str) -> Iterator[ImportPlace]:
    package = analysis.classes.project.package_of(analysis.around.module)
    for node in ast.walk(analysis.source.tree):
        if isinstance(node, ast.ImportFrom):
            for alias, (bound, imported) in zip(node.names, bound_imports(node, package), strict=True):
                if analysis.known.legacy.bound.get(bound) == old and _means(analysis, imported, old):
                    yield ImportPlace(statement=node, alias=alias, source=imported.module)


def _means(analysis: Analysis, imported: Imported, old: str) -> bool:
    moved = analysis.known.legacy.moved
    return names_key(imported, analysis.classes.project, frozenset([*moved, *moved.values()])) == old


def _unreachable(analysis: Analysis, old: str) -> Iterator[tuple[int, str]]:
    """Give the places that name the class without importing it by name."""
    module, _, name = old.partition(":")
    project, here = analysis.classes.project, analysis.around.module
    keys = frozenset([old])
    starred = any(names_key(Imported(module=star, attribute=name), project, keys) for star in here.stars)
    bound = name in analysis.known.legacy.bound
    for node in ast.walk(analysis.source.tree):
        if isinstance(node, ast.Attribute) and node.attr == name:
            owner = analysis.classes.meaning(here, node.value)
            source = f"{owner.module}.{owner.name}".strip(".") if owner is not None else ""
            if source and names_key(Imported(module=source, attribute=name), project, keys):
                yield node.lineno, "reached through its module: import the class by name first"
        elif isinstance(node, ast.Name) and node.id == name and starred and not bound:
            yield node.lineno, "comes through a star import: import the class by name first"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and f"{module}.{name}" in node.value:
            yield node.lineno, "named with its path in a string: change that by hand"


def _refusal(analysis: Analysis, old: str, new: str, imports: tuple[ImportPlace, ...]) -> str:
    name = old.partition(":")[2]
    tree, legacy = analysis.source.tree, analysis.known.legacy
    local = {place.alias.asname or name for place in imports}
    package = analysis.classes.project.package_of(analysis.around.module)
    ours = {id(place.statement) for place in imports}
    for node in ast.walk(tree):
        others = set(names_bound(node))
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in ours:
            others |= {bound for bound, _ in bound_imports(node, package)}
        if both := sorted(local & others):
            return f"the name {both[0]} is bound in another way too, line {getattr(node, 'lineno', 1)}"
    if any(_has_comment(analysis, place) for place in imports):
        return "a comment stands inside the import: give the class an import of its own first"
    for place in imports:
        if sum(legacy.bound.get(each.asname or each.name) in legacy.moved for each in place.statement.names) > 1:
            return "shares its import with another legacy class: give each an import of its own first"
    if not is_alias(old, new, analysis.classes.project) and (line := _asked(tree, local)):
        return f"line {line} asks for the class of an object: one made elsewhere may still be an old one"
    return ""


def _has_comment(analysis: Analysis, place: ImportPlace) -> bool:
    """Tell whether taking the name out of a list could take a comment along."""
    source, node = analysis.source, place.statement
    start = source.offset(node.lineno, node.col_offset)
    end = source.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
    return len(node.names) > 1 and b"#" in source.utf8[start:end]


def _asked(tree: ast.Module, local: set[str]) -> int | None:
    """Give a line that compares classes: an old instance would answer otherwise than before."""
    for node in ast.walk(tree):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Call) and name_of(node.func) in {"isinstance", "issubclass"}:
            asked = node.args[1:]
        elif isinstance(node, ast.Compare):
            asked = [node.left, *node.comparators]
        elif isinstance(node, ast.ExceptHandler | ast.MatchClass):
            asked = [each for each in (getattr(node, "type", None), getattr(node, "cls", None)) if each is not None]
        if any(isinstance(n, ast.Name) and n.id in local for each in asked for n in ast.walk(each)):
            return getattr(node, "lineno", 1)
    return None


def _redirect(analysis: Analysis, old: str, new: str, imports: tuple[ImportPlace, ...]) -> Redirect:
    tree, name, new_name = analysis.source.tree, old.partition(":")[2], new.partition(":")[2]
    renamed = any(place.alias.asname is None for place in imports)
    names = tuple(n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name) if renamed else ()
    local = {place.alias.asname or name for place in imports}
    inside = [node for node in quoted(tree) if local & names_in(node)]
    strings = tuple(node for node in inside if renamed and name in names_in(node))
    kept = renamed and name != new_name and _keeps(analysis, old, new_name, strings)
    count = sum(isinstance(n, ast.Name) and n.id in local for n in ast.walk(tree))
    count += sum(n.id in local for node in inside for n in ast.walk(parsed(node)) if isinstance(n, ast.Name))
    return Redirect(
        old=old,
        new=new,
        imports=imports,
        names=() if kept or name == new_name else names,
        strings=() if kept or name == new_name else strings,
        kept=kept,
        places=len(imports) + count,
    )


def _keeps(analysis: Analysis, old: str, new_name: str, strings: tuple[ast.Constant, ...]) -> bool:
    """Tell whether the module has to go on binding the old name, or cannot bind the new one."""
    name, tree, legacy = old.partition(":")[2], analysis.source.tree, analysis.known.legacy
    commented = re.compile(rb"#\s*type:[^\n]*\b%b\b" % re.escape(name.encode()))
    if (
        analysis.around.module.is_package
        or commented.search(analysis.source.utf8)
        or any(not is_plain(analysis.source, node) for node in strings)
    ):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and asks_for(node, name, inside=node in strings):
            return True
        if isinstance(node, ast.Global | ast.Nonlocal) and {name, new_name} & set(node.names):
            return True
        if new_name in names_bound(node) or (isinstance(node, ast.Name) and node.id == new_name):
            if legacy.bound.get(new_name) != legacy.moved[old]:
                return True
        elif isinstance(node, ast.Import | ast.ImportFrom) and _binds_other(analysis, node, new_name, old):
            return True
    return _asked_from_outside(analysis, name)


def _binds_other(analysis: Analysis, node: ast.Import | ast.ImportFrom, new_name: str, old: str) -> bool:
    package = analysis.classes.project.package_of(analysis.around.module)
    new = analysis.known.legacy.moved[old]
    project = analysis.classes.project
    return any(
        bound == new_name and names_key(imported, project, frozenset([new])) != new
        for bound, imported in bound_imports(node, package)
    )


def _asked_from_outside(analysis: Analysis, name: str) -> bool:
    """Tell whether another file may take the name from this module. On the careful side: read from the text."""
    project = analysis.classes.project
    own, wanted = (re.escape(each.encode()) for each in (analysis.module.rpartition(".")[2], name))
    asks = re.compile(rb"(?:from|import)\b[^\n#]*\b%b\b|\b%b\.%b\b" % (own, own, wanted))
    me = project.layout.path_of(analysis.module)
    return any(path != me and (raw is None or asks.search(raw)) for path, raw in project.mentions(name))
