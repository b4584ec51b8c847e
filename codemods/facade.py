"""The façade: one module of the host through which migrated code knows our verbs and exceptions."""

from __future__ import annotations

import ast
from pathlib import Path

from codemods.layout import Layout
from codemods.loud import ENDS, VERBS
from codemods.project import bound_imports
from codemods.source import SourceError, read_source
from shim import errors

__all__ = ["facade_path", "facade_text", "importers"]


def facade_path(layout: Layout, facade: str) -> Path:
    """Give the file of the façade, there or not."""
    return layout.path_of(facade) or layout.base.joinpath(*facade.split(".")).with_suffix(".py")


def facade_text(own: tuple[tuple[str, str], ...] = ()) -> str:
    """Compose the module. `own` are (module, name) of the host's own exceptions: they go beside the root alone."""
    classes = ["LoudFailure"] if own else sorted(set(errors.__all__) - {"Common"})
    sources = {"shim.errors": classes}
    for module, name in own:
        sources.setdefault(module, []).append(name)
    exported = sorted([*(name for names in sources.values() for name in names), *ENDS, *VERBS])
    imports = [
        f"from shim.boundaries import {', '.join(ENDS)}\n",
        f"from shim.calls import {', '.join(VERBS)}\n",
        *(_import(module, names) for module, names in sources.items()),
    ]
    imports.sort(key=lambda line: line.split()[1])
    head = (
        '"""Loud failures: the verbs and exceptions migrated code uses. Made by failloud; edit it as you like."""\n\n'
    )
    return head + "".join(imports) + "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in exported) + "]\n"


def _import(module: str, names: list[str]) -> str:
    return f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")\n"


def importers(layout: Layout, facade: str, files: tuple[Path, ...]) -> list[str]:
    """List modules that import the façade, and files that cannot be read: those may."""
    last = facade.rpartition(".")[2].encode()
    found = []
    for path in files:
        module = layout.module_of(path)
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        try:
            if last not in path.read_bytes():
                continue
            tree = read_source(path).tree
        except (OSError, SourceError) as error:
            found.append(f"{module} ({error})")
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and _imports(node, package, facade):
                found.append(module)
                break
    return found


def _imports(node: ast.Import | ast.ImportFrom, package: str, facade: str) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name == facade for alias in node.names)
    return any(
        facade in (imported.module, f"{imported.module}.{imported.attribute}")
        for _, imported in bound_imports(node, package)
    )
