"""ignored-result: a contracted call says by its result that an event was lost, and nobody looks.

The method answers False, None or an object that says so; the call stands alone, its result is assigned and never
read, or its coroutine is not even awaited. Only calls whose receiver is a contracted class count; the finding names
the evidence. Repair: `failloud migrate check-results` hands the result to `delivered(...)`.
"""

from __future__ import annotations

from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.finding import Cause, Finding, finding_at
from codemods.fixers.check_results import refusal
from codemods.site import Site

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL001"
SUMMARY = "the result of a contracted call is dropped"
CAUSE = Cause.RESULT_IGNORED
WORDS: tuple[bytes, ...] = ()
_DROPPED = {
    "ignored": "the result of {0} is dropped: nobody hears that it failed",
    "assigned_unused": "the result of {0} is assigned and never read: nobody hears that it failed",
    "missing_await": "the coroutine of {0} is never awaited: it does nothing, and nobody hears of it",
}
_SHOWN_IN_RESULT = frozenset({"falsy", "unsuccessful"})


def check(looked: Analysis) -> Iterator[Finding]:
    """Find dropped results of contracted calls."""
    for site in looked.sites:
        text = _DROPPED.get(site.row.result_use)
        rows = [row for row in site.verdict.rows if row.shows in _SHOWN_IN_RESULT]
        if text is None or not rows or site.usage.verb is not None:
            continue
        keys = " or ".join(row.key for row in rows)
        yield finding_at(
            site.call,
            looked,
            code=CODE,
            message=text.format(keys),
            evidence=site.row.evidence,
            contract=rows[0].key if len(rows) == 1 else "",
            fix=_fix(site, looked),
        )


def _fix(site: Site, looked: Analysis) -> str:
    """Name the codemod that takes the site; where check-results refuses it, say so by naming none."""
    if not refusal(site, looked):
        return "check-results"
    dropped = site.row.result_use != "missing_await"
    return "catch-specific" if dropped and site.decided[0].name == "catch_specific" else ""
