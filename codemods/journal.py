"""One folder per run that wrote: what was changed, from which bytes to which, and the patch that takes it back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from codemods.facade import importers
from codemods.layout import Layout, walk
from codemods.outcome import Changed
from codemods.patch import PatchError, apply_patch, split_patch, unified
from codemods.treelock import locked
from codemods.write import write_atomic

__all__ = ["UndoError", "Undone", "digest", "home_of", "record_run", "runs", "undo_run"]


class UndoError(Exception):
    """Raised when a run cannot be undone as a whole; nothing was touched then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What `undo` did."""

    run: str
    restored: tuple[str, ...]
    already: tuple[str, ...]
    "Files that were at their old state before."


def folder_of(root: Path) -> Path:
    """Give the folder of all runs below a scanned root."""
    return (root if root.is_dir() else root.parent) / ".failloud" / "runs"


def runs(root: Path) -> tuple[str, ...]:
    """List run ids, oldest first."""
    folder = folder_of(root)
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_dir())) if folder.is_dir() else ()


def record_run(root: Path, changes: list[Changed], codemods: tuple[str, ...], now: datetime) -> str:
    """Write a run's journal before any of its files; give the run's id. Raises OSError."""
    folder = folder_of(root)
    base = now.strftime("%Y%m%dT%H%M%SZ")
    run, number = base, 1
    while (folder / run).exists():
        number += 1
        run = f"{base}-{number}"
    (folder / run).mkdir(parents=True)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    patch = b"".join(unified(c.after, c.before, f"a/{c.path}", f"b/{c.path}") for c in changes)
    write_atomic(folder / run / "reverse.patch", patch)
    files = [
        {
            "path": c.path,
            "before": digest(c.before),
            "after": digest(c.after),
            "created": not c.before and "facade" in codemods,
        }
        for c in changes
    ]
    manifest = {"schema": 1, "run": run, "codemods": list(codemods), "files": files}
    write_atomic(folder / run / "manifest.json", json.dumps(manifest, indent=2).encode() + b"\n")
    return run


def digest(content: bytes) -> str:
    """Give the hash by which a file's state is known."""
    return hashlib.sha256(content).hexdigest()


def home_of(path: Path, run: str) -> Path:
    """Find the folder whose journal holds a run: PATH or one above it. PATH itself where none does."""
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / ".failloud" / "runs" / run / "manifest.json").is_file():
            return folder
    return start


def undo_run(root: Path, run: str) -> Undone:
    """Take one run back, whole or not at all; one that was killed half way as well.

    Raises UndoError, Refused where a run writes there now; OSError where the disk refuses half way: undo again.
    """
    folder = folder_of(root) / run
    if not folder.is_dir():
        known = ", ".join(runs(root)) or "none"
        raise UndoError(f"no run {run!r} below {folder.parent}; known runs: {known}")
    with locked(root if root.is_dir() else root.parent):
        return _undo(root, run, folder)


def _undo(root: Path, run: str, folder: Path) -> Undone:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        patches = split_patch((folder / "reverse.patch").read_bytes())
    except OSError as error:
        known = ", ".join(runs(root)) or "none"
        raise UndoError(f"no run {run!r} below {folder.parent}; known runs: {known}") from error
    except ValueError as error:
        raise UndoError(f"the journal of run {run!r} is damaged: {error}") from error
    if manifest.get("schema") != 1:
        raise UndoError(f"the journal of run {run!r} has schema {manifest.get('schema')}, this version reads 1")
    base = root if root.is_dir() else root.parent
    _check_unused(base, manifest)
    plan: list[tuple[Path, str, bytes | None]] = []
    already: list[str] = []
    for entry in manifest["files"]:
        path = base / entry["path"]
        now = path.read_bytes() if path.is_file() else None
        state = digest(now) if now is not None else "absent"
        if state == entry["before"] or (entry["created"] and now is None):
            already.append(entry["path"])
        elif now is None or state != entry["after"]:
            raise UndoError(
                f"{entry['path']} was changed after run {run}; undo later runs first, or restore it by hand"
            )
        else:
            plan.append((path, entry["path"], None if entry["created"] else _restored(now, patches, entry)))
    for path, _, content in plan:
        if content is None:
            path.unlink()
        else:
            write_atomic(path, content)
    return Undone(run=run, restored=tuple(name for _, name, _ in plan), already=tuple(already))


def _check_unused(base: Path, manifest: dict[str, Any]) -> None:
    """Refuse to take the façade away from under those who import it."""
    for entry in manifest["files"]:
        if entry["created"] and (base / entry["path"]).is_file():
            module = ".".join(Path(entry["path"]).with_suffix("").parts)
            layout = Layout(root=base, base=base, has_package=True)
            if used := importers(layout, module, walk(base).files):
                shown = ", ".join(used[:5]) + (f" and {len(used) - 5} more" if len(used) > 5 else "")
                raise UndoError(f"{module} is imported by {shown}; undo those runs first")


def _restored(now: bytes, patches: dict[str, bytes], entry: dict[str, str]) -> bytes:
    try:
        content = apply_patch(now, patches[entry["path"]])
    except (KeyError, PatchError) as error:
        raise UndoError(f"the patch for {entry['path']} is missing or damaged: {error}") from error
    if digest(content) != entry["before"]:
        raise UndoError(f"the patch for {entry['path']} does not give back the old file")
    return content
