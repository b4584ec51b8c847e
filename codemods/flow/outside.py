"""Modules of the host's tree that are not among the files looked at, and that those import."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from codemods.flow.facts import FileFacts
from codemods.layout import Layout
from codemods.project import bound_imports

__all__ = ["outside_of"]


def outside_of(layout: Layout, known: Iterable[FileFacts]) -> list[FileFacts]:
    """Give them, and what they import in turn, as facts that hold a digest and imports only."""
    found: list[FileFacts] = []
    known = list(known)
    asked = {one.module for one in known}
    waiting = [name for one in known for name in one.imports]
    while waiting:
        name = waiting.pop()
        if name in asked:
            continue
        asked.add(name)
        path = layout.path_of(name)
        if path is not None:
            found.append(_read(name, path))
            waiting += found[-1].imports
    return found


def _read(name: str, path: Path) -> FileFacts:
    try:
        raw = path.read_bytes()
        tree = ast.parse(raw)
    except (OSError, SyntaxError, ValueError):
        return FileFacts(path=str(path), module=name, surface="unreadable")
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for _, one in bound_imports(node, package):
                imports.update((one.module, f"{one.module}.{one.attribute}") if one.attribute else (one.module,))
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    return FileFacts(path=str(path), module=name, imports=tuple(sorted(imports)), surface=digest)
