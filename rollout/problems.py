"""What is wrong with a plan: the field, its line, what is wrong, what to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rollout.codes import Exit

__all__ = ["Lines", "Path", "PlanError", "Problem", "choices", "dotted", "line_of"]

Path = tuple[str | int, ...]
Lines = Mapping[Path, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to repair."""

    field: str
    "Such as `stages[2].mode`; empty for the file itself."
    line: int
    "1-based; 0 where there is none."
    what: str
    write: str
    "What to do about it."
    code: Exit = Exit.INVALID_PLAN

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        field = f"{self.field}: " if self.field else ""
        return f"{where}{field}{self.what}; {self.write}"

    def to_dict(self) -> dict[str, object]:
        """Give the fields as plain data."""
        return {"field": self.field, "line": self.line, "what": self.what, "write": self.write, "code": int(self.code)}


class PlanError(Exception):
    """Raised when a plan cannot be used; `problems` holds all that was found, `path` where it was read from."""

    def __init__(self, path: str, problems: Iterable[Problem]) -> None:
        self.path, self.problems = path, tuple(problems)
        super().__init__(path, self.problems)

    @property
    def code(self) -> Exit:
        """Expired only where nothing else is wrong."""
        expired = all(problem.code is Exit.EXPIRED for problem in self.problems)
        return Exit.EXPIRED if expired else Exit.INVALID_PLAN

    def __str__(self) -> str:
        rows = [f"{self.path}: {problem}" for problem in self.problems]
        return "\n".join([f"{len(rows)} problem{'s' if len(rows) > 1 else ''} in the plan", *rows])


def dotted(path: Path) -> str:
    """Write a path as people do: `stages[2].mode`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def line_of(path: Path, lines: Lines) -> int:
    """Give the line of a path, or of the nearest thing around it that is in the file."""
    for end in range(len(path), -1, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 0


def choices(given: str, valid: Iterable[str]) -> str:
    """Say what may be written instead, the closest match first."""
    known = [str(name) for name in valid]
    near = difflib.get_close_matches(given, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}write one of {', '.join(known)}"
