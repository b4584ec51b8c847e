"""One folder per run that wrote: what was changed, from which bytes to which, and the patch that takes it back."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from codemods.facade import importers
from codemods.layout import Layout, walk
from codemods.outcome import Changed
from codemods.patch import PatchError, apply_patch, split_patch, unified
from codemods.treelock import leftovers, locked
from codemods.write import make_folder, write_atomic

__all__ = ["UndoError", "Undone", "digest", "folder_of", "home_of", "manifest_of", "record_run", "runs", "undo_run"]


class UndoError(Exception):
    """Raised when a run cannot be undone as a whole; nothing was touched then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What `undo` did."""

    run: str
    restored: tuple[str, ...]
    already: tuple[str, ...]
    "Files that were at their old state before: taken back earlier, or never written since the run was cut short."
    removed: tuple[str, ...] = ()
    "Temporary files of a killed run that were taken away."


def folder_of(root: Path) -> Path:
    """Give the folder of all runs below a scanned root."""
    return (root if root.is_dir() else root.parent) / ".failloud" / "runs"


def runs(root: Path) -> tuple[str, ...]:
    """List run ids, oldest first; those that ended before they wrote anything too."""
    folder = folder_of(root)
    return tuple(sorted(p.name for p in folder.iterdir() if p.is_dir())) if folder.is_dir() else ()


def record_run(root: Path, changes: list[Changed], codemods: tuple[str, ...], now: datetime, base: Path) -> str:
    """Write a run's journal before any of its files; give the run's id. Raises OSError, and leaves nothing then.

    `base` is the other folder whose lock the run holds; who undoes the run takes it too.
    """
    folder = folder_of(root)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    run, number = stamp, 1
    while (folder / run).exists():
        number += 1
        run = f"{stamp}-{number}"
    make_folder(folder / run)
    (folder.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    try:
        _record(folder / run, changes, codemods, os.path.relpath(base, folder.parent.parent))
    except BaseException:
        shutil.rmtree(folder / run, ignore_errors=True)  # nothing was written yet: there is nothing to take back
        raise
    return run


def _record(folder: Path, changes: list[Changed], codemods: tuple[str, ...], base: str) -> None:
    patch = b"".join(unified(c.after, c.before, f"a/{c.path}", f"b/{c.path}") for c in changes)
    write_atomic(folder / "reverse.patch", patch)
    files = [
        {
            "path": c.path,
            "before": digest(c.before),
            "after": digest(c.after),
            "created": not c.before and "facade" in codemods,
        }
        for c in changes
    ]
    manifest = {"schema": 1, "run": folder.name, "base": base, "codemods": list(codemods), "files": files}
    write_atomic(folder / "manifest.json", json.dumps(manifest, indent=2).encode() + b"\n")


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
    manifest = manifest_of(folder)
    base = root if root.is_dir() else root.parent
    with locked(base, (base / manifest.get("base", ".")).resolve()):
        return _undo(base, run, folder, manifest)


def manifest_of(folder: Path) -> dict[str, Any]:
    """Read what a run was about to write. Raises UndoError."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_bytes())
    except FileNotFoundError as error:
        raise UndoError(f"run {folder.name} ended before its journal was whole: it wrote nothing") from error
    except (OSError, ValueError) as error:
        raise UndoError(f"the journal of run {folder.name!r} is damaged: {error}") from error
    if manifest.get("schema") != 1:
        raise UndoError(f"the journal of run {folder.name!r} has schema {manifest.get('schema')}, this version reads 1")
    return manifest


def _undo(base: Path, run: str, folder: Path, manifest: dict[str, Any]) -> Undone:
    try:
        patches = split_patch((folder / "reverse.patch").read_bytes())
    except (OSError, ValueError) as error:
        raise UndoError(f"the journal of run {run!r} is damaged: {error}") from error
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
    removed = leftovers({(base / entry["path"]).parent for entry in manifest["files"]})
    return Undone(
        run=run,
        restored=tuple(name for _, name, _ in plan),
        already=tuple(already),
        removed=tuple(str(one.relative_to(base)) for one in removed),
    )


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
