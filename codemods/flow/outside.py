"""Modules of the host's tree that are not among the files looked at, and that those import."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from codemods.flow.facts import FileFacts
from codemods.layout import Layout
from codemods.project import bound_imports

__all__ = ["outside_of"]


def outside_of(layout: Layout, known: Iterable[FileFacts], kept: Mapping[str, FileFacts]) -> dict[str, FileFacts]:
    """Give them, and what they import in turn, by path: a digest and imports each. `kept` are those of the last run."""
    found: dict[str, FileFacts] = {}
    looked_at = list(known)
    asked = {one.module for one in looked_at}
    tops = {path.name.removesuffix(".py") for path in layout.base.iterdir()} if layout.base.is_dir() else set()
    waiting = [name for one in looked_at for name in one.imports]
    while waiting:
        name = waiting.pop()
        if name in asked:
            continue
        asked.add(name)
        path = layout.path_of(name) if name.partition(".")[0] in tops else None
        if path is not None:
            found[str(path)] = _read(name, path, kept.get(str(path)))
            waiting += found[str(path)].imports
    return found


def _read(name: str, path: Path, before: FileFacts | None) -> FileFacts:
    try:
        raw = path.read_bytes()
        digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
        if before is not None and before.surface == digest:
            return before
        tree = ast.parse(raw)
    except (OSError, SyntaxError, ValueError):
        return FileFacts(path=str(path), module=name, surface="unreadable")
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for _, one in bound_imports(node, package):
                imports.update((one.module, f"{one.module}.{one.attribute}") if one.attribute else (one.module,))
    return FileFacts(path=str(path), module=name, imports=tuple(sorted(imports)), surface=digest)
