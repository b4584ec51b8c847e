"""`failloud migrate`: rewrite files in memory, then show or write. Every file that goes in is in the result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from codemods import registry
from codemods.facade import facade_path, facade_text
from codemods.gitstate import uncommitted
from codemods.journal import record_run
from codemods.layout import Layout, Walk
from codemods.outcome import Changed, Failed, Outcome, Skipped
from codemods.pool import Pool
from codemods.progress import watched
from codemods.rewrite import Rewriter, setup
from codemods.treelock import leftovers, locked
from codemods.wanted import Wanted
from codemods.write import write_atomic

__all__ = ["Run", "prepare", "set_aside", "with_facade", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run, shown or written."""

    codemods: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    skipped_directories: tuple[str, ...]
    facade: Changed | None = None
    "The façade that is to be made, None where it is there or nothing needs it."
    facade_path: Path | None = None
    written: tuple[tuple[str, Path], ...] = ()
    "The runs kept for `undo`: the id of each, and the folder it is kept for; the façade's first."
    removed: tuple[str, ...] = ()
    "Temporary files of a killed run that were taken away."
    notes: tuple[str, ...] = ()
    "What no codemod of this run can do, place by place."
    interrupted: bool = False
    "Ctrl-C ended the writing; what was not written is pending."

    @property
    def changed(self) -> list[Changed]:
        """Files with new bytes."""
        return [one for one in self.outcomes if isinstance(one, Changed)]

    @property
    def exit_code(self) -> int:
        """130 = interrupted; 2 = a file was not done; 1 = changes are pending; 0 = nothing is left to do."""
        if self.interrupted:
            return 130
        if any(isinstance(one, Failed) or (isinstance(one, Skipped) and one.pending) for one in self.outcomes):
            return 2
        return 1 if self.changed and not self.written else 0


def prepare(
    layout: Layout, wanted: Wanted, codemods: tuple[str, ...], found: Walk, files: tuple[Path, ...], jobs: int
) -> Run:
    """Work out what would change. Writes nothing."""
    pool: Pool[Rewriter, Outcome] = Pool(setup, Rewriter.rewrite, (layout, wanted, codemods))
    outcomes = tuple(pool.run(list(files), jobs, "migrated"))
    if len(outcomes) != len(files):
        raise AssertionError(f"{len(files)} files in, {len(outcomes)} reported")
    run = Run(codemods=codemods, outcomes=outcomes, skipped_directories=found.skipped_directories)
    return with_facade(run, layout, wanted)


def with_facade(run: Run, layout: Layout, wanted: Wanted) -> Run:
    """Add the façade where a change imports from it and it is not there."""
    path = facade_path(layout, wanted.facade)
    done = {name for one in run.changed for name in one.edits}
    if not any(registry.load(name).NEEDS for name in done) or path.exists():
        return run
    shown = str(path.relative_to(layout.base))
    made = Changed(path=shown, before=b"", after=facade_text(wanted.errors).encode(), edits={"facade": 1})
    return replace(run, facade=made, facade_path=path)


def set_aside(run: Run, layout: Layout) -> Run:
    """Skip files with uncommitted changes before anybody looks at them. Raises GitError."""
    folder = layout.root if layout.root.is_dir() else layout.root.parent
    dirty = uncommitted([folder / one.path for one in run.changed], layout.root)
    return replace(run, outcomes=_outcomes(run, _not_committed(run, folder, dirty)))


def write(run: Run, layout: Layout, now: datetime, *, allow_dirty: bool) -> Run:
    """Write what `prepare` worked out, journal first, each file at once: a kill leaves old files or new ones.

    Raises GitError, OSError or Refused (another run holds the tree) before the first file is touched.
    """
    folder = layout.root if layout.root.is_dir() else layout.root.parent
    with locked(folder, layout.base):
        paths = {folder / one.path: one for one in run.changed}
        looked_in = {(folder / one.path).parent for one in run.outcomes}
        removed = tuple(str(one.relative_to(folder)) for one in leftovers(looked_in))
        dirty = frozenset[Path]() if allow_dirty else uncommitted(list(paths), layout.root)
        ready = [one for path, one in paths.items() if path not in dirty]
        not_done = _not_committed(run, folder, dirty)
        run = replace(run, removed=removed)
        if not ready:
            return replace(run, outcomes=_outcomes(run, not_done), facade=None)
        written: list[tuple[str, Path]] = []
        if run.facade is not None:
            written.append((record_run(layout.base, [run.facade], ("facade",), now, layout.base), layout.base))
        written.append((record_run(layout.root, ready, run.codemods, now, layout.base), layout.root))
        if run.facade is not None and run.facade_path is not None:
            write_atomic(run.facade_path, run.facade.after)
        interrupted = _write_files(ready, folder, not_done)
        return replace(run, outcomes=_outcomes(run, not_done), written=tuple(written), interrupted=interrupted)


def _not_committed(run: Run, folder: Path, dirty: frozenset[Path]) -> dict[str, Outcome]:
    reason = "uncommitted changes: commit them, or pass --allow-dirty"
    found = [one.path for one in run.changed if folder / one.path in dirty]
    return {path: Skipped(path=path, reason=reason, pending=True) for path in found}


def _write_files(ready: list[Changed], folder: Path, not_done: dict[str, Outcome]) -> bool:
    """Write one file after the other; what is not written goes to `not_done`. Says whether Ctrl-C came."""
    done: set[str] = set()
    try:
        for path, error in watched(_writing(ready, folder), len(ready), "written"):
            if error:
                not_done[path] = Failed(path=path, error=error)
            done.add(path)
    except KeyboardInterrupt:
        reason = "interrupted before it was written: run again"
        left = [one.path for one in ready if one.path not in done and not _is_new(folder / one.path, one)]
        not_done |= {path: Skipped(path=path, reason=reason, pending=True) for path in left}
        return True
    return False


def _writing(ready: list[Changed], folder: Path) -> Iterator[tuple[str, str]]:
    """Write the files; give each one's path and error once it is done."""
    for one in ready:
        yield one.path, _write_file(folder / one.path, one)


def _write_file(path: Path, one: Changed) -> str:
    """Write one file; gives what is wrong, empty where it is written."""
    try:
        if path.read_bytes() != one.before:
            return "changed by somebody else meanwhile: not written"
        write_atomic(path, one.after)
    except OSError as error:
        if _is_new(path, one):
            return f"written, but the disk did not confirm it: {error.strerror}"
        return f"cannot be written: {error.strerror}"
    return ""


def _is_new(path: Path, one: Changed) -> bool:
    try:
        return path.read_bytes() == one.after
    except OSError:
        return False


def _outcomes(run: Run, not_done: Mapping[str, Outcome]) -> tuple[Outcome, ...]:
    return tuple(not_done.get(one.path, one) if isinstance(one, Changed) else one for one in run.outcomes)
