"""The façade: one module of the host through which migrated code knows our verbs and exceptions."""

from __future__ import annotations

import ast
from pathlib import Path

from codemods.layout import Layout
from codemods.project import bound_imports
from codemods.source import SourceError, read_source
from shim import errors

__all__ = ["facade_path", "facade_text", "importers"]

_ENDS = ("boundary", "handled")
_VERBS = ("delivered", "escalate", "missing", "spawn")


def facade_path(layout: Layout, facade: str) -> Path:
    """Give the file of the façade, there or not."""
    return layout.path_of(facade) or layout.base.joinpath(*facade.split(".")).with_suffix(".py")


def facade_text() -> str:
    """Compose the module."""
    classes = sorted(set(errors.__all__) - {"Common"})
    lines = ["from shim.errors import (", *(f"    {name}," for name in classes), ")"]
    exported = sorted([*classes, *_ENDS, *_VERBS])
    return "\n".join(
        [
            '"""Loud failures: the verbs and exceptions migrated code uses. Made by failloud; edit it as you like."""',
            "",
            f"from shim.boundaries import {', '.join(_ENDS)}",
            f"from shim.calls import {', '.join(_VERBS)}",
            *lines,
            "",
            "__all__ = [",
            *(f'    "{name}",' for name in exported),
            "]",
            "",
        ]
    )


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
