"""What became of the runs in a tree's journals: whole, cut short, taken back, overtaken by later changes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from codemods.journal import UndoError, digest, folder_of, manifest_of, runs

__all__ = ["RunState", "run_states"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One run; the counts are files as they are now."""

    run: str
    home: str
    "Folder whose journal holds it."
    codemods: tuple[str, ...] = ()
    written: int = 0
    "As the run left them, or was about to."
    old: int = 0
    "As they were before it: not written, or taken back."
    later: int = 0
    "Changed since, or gone."
    problem: str = ""
    "Why nothing is known of its files."

    @property
    def partly(self) -> bool:
        """Tell whether some of its files are new and some old: it was cut short, or so was its undo."""
        return bool(self.old and (self.written or self.later))

    def as_json(self) -> dict[str, object]:
        """Give the row of `migrate status --json`."""
        return {
            "run": self.run,
            "home": self.home,
            "codemods": list(self.codemods),
            "files": {"written": self.written, "old": self.old, "changed_since": self.later},
            "partly": self.partly,
            "problem": self.problem,
        }


def run_states(homes: set[Path]) -> tuple[RunState, ...]:
    """Look at each run in the journals of these folders, oldest first. Reads, writes nothing."""
    return tuple(_state(home, run) for home in sorted(homes) for run in runs(home))


def _state(home: Path, run: str) -> RunState:
    try:
        manifest = manifest_of(folder_of(home) / run)
    except UndoError as error:
        return RunState(run=run, home=str(home), problem=str(error))
    counts = Counter(_now(home, entry) for entry in manifest["files"])
    return RunState(
        run=run,
        home=str(home),
        codemods=tuple(manifest["codemods"]),
        written=counts["written"],
        old=counts["old"],
        later=counts["later"],
    )


def _now(home: Path, entry: dict[str, str | bool]) -> str:
    try:
        state = digest((home / str(entry["path"])).read_bytes())
    except FileNotFoundError:
        return "old" if entry["created"] else "later"
    except OSError:
        return "later"
    return "written" if state == entry["after"] else "old" if state == entry["before"] else "later"
