"""Text for people. Colours on a terminal only (click drops them elsewhere)."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from codemods.outcome import Changed, Failed, Skipped, Unchanged
from codemods.patch import unified
from codemods.runner import Run
from codemods.scan import Scan
from codemods.site import CallRow
from codemods.totals import Totals, totals_of

__all__ = ["calls_text", "diff_text", "run_json", "run_text"]


def calls_text(scan: Scan) -> Iterator[str]:
    """Give the lines of `calls`: a table per file, then totals."""
    for one in scan.files:
        if one.rows:
            yield click.style(one.path, bold=True)
            yield from _table([_cells(row) for row in one.rows])
            yield ""
    yield from _problems(scan)
    bad = len(scan.unreadable)
    yield f"files: {len(scan.files)} found, {len(scan.files) - bad} scanned, {bad} unreadable"
    yield from _totals_text(totals_of(scan.rows))


def _totals_text(totals: Totals) -> Iterator[str]:
    yield f"calls: {totals.calls}"
    yield f"  by verdict: {_listed(totals.verdict)}"
    yield f"  by kind: {_listed(totals.kind)}"
    if totals.targets:
        of = f"  of {totals.targets} targets"
        typed = sum(totals.typed.values())
        yield f"{of}, by typed evidence: {typed} ({_listed(totals.typed)})"
        yield f"{of}, by naming rule only: {totals.naming_rule}"
        yield f"{of}, by kind: {_listed(totals.target_kind)}"
        yield f"{of}, by result use: {_listed(totals.result_use)}"
        yield f"{of}, by migration: {_listed(totals.migration)}"
        yield f"{of}, swallowed in the same function: {totals.swallowed}"


def _cells(row: CallRow) -> tuple[str, ...]:
    receiver = f"{row.receiver}." if row.receiver else ""
    handler = f"{row.handler}:{row.handler_line}" if row.handler_line else row.handler
    return (
        f"{row.line}:{row.col}",
        f"{receiver}{row.method}",
        row.verdict,
        row.evidence,
        row.result_use,
        handler,
        row.migration,
    )


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  " + "  ".join(cells).rstrip()


def _problems(scan: Scan) -> Iterator[str]:
    for one in scan.unreadable:
        yield f"unreadable: {one.path}: {one.error}"
    for one in scan.files:
        if one.hidden:
            yield f"partly hidden: {one.path}: {one.hidden} spans of newer syntax were not looked into"
    for name in scan.skipped_directories:
        yield f"not entered: {name}"
    for row in scan.contracts_missing:
        yield f"contract missing: {row['contract']} ({row['target']}.{row['method']}): {row['reason']}"


def _counts(values: Iterator[str]) -> str:
    return _listed(dict(Counter(values).most_common()))


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def diff_text(run: Run) -> Iterator[str]:
    """Give the unified diff of a run, the façade first."""
    for one in [*([run.facade] if run.facade else []), *run.changed]:
        yield from (click.style(f"# {note}", fg="magenta") for note in one.notes)
        text = unified(one.before, one.after, f"a/{one.path}", f"b/{one.path}").decode("utf-8", "replace")
        for line in text.split("\n")[:-1]:
            colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
            yield click.style(line, fg=colour) if colour else line


def run_text(run: Run) -> Iterator[str]:
    """Give the summary of a run."""
    for one in run.outcomes:
        if isinstance(one, Failed):
            yield f"failed: {one.path}: {one.error}"
        elif isinstance(one, Skipped):
            yield f"skipped: {one.path}: {one.reason}"
    reasons = _reasons(run)
    for (codemod, reason), count in sorted(reasons.items()):
        yield f"left: {count} x {codemod}: {reason}"
    yield from (f"left: {note}" for note in run.notes)
    for name in run.skipped_directories:
        yield f"not entered: {name}"
    totals = _totals(run)
    verb = "changed" if run.written else "to change"
    yield (
        f"files: {totals['found']} in, {totals['changed']} {verb}, {totals['unchanged']} unchanged, "
        f"{totals['skipped']} skipped, {totals['failed']} failed"
    )
    yield f"places: {_counts(name for one in run.changed for name, count in one.edits.items() for _ in range(count))}"
    for name in run.removed:
        yield f"removed: {name}, a temporary file that a killed run left"
    if run.interrupted:
        yield "interrupted: files are as they were, or written as a whole; run again to finish"
    for run_id, folder in reversed(run.written):  # the façade last: undo refuses it while anything imports it
        yield f"run {run_id}; take it back with: {_undo(run_id, folder)}"


def _undo(run_id: str, folder: Path) -> str:
    return f"failloud migrate undo {run_id} {shlex.quote(str(folder))}"


def _totals(run: Run) -> dict[str, int]:
    kinds = Counter(type(one) for one in run.outcomes)
    return {
        "found": len(run.outcomes),
        "changed": kinds[Changed],
        "unchanged": kinds[Unchanged],
        "skipped": kinds[Skipped],
        "failed": kinds[Failed],
    }


def _reasons(run: Run) -> Counter[tuple[str, str]]:
    sites = [site for one in run.outcomes if isinstance(one, Changed | Unchanged) for site in one.sites]
    return Counter((site.codemod, site.reason) for site in sites)


def run_json(run: Run) -> dict[str, object]:
    """Give the document of `migrate --json`."""
    outcomes: list[dict[str, object]] = []
    for one in run.outcomes:
        row: dict[str, object] = {"path": one.path, "outcome": type(one).__name__.lower()}
        if isinstance(one, Changed):
            row["edits"] = one.edits
            row["chains"] = list(one.notes)
        if isinstance(one, Changed | Unchanged):
            row["left"] = [{"codemod": s.codemod, "line": s.line, "reason": s.reason} for s in one.sites]
        elif isinstance(one, Skipped):
            row["reason"] = one.reason
        else:
            row["error"] = one.error
        outcomes.append(row)
    edits = Counter[str]()
    for one in run.changed:
        edits.update(one.edits)
    return {
        "schema": 1,
        "codemods": list(run.codemods),
        "written": [run_id for run_id, _ in run.written],
        "undo": [_undo(run_id, folder) for run_id, folder in reversed(run.written)],
        "facade": run.facade.path if run.facade else None,
        "files": _totals(run) | {"skipped_directories": list(run.skipped_directories)},
        "outcomes": outcomes,
        "not_repaired": list(run.notes),
        "totals": {
            "edits": dict(edits),
            "left": [{"codemod": c, "reason": r, "count": n} for (c, r), n in sorted(_reasons(run).items())],
        },
        "diff": "" if run.written else "\n".join(click.unstyle(line) for line in diff_text(run)),
    }
