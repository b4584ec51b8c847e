"""phantom-call: a call of a contracted name on a class without such a method: an AttributeError when run."""

from __future__ import annotations

from collections.abc import Iterator

from codemods.callsites import Analysis
from codemods.finding import Cause, Finding, finding_at
from codemods.site import Site

__all__ = ["CAUSE", "CODE", "SUMMARY", "WORDS", "check"]

CODE = "FL008"
SUMMARY = "a call of a method that no class defines"
CAUSE = Cause.EXCEPTION_SWALLOWED
WORDS: tuple[bytes, ...] = ()


def check(looked: Analysis) -> Iterator[Finding]:
    """Report each call with the verdict `phantom`."""
    for site in looked.sites:
        if site.row.verdict == "phantom":
            message = f"{_classes(site)} defines no {site.row.method}: {_effect(site)}"
            yield finding_at(site.call, looked, code=CODE, message=message, evidence=site.row.evidence)


def _classes(site: Site) -> str:
    return " or ".join(name.rpartition(":")[2] for name in site.row.resolved_class.split("|"))


def _effect(site: Site) -> str:
    if "hasattr_guard" in site.row.hazards:
        return "the hasattr guard is never true, so the call is never made"
    if site.row.swallows:
        return f"an AttributeError when run, which the handler at line {site.row.handler_line} swallows"
    return "an AttributeError when run"
