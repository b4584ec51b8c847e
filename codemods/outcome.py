"""What became of one file: a closed union, so that no file can be left out of a report."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Changed", "Failed", "Outcome", "Skipped", "SkippedSite", "Unchanged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedSite:
    """A place a codemod looked at and left, and why."""

    codemod: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """New bytes, verified and not yet written."""

    path: str
    before: bytes
    after: bytes
    edits: dict[str, int]
    "Number of places changed, by codemod."
    sites: tuple[SkippedSite, ...] = ()
    notes: tuple[str, ...] = ()
    "What the diff says above the file: the chains a change is for."


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """Read, and nothing to do."""

    path: str
    sites: tuple[SkippedSite, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Not touched on purpose."""

    path: str
    reason: str
    pending: bool = False
    "True where changes still wait to be written."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Not read, not parsed or not rewritten."""

    path: str
    error: str


Outcome = Changed | Unchanged | Skipped | Failed
