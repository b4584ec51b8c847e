"""What other files may ask of a module, as a digest: where it stays, their facts stay, whatever else was edited.

Types go from file to file by imports, signatures, bases, decorators, assignments, `return`, loops and `with`
items. Whether a helper always raises is asked too. Other calls, handlers and log lines are not: to edit those leaves
every other file's facts as they are.
"""

from __future__ import annotations

import ast
import hashlib

from codemods.handlers import always_raises
from codemods.project import Module, Project, bound_imports
from codemods.tree import Around

__all__ = ["imports_of", "surface_of"]

_WHOLE = (ast.Assign, ast.AnnAssign, ast.Return, ast.Import, ast.ImportFrom, ast.NamedExpr, ast.Global,
          ast.Nonlocal)  # fmt: skip
_HEADS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.With, ast.AsyncWith, ast.For, ast.AsyncFor)
_MAY_RAISE = (ast.Raise, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def surface_of(around: Around, lines: list[bytes]) -> str:
    """Digest the lines of a module that say what its names are."""
    wanted: set[int] = set()
    raising: list[str] = []
    for node in around.nodes:
        if isinstance(node, _WHOLE):
            wanted.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        elif isinstance(node, _HEADS):
            first = min((one.lineno for one in getattr(node, "decorator_list", ())), default=node.lineno)
            wanted.update(range(first, max(first, node.body[0].lineno - 1) + 1))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                last = node.body[-1]
                if isinstance(last, _MAY_RAISE) and always_raises(node.body, _nobody):
                    raising.append(node.name)
                if isinstance(last, ast.Expr) and isinstance(last.value, ast.Call):  # it may hand on to one that raises
                    wanted.update(range(last.lineno, (last.end_lineno or last.lineno) + 1))
    digest = hashlib.blake2b(digest_size=16)
    for number in sorted(wanted):
        digest.update(lines[number - 1].strip() + b"\n")
    digest.update(" ".join(raising).encode())
    return digest.hexdigest()


def _nobody(_call: ast.Call) -> bool:
    return False


def imports_of(module: Module, around: Around, project: Project) -> tuple[str, ...]:
    """Give the dotted names of all modules that an import may mean, those in functions too."""
    package = project.package_of(module)
    found: set[str] = set()
    for node in around.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for _, imported in bound_imports(node, package):
                found.add(imported.module)
                if imported.attribute:
                    found.add(f"{imported.module}.{imported.attribute}")
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
    return tuple(sorted(found))
