"""Counts and lines that the plan and the status of a tree have in common."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator

from codemods.survey import FileSurvey

__all__ = ["counted", "files_json", "left_json", "left_lines", "lines_shown", "open_in", "problems", "summary", "total"]

_SHOWN = 12
"Line numbers shown of one codemod in one module; all are in the JSON document."


def open_in(one: FileSurvey) -> dict[str, int]:
    """Count the open places of a module by codemod."""
    return {name: len(lines) for name, lines in one.pending.items()}


def total(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Add counts up."""
    added = Counter[str]()
    for one in counts:
        added.update(one)
    return dict(sorted(added.items()))


def counted(counts: dict[str, int]) -> str:
    """Show counts in one line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "nothing"


def lines_shown(lines: Iterable[int]) -> str:
    """Show line numbers, each once."""
    each = sorted(set(lines))
    more = f" and {len(each) - _SHOWN} more" if len(each) > _SHOWN else ""
    return f"line{'s' if len(each) > 1 else ''} {', '.join(map(str, each[:_SHOWN]))}{more}"


def left_lines(one: FileSurvey, said: Collection[tuple[int, str]] = ()) -> Iterator[str]:
    """Say for each codemod what it left in a module, where, and why; not what was `said`, by line and reason."""
    places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for site in one.left:
        if (site.line, site.reason) not in said:
            places[site.codemod, site.reason].append(site.line)
    for (codemod, reason), lines in sorted(places.items()):
        yield f"left: {len(lines)} x {codemod}: {reason} ({lines_shown(lines)})"


def left_json(one: FileSurvey) -> list[dict[str, object]]:
    """Give what the codemods left, as plain data."""
    return [{"codemod": s.codemod, "line": s.line, "reason": s.reason} for s in one.left]


def problems(files: tuple[FileSurvey, ...]) -> Iterator[str]:
    """Name the files that failed or were not looked at."""
    for one in files:
        if one.error:
            yield f"failed: {one.path}: {one.error}"
        elif one.skipped:
            yield f"skipped: {one.path}: {one.skipped}"


def files_json(files: tuple[FileSurvey, ...]) -> dict[str, object]:
    """Account for every file."""
    failed = [{"path": one.path, "error": one.error} for one in files if one.error]
    skipped = [{"path": one.path, "reason": one.skipped} for one in files if one.skipped]
    looked_at = len(files) - len(failed) - len(skipped)
    return {"found": len(files), "looked_at": looked_at, "failed": failed, "skipped": skipped}


def summary(files: tuple[FileSurvey, ...], apart: Iterable[str]) -> str:
    """Give the last line: what went in, and what is open beside what is proposed apart."""
    failed, skipped = sum(bool(one.error) for one in files), sum(bool(one.skipped) for one in files)
    calls = sum(len(one.sites) for one in files)
    modules = sum(bool(one.pending.keys() - set(apart)) for one in files)
    return (
        f"files: {len(files)} in, {failed} failed, {skipped} skipped; contracted calls: {calls}; "
        f"modules with open places: {modules}"
    )
