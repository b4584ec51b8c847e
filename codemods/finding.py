"""What an audit rule finds, and the shape of a rule; each module in `codemods/rules/` has the shape of `Rule`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from codemods.callsites import Analysis

__all__ = ["Cause", "Finding", "Rule", "finding_at"]


class Cause(StrEnum):
    """Root causes, in the audit's words and order; the audit's shares are those of its own count of failures."""

    MISSING_NULL_CHECK = "missing null check"
    "35 % in the audit."
    RESULT_IGNORED = "return value ignored"
    "25 %."
    EXCEPTION_SWALLOWED = "exception swallowed"
    "20 %."
    OVERFLOW = "buffer or queue overflow"
    "15 %."
    NETWORK = "network or connection"
    "5 %."


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place that fails in silence."""

    code: str
    "Of the rule: `FL001`."
    path: str
    "Relative to the root that was audited."
    line: int
    col: int
    "As `ast` counts: lines from 1, columns in UTF-8 bytes from 0."
    end_line: int
    end_col: int
    function: str
    "Qualified name of the function around it, `<module>` at the top level."
    message: str
    "One line, lower case, no final period: what fails in silence here, and why nobody hears it."
    evidence: str = "shape"
    "How the rule knows: `shape` (no types were needed), or the evidence by which a contracted receiver was resolved."
    contract: str = ""
    "`component.method` where a contracted call is concerned."
    fix: str = ""
    "Name of the codemod that repairs it; empty where none does."


class Rule(Protocol):
    """The shape of a rule module. `CODE` is stable for ever; a retired code is not given to another rule."""

    CODE: str
    SUMMARY: str
    "What it finds, in one line."
    CAUSE: Cause
    WORDS: tuple[bytes, ...]
    "Words without which a file cannot have a finding; empty = only files that name a contracted method."

    def check(self, looked: Analysis) -> Iterator[Finding]:
        """Look at one module. Pure."""
        ...


def finding_at(
    node: ast.expr | ast.stmt | ast.excepthandler,
    looked: Analysis,
    *,
    code: str,
    message: str,
    evidence: str = "shape",
    contract: str = "",
    fix: str = "",
) -> Finding:
    """Make the finding of a node of the module's tree."""
    return Finding(
        code=code,
        path=looked.path,
        line=node.lineno,
        col=node.col_offset,
        end_line=node.end_lineno or node.lineno,
        end_col=node.end_col_offset or node.col_offset,
        function=looked.around.qualname(node),
        message=message,
        evidence=evidence,
        contract=contract,
        fix=fix,
    )
