"""missing-guard: a guard skips a call because its receiver is missing, and nobody is told.

The audit's first root cause. What counts is said in `codemods.missing`. This rule owns the branches of such guards:
`log-and-return-false` leaves them out, also where they log and return False.
"""

from __future__ import annotations

from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.finding import Cause, Finding, finding_at
from codemods.missing import Missing, missing_guards

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL002"
SUMMARY = "a None guard that skips a call in silence"
CAUSE = Cause.MISSING_NULL_CHECK
WORDS = (b"and", b"if")


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each guard once, for the first call it guards."""
    for one in missing_guards(looked):
        site = one.site
        yield finding_at(
            one.node,
            looked,
            code=CODE,
            message=_message(one),
            evidence=site.row.evidence if site is not None else "shape",
            contract=site.verdict.rows[0].key if site is not None else "",
            fix=_fix(one),
        )


def _message(one: Missing) -> str:
    also = ", which the guard asks for among other things," if one.guard is not None and one.guard.mixed else ""
    return f"{one.skipped} is skipped in silence where {one.receiver}{also} is missing"


def _fix(one: Missing) -> str:
    """Name the codemod, where it would not refuse by shape or decision; see `guard-missing`."""
    if one.guard is None or one.site is None or one.guard.mixed or one.guard.shape == "expression":
        return ""
    refused = one.site.decided[0].name == "catch_specific" or len(one.site.verdict.rows) > 1
    return "" if refused else "guard-missing"
