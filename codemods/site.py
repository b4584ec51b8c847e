"""One call site: what is reported, and what a codemod needs to rewrite it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, fields

from codemods.classes import dotted
from codemods.handlers import Level
from codemods.migration import Migration
from codemods.usage import Usage
from codemods.verdict import Verdict

__all__ = ["CallRow", "Site", "run_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One row of `calls --json`; the names are the keys."""

    path: str
    line: int
    col: int
    function: str
    receiver: str
    method: str
    kind: str
    verdict: str
    resolved_class: str
    contracts: tuple[str, ...]
    evidence: str
    awaited: bool
    result_use: str
    handler: str
    handler_line: int | None
    swallows: bool
    in_except_body: bool
    hazards: tuple[str, ...]
    migration: str
    why: str

    def as_json(self) -> dict[str, object]:
        """Give the row as plain data."""
        row: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        return row | {"contracts": list(self.contracts), "hazards": list(self.hazards)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A row with its nodes. Lives in the worker that parsed the file."""

    row: CallRow
    call: ast.expr
    usage: Usage
    verdict: Verdict
    levels: tuple[Level, ...]
    "All levels around the call in its function, innermost first."
    reached: tuple[Level, ...]
    "Those a loud failure still meets."
    decided: tuple[Migration, ...]
    "For each level that swallows, innermost first: the decision if that level came first."


def run_of(site: Site) -> str:
    """Give the call's run id where it is a plain name: then the verb knows which run it speaks of."""
    at, call = site.verdict.rows[0].run_at, site.call
    if at < 0 or not isinstance(call, ast.Call) or site.row.kind != "call":
        return ""
    found = next((word.value for word in call.keywords if word.arg == "run_id"), None)
    before = call.args[: at + 1]
    if found is None and len(before) == at + 1 and not any(isinstance(one, ast.Starred) for one in before):
        found = before[at]
    return ".".join(dotted(found)) if found is not None else ""
