"""`migrate status`: what is done, open and left in each module, and what became of the runs, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from codemods.planning import apart
from codemods.runstate import RunState
from codemods.survey import FileSurvey
from codemods.tally import counted, files_json, left_json, left_lines, open_in, problems, summary, total

__all__ = ["Status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The state of a tree."""

    files: tuple[FileSurvey, ...]
    runs: tuple[RunState, ...]
    temporaries: tuple[str, ...]
    "Temporary files of a run that writes now, or of one that was killed."

    @property
    def exit_code(self) -> int:
        """2 = a file could not be looked at; 1 = something is open, or a run was cut short; 0 = nothing is left."""
        if any(one.error for one in self.files):
            return 2
        open_ones = any(one.pending.keys() - apart().keys() for one in self.files)
        return int(open_ones or any(one.partly for one in self.runs))

    def as_text(self) -> Iterator[str]:
        """Give each module that has contracted calls or our work in it, the runs that need a word, then totals."""
        yield from problems(self.files)
        for one in self._shown():
            yield (f"{one.module}: {len(one.sites)} calls; done: {counted(one.done)}; open: {counted(open_in(one))}")
            yield from (f"    {line}" for line in left_lines(one))
        for run in self.runs:
            yield from _run_lines(run)
        for name in self.temporaries:
            yield f"temporary file: {name}: a run writes now, or was killed; the next run that writes removes it"
        yield f"done: {counted(total(one.done for one in self.files))}"
        yield f"open: {counted(total(map(open_in, self.files)))}"
        yield f"left: {counted(total({site.codemod: 1} for one in self.files for site in one.left))}"
        yield f"runs: {len(self.runs)}, {sum(run.partly for run in self.runs)} of them not whole"
        yield summary(self.files, apart())

    def as_json(self) -> dict[str, object]:
        """Give the document of `migrate status --json`."""
        return {
            "schema": 1,
            "files": files_json(self.files),
            "modules": [
                {
                    "module": one.module,
                    "path": one.path,
                    "calls": len(one.sites),
                    "done": one.done,
                    "open": {name: list(lines) for name, lines in one.pending.items()},
                    "left": left_json(one),
                }
                for one in self._shown()
            ],
            "runs": [run.as_json() for run in self.runs],
            "temporary_files": list(self.temporaries),
            "totals": {
                "done": total(one.done for one in self.files),
                "open": total(map(open_in, self.files)),
                "left": total({site.codemod: 1} for one in self.files for site in one.left),
            },
        }

    def _shown(self) -> list[FileSurvey]:
        return [one for one in self.files if one.sites or one.done or one.pending]


def _run_lines(run: RunState) -> Iterator[str]:
    if run.problem:
        yield f"run {run.run}: {run.problem}"
    elif run.partly:
        counts = f"{run.written} files written, {run.old} as before it, {run.later} changed since"
        next_step = f"run the same again, or: failloud migrate undo {run.run} {run.home}"
        yield f"run {run.run}: {', '.join(run.codemods)}: not whole: {counts}; next: {next_step}"
