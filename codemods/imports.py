"""Bring a name from the façade into a module: merged with an import that is there, or on a line of its own."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from codemods.callsites import Analysis
from codemods.project import bound_imports
from codemods.source import Edit

__all__ = ["LocalName", "import_edit", "local_name"]


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


def _bound(analysis: Analysis) -> frozenset[str]:
    """Give names bound anywhere in the module other than by an import from the façade: a local one would hide ours."""
    found: set[str] = set()
    for node in ast.walk(analysis.around.module.tree):
        match node:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(node.id)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.arg():
                found.add(node.arg)
            case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
                found.add(node.name or "")
            case ast.Import() | ast.ImportFrom():
                found.update(_foreign(analysis, node))
            case _:
                pass
    return frozenset(found)


def _foreign(analysis: Analysis, node: ast.Import | ast.ImportFrom) -> set[str]:
    module = analysis.around.module
    package = module.name if module.is_package else module.name.rpartition(".")[0]
    return {
        name
        for name, imported in bound_imports(node, package)
        if imported.module != analysis.known.facade or imported.attribute is None
    }


def import_edit(analysis: Analysis, names: list[LocalName]) -> Edit | None:
    """Give the edit that imports what is not imported yet; None where nothing is missing."""
    wanted = ", ".join(n.clause for n in sorted(names, key=lambda n: n.name) if not n.imported)
    if not wanted:
        return None
    source = analysis.source
    if (existing := _existing(analysis)) is not None:
        last = existing.names[-1]
        at = source.offset(last.end_lineno or last.lineno, last.end_col_offset or last.col_offset)
        return Edit(start=at, end=at, new=f", {wanted}")
    line = f"from {analysis.known.facade} import {wanted}"
    after = _last_import_line(source.tree)
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
    for node in analysis.source.tree.body[: _leading(analysis.source.tree)]:
        if isinstance(node, ast.ImportFrom):
            imported = [found for _, found in bound_imports(node, package)]
            if all(found.module == analysis.known.facade and found.attribute != "*" for found in imported):
                return node
    return None


def _leading(tree: ast.Module) -> int:
    """Count the statements of the docstring and the imports that follow it."""
    body, count = tree.body, 0
    if (
        body
        and isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    ):
        count = 1
    while count < len(body) and isinstance(body[count], ast.Import | ast.ImportFrom):
        count += 1
    return count


def _last_import_line(tree: ast.Module) -> int:
    """Give the line after which an import may stand: no statement is open there. 0 = before everything."""
    count = _leading(tree)
    if count == 0:
        return 0
    end = tree.body[count - 1].end_lineno or 0
    for node in tree.body[count:]:  # statements that share the line, joined by `;`
        if node.lineno > end:
            break
        end = node.end_lineno or end
    return end
