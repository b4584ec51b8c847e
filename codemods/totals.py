"""Totals of `calls`: rows by verdict; targets by evidence, kind, result use and migration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from codemods.site import CallRow
from codemods.verdict import NAMING_RULE

__all__ = ["Totals", "totals_of"]

_Counts = dict[str, int]
"Most common first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All counts are of rows. From `typed` on they are of targets, mixed ones included."""

    calls: int
    verdict: _Counts
    kind: _Counts
    targets: int
    typed: _Counts
    "By the evidence that gave the receiver's class."
    naming_rule: int
    "Receivers that only a rule of the host file names."
    target_kind: _Counts
    result_use: _Counts
    migration: _Counts
    swallowed: int
    "By a handler of the same function."

    def as_json(self) -> dict[str, object]:
        """Give `totals` of `calls --json`."""
        return {
            "calls": self.calls,
            "verdict": self.verdict,
            "kind": self.kind,
            "targets": {
                "count": self.targets,
                "typed": {"count": sum(self.typed.values()), "evidence": self.typed},
                "naming_rule": {"count": self.naming_rule},
                "kind": self.target_kind,
                "result_use": self.result_use,
                "migration": self.migration,
                "swallowed": self.swallowed,
            },
        }


def totals_of(rows: list[CallRow]) -> Totals:
    """Count the rows of a scan."""
    targets = [row for row in rows if row.verdict.startswith("target")]
    typed = [row for row in targets if row.evidence != NAMING_RULE]
    return Totals(
        calls=len(rows),
        verdict=_by(rows, lambda row: row.verdict),
        kind=_by(rows, lambda row: row.kind),
        targets=len(targets),
        typed=_by(typed, lambda row: row.evidence),
        naming_rule=len(targets) - len(typed),
        target_kind=_by(targets, lambda row: row.kind),
        result_use=_by(targets, lambda row: row.result_use),
        migration=_by(targets, lambda row: row.migration),
        swallowed=sum(row.swallows for row in targets),
    )


def _by(rows: list[CallRow], what: Callable[[CallRow], str]) -> _Counts:
    return dict(Counter(map(what, rows)).most_common())
