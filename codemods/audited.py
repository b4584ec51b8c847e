"""What an audit came to: findings told new from known, the sums by root cause and rule, the exit code."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from codemods.audit import Audit, Reported
from codemods.baseline import Comparison, Entry, compared, identified
from codemods.finding import Cause
from codemods.rulebook import entries

__all__ = ["SHARES", "Conclusion", "Row", "concluded"]

SHARES = {
    Cause.MISSING_NULL_CHECK: 35,
    Cause.RESULT_IGNORED: 25,
    Cause.EXCEPTION_SWALLOWED: 20,
    Cause.OVERFLOW: 15,
    Cause.NETWORK: 5,
}
"Per cent of failures by root cause, as the audit that started this project counted them, in its order."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding that is not suppressed."""

    reported: Reported
    entry: Entry
    known: bool
    "In the baseline."


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """An audit with what a reader asks of it."""

    audit: Audit
    rows: tuple[Row, ...]
    comparison: Comparison | None
    "None without a baseline."

    @property
    def new(self) -> list[Row]:
        """Findings that are not in the baseline."""
        return [row for row in self.rows if not row.known]

    @property
    def failing(self) -> list[Row]:
        """Those of them that are no mere notices."""
        notices = {one.code for one in self.audit.rules if one.level == "note"}
        return [row for row in self.new if row.reported.finding.code not in notices]

    @property
    def exit_code(self) -> int:
        """2 where a file or rule failed, 1 where something is found that was not known and fails, else 0."""
        return 2 if self.audit.failed else int(bool(self.failing))

    def by_rule(self) -> dict[str, int]:
        """Count findings by code, of every rule that ran."""
        counts = Counter(row.reported.finding.code for row in self.rows)
        return {one.code: counts[one.code] for one in self.audit.rules}

    def by_cause(self) -> dict[Cause, int]:
        """Count findings by root cause, in the audit's order. Findings about suppressions have none."""
        counts = Counter[Cause]()
        for one in self.audit.rules:
            if one.cause is not None:
                counts[one.cause] += self.by_rule()[one.code]
        return {cause: counts[cause] for cause in SHARES}

    def silenced(self) -> dict[str, Counter[str]]:
        """Count suppressed findings by code and reason."""
        found: dict[str, Counter[str]] = {}
        for file in self.audit.files:
            for one in file.silenced:
                found.setdefault(one.reported.finding.code, Counter())[one.reason] += 1
        return dict(sorted(found.items()))


def concluded(audit: Audit, before: tuple[Entry, ...] | None, start: Path) -> Conclusion:
    """Compare an audit with a baseline's entries; `start` is the folder that fingerprints count paths from."""
    reported = audit.reported
    now = identified(reported, audit.folder, start)
    comparison = None if before is None else compared(now, before, _Looked(audit, start))
    known = comparison.known if comparison is not None else frozenset[str]()
    rows = [Row(reported=r, entry=e, known=e.fingerprint in known) for r, e in zip(reported, now, strict=True)]
    return Conclusion(audit=audit, rows=tuple(rows), comparison=comparison)


class _Looked:
    """Tells whether an audit would have found a baseline's entry if it were still there."""

    def __init__(self, audit: Audit, start: Path) -> None:
        self.start = start
        self.ran = {one.code for one in audit.rules}
        self.known = {one.code for one in entries()}
        self.files = {os.path.normpath(audit.folder / one.path): one for one in audit.files}

    def __call__(self, entry: Entry) -> bool:
        if entry.code not in self.ran:
            return entry.code not in self.known  # a rule that was retired: its findings are gone for good
        path = os.path.normpath(self.start / entry.path)
        file = self.files.get(path)
        return not file.failures if file is not None else not Path(path).exists()
