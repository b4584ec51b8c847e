"""Bring a name from the façade into a module: merged with an import that is there, or on a line of its own."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import lru_cache

from codemods.callsites import Analysis
from codemods.importplace import last_import_line, leading, place_in_order
from codemods.project import bound_imports
from codemods.source import Edit, Source

__all__ = ["LocalName", "import_edits", "local_name", "names_bound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalName:
    """What to call `name` in this module, and whether it must be imported first."""

    name: str
    local: str
    imported: bool

    @property
    def clause(self) -> str:
        """What stands after `import`."""
        return self.name if self.local == self.name else f"{self.name} as {self.local}"


def local_name(analysis: Analysis, name: str) -> LocalName | None:
    """Choose a name nothing else in the module binds; None where there is none."""
    taken = _bound(analysis)
    known = analysis.known.local(name)
    if known is not None and known not in taken:
        return LocalName(name=name, local=known, imported=True)
    for candidate in (name, f"loud_{name}"):
        if candidate not in taken:
            return LocalName(name=name, local=candidate, imported=False)
    return None


@lru_cache(maxsize=1)  # each codemod asks, for each of its names
def _bound(analysis: Analysis) -> frozenset[str]:
    """Give names bound anywhere in the module other than by an import from the façade: a local one would hide ours."""
    found: set[str] = set()
    for node in analysis.around.nodes:
        found.update(names_bound(node))
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= _foreign(analysis, node)
    return frozenset(found)


def names_bound(node: ast.AST) -> tuple[str, ...]:
    """Give the names one node binds by itself; imports, which may be ours, are not looked at."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return (node.id,)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return (node.name,)
        case ast.arg():
            return (node.arg,)
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
            return (node.name or "",)
        case _:
            return ()


def _foreign(analysis: Analysis, node: ast.Import | ast.ImportFrom) -> set[str]:
    module = analysis.around.module
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    return {
        name
        for name, imported in bound_imports(node, package)
        if imported.module != analysis.known.facade or imported.attribute is None
    }


def import_edits(analysis: Analysis, names: list[LocalName]) -> list[Edit]:
    """Give the edits that import what is not imported yet."""
    wanted = sorted((n for n in names if not n.imported), key=lambda n: n.name)
    if not wanted:
        return []
    source = analysis.source
    if (existing := _existing(analysis)) is not None:
        return [_merged(source, existing.names, one) for one in wanted]
    return [_own_line(analysis, wanted)]


def _merged(source: Source, there: list[ast.alias], one: LocalName) -> Edit:
    """Put a name into an import, in isort's order where the names there are in it."""
    keys = [_rank(alias.name) for alias in there]
    later = [alias for alias, key in zip(there, keys, strict=True) if key > _rank(one.name)]
    if keys == sorted(keys) and later:
        at = source.offset(later[0].lineno, later[0].col_offset)
        line = source.line(later[0].lineno)
        indent = line[: later[0].col_offset].decode()
        gap = f",{source.line_end(later[0].lineno)}{indent}" if not indent.strip() else ", "
        return Edit(start=at, end=at, new=f"{one.clause}{gap}")
    last = there[-1]
    at = source.offset(last.end_lineno or last.lineno, last.end_col_offset or last.col_offset)
    indent = source.line(last.lineno)[: last.col_offset].decode()
    if not indent.strip() and source.utf8[at : at + 1] == b",":  # below it, so that its comment stays its own
        below = source.starts[last.lineno]
        return Edit(start=below, end=below, new=f"{indent}{one.clause},{source.line_end(last.lineno)}")
    return Edit(start=at, end=at, new=f", {one.clause}")


def _rank(name: str) -> tuple[int, str]:
    """Order names as isort does by default: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, name.lower()


def _own_line(analysis: Analysis, wanted: list[LocalName]) -> Edit:
    source = analysis.source
    clauses = ", ".join(n.clause for n in sorted(wanted, key=lambda n: _rank(n.name)))
    line = f"from {analysis.known.facade} import {clauses}"
    if (before := place_in_order(source, analysis.known.facade)) is not None:
        return Edit(start=source.starts[before - 1], end=source.starts[before - 1], new=line + source.line_end(before))
    after = last_import_line(source.tree)
    if after == 0:
        first = source.tree.body[0]
        number = min([first.lineno, *(d.lineno for d in getattr(first, "decorator_list", []))])
        return Edit(start=source.starts[number - 1], end=source.starts[number - 1], new=line + source.line_end(number))
    ending = source.line_end(after)
    at = source.starts[after] if after < len(source.starts) else len(source.utf8)
    new = line + ending if source.line(after).endswith((b"\n", b"\r")) else ending + line
    return Edit(start=at, end=at, new=new)


def _existing(analysis: Analysis) -> ast.ImportFrom | None:
    """Find `from façade import name` at the top; one inside `if`, `try` or a function does not serve everywhere."""
    module = analysis.around.module
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    for node in analysis.source.tree.body[: leading(analysis.source.tree)]:
        if isinstance(node, ast.ImportFrom):
            imported = [found for _, found in bound_imports(node, package)]
            if all(found.module == analysis.known.facade and found.attribute != "*" for found in imported):
                return node
    return None
