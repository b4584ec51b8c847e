"""The audit for people: findings per file with their source line, then the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from codemods.audit import Audit
from codemods.audited import SHARES, Conclusion, Row
from codemods.blocks import Block, Heading, Line, Table
from codemods.rulebook import Entry, entries

__all__ = ["audit_blocks", "rule_blocks", "rule_table"]

_GONE_SHOWN = 10
"Entries of a baseline without a finding that are listed; the rest is counted."


def audit_blocks(made: Conclusion) -> Iterator[Block]:
    """Give the report. With a baseline only new findings are listed; the sums are of all."""
    rules = {one.code: one for one in made.audit.rules}
    for path, rows in groupby(made.new, key=lambda row: row.reported.finding.path):
        yield Heading(text=path)
        for row in rows:
            yield from _finding(row, rules)
        yield Line(text="")
    yield from _problems(made.audit)
    if made.audit.command == "audit":
        yield from _causes(made)
    yield from _rules(made)
    yield from _silenced(made, {code: one.name for code, one in rules.items()})
    yield from _baseline(made)
    yield from _totals(made)


def _finding(row: Row, rules: dict[str, Entry]) -> Iterator[Block]:
    found = row.reported.finding
    rule = rules[found.code]
    remarks = [*(["notice"] if rule.level == "note" else []), found.evidence]
    remarks += [f"fix: {found.fix}"] if found.fix else []
    head = f"{found.line}:{found.col}  {found.code} {rule.name}"
    yield Line(text=f"{head}  {found.message}  [{'; '.join(remarks)}]", indent=2)
    yield Line(text=row.reported.line_text, style="dim", indent=8)


def _problems(audit: Audit) -> Iterator[Block]:
    for path, failure in audit.failed:
        yield Line(text=f"failed: {path}: {failure.code + ' ' if failure.code else ''}{failure.error}", style="red")
    for one in audit.files:
        for notice in one.unused:
            yield Line(text=f"notice: {one.path}:{notice.line}: {notice.message}", style="yellow")
    for one in audit.files:
        if one.hidden:
            yield Line(text=f"partly hidden: {one.path}: {one.hidden} spans of newer syntax were not looked into")
    for name in audit.skipped_directories:
        yield Line(text=f"not entered: {name}")
    for row in audit.contracts_missing:
        yield Line(text=f"contract missing: {row['contract']} ({row['target']}.{row['method']}): {row['reason']}")
    for note in audit.notes:
        yield Line(text=f"note: {note}", style="yellow")


def _causes(made: Conclusion) -> Iterator[Block]:
    counts = made.by_cause()
    total = sum(counts.values())
    rows = tuple((cause.value, count, _share(count, total), f"{SHARES[cause]} %") for cause, count in counts.items())
    yield Table(title="by root cause", columns=("cause", "findings", "share", "in the audit"), rows=rows)


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.0f} %" if total else "-"


def _rules(made: Conclusion) -> Iterator[Block]:
    counts = made.by_rule()
    rows = tuple((one.code, one.name, counts[one.code]) for one in made.audit.rules)
    yield Table(title="by rule", columns=("code", "rule", "findings"), rows=rows)
    fixes = Counter(row.reported.finding.fix for row in made.rows if row.reported.finding.fix)
    for fix, count in sorted(fixes.items()):
        yield Line(text=f"repair: {count} by: failloud migrate {fix} PATH")


def _silenced(made: Conclusion, names: dict[str, str]) -> Iterator[Block]:
    rows = tuple(
        (code, names[code], count, reason)
        for code, reasons in made.silenced().items()
        for reason, count in sorted(reasons.items())
    )
    if rows:
        yield Table(title="suppressed", columns=("code", "rule", "findings", "reason"), rows=rows)


def _baseline(made: Conclusion) -> Iterator[Block]:
    found = made.comparison
    if found is None:
        return
    known = sum(row.known for row in made.rows)
    yield Line(
        text=f"baseline: {len(made.new)} new, {known} known, {len(found.gone)} gone, "
        f"{len(found.unchecked)} not looked at"
    )
    for entry in found.gone[:_GONE_SHOWN]:
        yield Line(text=f"gone: {entry.path}: {entry.code} in {entry.function}: {entry.text}")
    if len(found.gone) > _GONE_SHOWN:
        yield Line(text=f"gone: {len(found.gone) - _GONE_SHOWN} more")
    if found.gone:
        yield Line(text="take what is gone out of the baseline: run again with --write-baseline and the same file")


def _totals(made: Conclusion) -> Iterator[Block]:
    files = made.audit.files
    bad = sum(bool(one.failures) for one in files)
    silenced = sum(len(one.silenced) for one in files)
    unused = sum(len(one.unused) for one in files)
    parsed = sum(one.looked for one in files)
    yield Line(
        text=f"files: {len(files)} found, {len(files) - bad} {made.audit.command}ed, {bad} failed; "
        f"{parsed} hold a word of a rule"
    )
    yield Line(
        text=f"findings: {len(made.rows)}, {silenced} suppressed, {unused} suppressions unused or not understood"
    )


def rule_table() -> str:
    """Give the rules as the table of `docs/audit.md`, in Markdown."""
    table = next(iter(rule_blocks(entries())))
    rows = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    return "".join(f"| {' | '.join(str(cell) for cell in row)} |\n" for row in rows)


def rule_blocks(rules: tuple[Entry, ...]) -> Iterator[Table]:
    """Give the table of `--list-rules`."""
    rows = tuple((r.code, r.name, r.cause or "-", "yes" if r.needs_contracts else "no", r.summary) for r in rules)
    yield Table(title="rules", columns=("code", "rule", "root cause", "needs a host file", "finds"), rows=rows)
