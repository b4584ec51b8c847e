"""`failloud migrate`: rewrite files in memory, then show or write. Every file that goes in is in the result."""

from __future__ import annotations

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
from codemods.rewrite import Rewriter, setup
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
    written: tuple[str, ...] = ()
    "Ids of the runs kept for `undo`."

    @property
    def changed(self) -> list[Changed]:
        """Files with new bytes."""
        return [one for one in self.outcomes if isinstance(one, Changed)]

    @property
    def exit_code(self) -> int:
        """2 = a file was not done; 1 = changes are pending; 0 = nothing is left to do."""
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
    return replace(run, outcomes=_outcomes(run, folder, dirty, {}))


def write(run: Run, layout: Layout, now: datetime, *, allow_dirty: bool) -> Run:
    """Write what `prepare` worked out. Raises GitError or OSError before the first file is touched."""
    folder = layout.root if layout.root.is_dir() else layout.root.parent
    paths = {folder / one.path: one for one in run.changed}
    dirty = frozenset[Path]() if allow_dirty else uncommitted(list(paths), layout.root)
    ready = [one for path, one in paths.items() if path not in dirty]
    if not ready:
        return replace(run, outcomes=_outcomes(run, folder, dirty, {}), facade=None)
    written: list[str] = []
    if run.facade is not None and run.facade_path is not None:
        written.append(record_run(layout.base, [run.facade], ("facade",), now))
        write_atomic(run.facade_path, run.facade.after)
    written.append(record_run(layout.root, ready, run.codemods, now))
    failed: dict[str, Failed] = {}
    for one in ready:
        try:
            if (folder / one.path).read_bytes() != one.before:
                failed[one.path] = Failed(path=one.path, error="changed by somebody else meanwhile: not written")
                continue
            write_atomic(folder / one.path, one.after)
        except OSError as error:
            failed[one.path] = Failed(path=one.path, error=f"cannot be written: {error.strerror}")
    return replace(run, outcomes=_outcomes(run, folder, dirty, failed), written=tuple(written))


def _outcomes(run: Run, folder: Path, dirty: frozenset[Path], failed: dict[str, Failed]) -> tuple[Outcome, ...]:
    reason = "uncommitted changes: commit them, or pass --allow-dirty"
    return tuple(
        Skipped(path=one.path, reason=reason, pending=True)
        if isinstance(one, Changed) and folder / one.path in dirty
        else failed.get(one.path, one)
        for one in run.outcomes
    )
